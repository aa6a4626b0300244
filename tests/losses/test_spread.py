"""The variance within clusters against NumPy's, over padding and over devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster.losses import within_cluster_variance

CLUSTERS = np.array([0, 2, 0, 2, 2, 1, 0, 2])  # cluster 1 has one sample, cluster 3 none
ALL = np.ones(8, bool)


def samples():
    return np.random.default_rng(0).normal(size=(8, 2, 3)).astype(np.float32)


def by_hand(x, clusters):
    """Numerator and denominator of the pooled variance."""
    parts = [x.reshape(len(x), -1)[clusters == k] for k in range(4)]
    squares = sum(float(((part - part.mean(0)) ** 2).sum()) for part in parts if len(part))
    return squares / sum(max(len(part) - 1, 0) for part in parts)


def test_it_is_the_pooled_variance():
    found = within_cluster_variance(jnp.asarray(samples()), jnp.asarray(CLUSTERS), 4, jnp.asarray(ALL))
    np.testing.assert_allclose(found, by_hand(samples(), CLUSTERS), rtol=1e-5)
    shifted = samples() + 10 * CLUSTERS[:, None, None]  # where the clusters lie does not matter
    again = within_cluster_variance(jnp.asarray(shifted), jnp.asarray(CLUSTERS), 4, jnp.asarray(ALL))
    np.testing.assert_allclose(again, found, rtol=1e-4)


def test_without_two_samples_of_a_cluster_it_is_0():
    x = jnp.asarray(samples()[:3])

    def of(x):
        return within_cluster_variance(x, jnp.arange(3), 4, jnp.ones(3, bool))

    assert of(x) == 0
    np.testing.assert_array_equal(jax.grad(of)(x), 0)


def test_padding_counts_nowhere():
    x, valid = samples(), np.arange(8) < 6
    x[6:] = np.nan

    def of(x):
        return within_cluster_variance(x, jnp.asarray(CLUSTERS), 4, jnp.asarray(valid))

    value, gradient = jax.value_and_grad(of)(jnp.asarray(x))
    np.testing.assert_allclose(value, by_hand(x[:6], CLUSTERS[:6]), rtol=1e-5)
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[6:], 0)


def test_over_devices_it_is_that_of_all():
    """Value on each device, and the gradient of the sum of the devices' shares."""

    def one(x):
        return within_cluster_variance(x, jnp.asarray(CLUSTERS), 4, jnp.asarray(ALL))

    value, gradient = jax.value_and_grad(one)(jnp.asarray(samples()))

    def share(x, clusters, valid):
        found = within_cluster_variance(x, clusters, 4, valid, axis_name="devices")
        return found / 2, found

    split = [jnp.asarray(array).reshape(2, 4, *array.shape[1:]) for array in (samples(), CLUSTERS, ALL)]
    parts, values = jax.pmap(jax.grad(share, has_aux=True), axis_name="devices")(*split)
    np.testing.assert_allclose(values, value, rtol=1e-5)
    np.testing.assert_allclose(parts.reshape(8, 2, 3), gradient, rtol=1e-4, atol=1e-6)


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"clusters must be \(8,\), got \(7,\)"):
        within_cluster_variance(jnp.zeros((8, 2)), jnp.zeros(7, int), 4, jnp.ones(8, bool))
    with pytest.raises(ValueError, match=r"valid must be \[b\] = \[8\]"):
        within_cluster_variance(jnp.zeros((8, 2)), jnp.zeros(8, int), 4, jnp.ones(7, bool))
