"""Pairwise entropy: worked by hand, double loops as oracle, its limits, padding and devices."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster import losses
from tests.oracles import losses as oracle

VALID = np.array([True, True, False, True, True, True, True, False])
WEIGHTS = np.array([1.0, 0.0, 1.0, 0.3, 1.0, 1.0, 0.0, 1.0])


def weighted(outputs, valid, weights, axis_name=None):
    each = losses.pairwise_entropy(outputs, valid, axis_name=axis_name)
    return jnp.sum(each * weights), each


whole = jax.jit(jax.value_and_grad(weighted, has_aux=True))


def some_outputs():
    outputs = np.random.default_rng(0).random((8, 5))
    outputs[~VALID] = np.nan
    return outputs


def test_three_vectors_by_hand():
    # Cosines: sqrt(1/2) between neighbors, 0 between the ends; H(.7071) = .6047, so the middle one has all of it.
    outputs = np.float32([[1, 0], [0.5, 0.5], [0, 0.2]])
    got, similarity = jax.jit(lambda x: (losses.pairwise_entropy(x, np.ones(3, bool)), losses.similarity(x)))(outputs)
    np.testing.assert_allclose(got, [0.30236, 0.60471, 0.30236], atol=2e-5)
    a = math.sqrt(0.5)
    np.testing.assert_allclose(similarity, [[1, a, 0], [a, 1, a], [0, a, 1]], atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_and_gradient_are_those_of_the_double_loop(dtype):
    outputs = some_outputs()
    with jax.enable_x64(dtype == np.float64):
        (_, each), gradient = whole(outputs.astype(dtype), VALID, WEIGHTS.astype(dtype))
    assert each.dtype == gradient.dtype == dtype
    tolerance = 1e-6 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(each, oracle.pairwise_entropy(outputs, VALID), rtol=0, atol=tolerance)
    assert not np.asarray(each)[~VALID].any()
    # Differences of the oracle, not of the code: padding is NaN and must have gradient 0, not NaN.
    slope = oracle.slope(lambda x: WEIGHTS @ oracle.pairwise_entropy(x, VALID), outputs)
    np.testing.assert_allclose(gradient, np.where(VALID[:, None], slope, 0), rtol=0, atol=3 * tolerance + 1e-8)


def test_two_devices_are_one_in_values_and_in_the_gradient_of_the_sum():
    outputs = some_outputs()

    def device(outputs, valid, weights):
        return jax.value_and_grad(weighted, has_aux=True)(outputs, valid, weights, axis_name="i")

    with jax.enable_x64(True):
        (_, each), gradient = whole(outputs, VALID, WEIGHTS)
        shards = (array.reshape(2, 4, *array.shape[1:]) for array in (outputs, VALID, WEIGHTS))
        (_, spread), spread_gradient = jax.jit(jax.vmap(device, axis_name="i"))(*shards)
    np.testing.assert_allclose(spread.reshape(8), each, rtol=1e-13)
    np.testing.assert_allclose(spread_gradient.reshape(8, 5), gradient, atol=1e-13)


def test_order_and_length_of_the_vectors_do_not_matter():
    outputs, scale = some_outputs(), np.random.default_rng(1).uniform(1e-3, 1e3, (8, 1))
    order = np.random.default_rng(2).permutation(8)
    with jax.enable_x64(True):
        (_, each), _ = whole(outputs, VALID, WEIGHTS)
        (_, other), _ = whole((outputs * scale)[order], VALID[order], WEIGHTS)
    np.testing.assert_allclose(other, np.asarray(each)[order], rtol=1e-12)


@pytest.mark.parametrize(
    "outputs",
    [np.full((8, 5), 0.5), np.eye(8, 5), np.repeat(np.eye(5), 2, axis=0)[:8], np.zeros((8, 5)), np.full((8, 5), 1e-30)],
    ids=["all equal", "orthogonal and zero", "blocks", "all zero", "underflow"],
)
def test_similarities_of_0_and_1_cost_nothing_and_have_finite_gradients(outputs):
    valid, weights = np.ones(8, bool), np.ones(8, np.float32)
    (_, each), gradient = whole(outputs.astype(np.float32), valid, weights)
    assert (np.asarray(each) >= 0).all()
    assert np.max(each) < 1.6e-5  # the entropy of the clipped similarity 1e-6 is 1.5e-5
    assert np.isfinite(gradient).all()


def test_the_bound_is_reached_at_a_similarity_of_one_half_and_one_alone_has_no_loss():
    half = np.zeros((8, 5), np.float32)
    half[:2] = [[1, 0, 0, 0, 0], [0.5, math.sqrt(0.75), 0, 0, 0]]
    (_, each), _ = whole(half, np.arange(8) < 2, np.ones(8, np.float32))
    np.testing.assert_allclose(each[:2], math.log(2), rtol=1e-6)
    (_, each), gradient = whole(half, np.arange(8) < 1, np.ones(8, np.float32))
    assert not np.asarray(each).any()
    assert not np.asarray(gradient).any()


@pytest.mark.parametrize(("chunk", "reference"), [(3, None), (100, None), (4, [6, 1, 1])])
def test_chunks_change_nothing(chunk, reference):
    outputs = np.random.default_rng(3).random((11, 5))
    index = None if reference is None else np.array(reference)
    with jax.enable_x64(True):
        got = jax.jit(lambda x: losses.pairwise_entropy_chunked(x, reference_index=index, chunk=chunk))(outputs)
    np.testing.assert_allclose(got, oracle.pairwise_entropy(outputs, reference=reference), rtol=1e-12)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"valid must be \[b\] = \[3\], got \(2,\)"):
        losses.pairwise_entropy(np.zeros((3, 2)), np.ones(2, bool))
    with pytest.raises(ValueError, match=r"outputs must be \[n, m\], got \(3,\)"):
        losses.similarity(np.zeros(3))
    with pytest.raises(ValueError, match="chunk must be at least 1, got 0"):
        losses.pairwise_entropy_chunked(np.zeros((3, 2)), chunk=0)
    with pytest.raises(ValueError, match=r"reference_index must be \[r\], got \(1, 2\)"):
        losses.pairwise_entropy_chunked(np.zeros((3, 2)), reference_index=np.zeros((1, 2), int))
