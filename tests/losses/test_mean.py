"""The weighted mean: worked by hand, and the same over devices as over the whole batch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster import losses


@pytest.mark.parametrize(("over", "expected", "count"), [("selected", 3.0, 2), ("all", 2.0, 3)])
def test_weighted_mean_by_hand(over, expected, count):
    values, weights = jnp.asarray([1.0, 5.0, 9.0, 100.0]), jnp.asarray([1.0, 1.0, 0.0, 1.0])
    share, counted = losses.weighted_mean(values, weights, valid=jnp.arange(4) < 3, over=over)
    assert (float(share), float(counted)) == (expected, count)


def test_padding_may_hold_anything():
    def loss(values):
        return losses.weighted_mean(values, jnp.ones(2), valid=jnp.asarray([True, False]))[0]

    values = jnp.asarray([2.0, jnp.nan])
    assert float(loss(values)) == 2
    np.testing.assert_array_equal(jax.grad(loss)(values), [1, 0])


def test_nothing_selected_is_zero_with_zero_gradient():
    def loss(v):
        return losses.weighted_mean(v, jnp.zeros(3), valid=jnp.ones(3, bool))[0]

    assert float(loss(jnp.ones(3))) == 0
    np.testing.assert_array_equal(jax.grad(loss)(jnp.ones(3)), 0)


@pytest.mark.parametrize("over", ["selected", "all"])
def test_shares_of_the_devices_add_up_to_the_mean_of_the_whole(over):
    rng = np.random.default_rng(0)
    values, valid = rng.random(12).astype(np.float32), np.arange(12) < 11
    weights = (rng.random(12) < 0.5).astype(np.float32)
    whole, count = losses.weighted_mean(values, weights, valid=valid, over=over)

    def one_device(v, w, m):
        share, count = losses.weighted_mean(v, w, valid=m, over=over, axis_name="i")
        return jax.lax.psum(share, "i"), count

    shares, counts = jax.vmap(one_device, axis_name="i")(*(a.reshape(4, 3) for a in (values, weights, valid)))
    np.testing.assert_allclose(shares, whole, rtol=1e-6)
    np.testing.assert_array_equal(counts, count)


def test_an_unknown_divisor_is_named():
    with pytest.raises(ValueError, match="over must be 'selected' or 'all', got 'some'"):
        losses.weighted_mean(jnp.zeros(2), jnp.zeros(2), valid=jnp.ones(2, bool), over="some")
