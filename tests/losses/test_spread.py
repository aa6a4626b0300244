"""The variance within clusters against NumPy's, over padding and over devices."""

import jax
import numpy as np
import pytest

from jaxcluster.losses import within_cluster_variance

CLUSTERS = np.array([0, 2, 0, 2, 2, 1, 0, 2])  # cluster 1 has one sample, cluster 3 none
ALL = np.ones(8, bool)


@jax.jit
def variance(x, clusters, valid):
    """The value, and its gradient with respect to the samples."""
    return jax.value_and_grad(within_cluster_variance)(x, clusters, 4, valid)


def samples():
    return np.random.default_rng(0).normal(size=(8, 2, 3)).astype(np.float32)


def by_hand(x, clusters):
    """Numerator and denominator of the pooled variance."""
    parts = [x.reshape(len(x), -1)[clusters == k] for k in range(4)]
    squares = sum(float(((part - part.mean(0)) ** 2).sum()) for part in parts if len(part))
    return squares / sum(max(len(part) - 1, 0) for part in parts)


def test_it_is_the_pooled_variance():
    found, _ = variance(samples(), CLUSTERS, ALL)
    np.testing.assert_allclose(found, by_hand(samples(), CLUSTERS), rtol=1e-5)
    shifted = samples() + np.float32(10) * CLUSTERS[:, None, None].astype(np.float32)  # where clusters lie is all one
    again, _ = variance(shifted, CLUSTERS, ALL)
    np.testing.assert_allclose(again, found, rtol=1e-4)


def test_without_two_samples_of_a_cluster_it_is_0():
    value, gradient = variance(samples(), np.arange(8) % 4, np.arange(8) < 4)
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)


def test_padding_counts_nowhere():
    x, valid = samples(), np.arange(8) < 6
    x[6:] = np.nan
    value, gradient = map(np.asarray, variance(x, CLUSTERS, valid))
    np.testing.assert_allclose(value, by_hand(x[:6], CLUSTERS[:6]), rtol=1e-5)
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[6:], 0)


def test_over_devices_it_is_that_of_all():
    """Value on each device, and the gradient of the sum of the devices' shares."""
    value, gradient = variance(samples(), CLUSTERS, ALL)

    def share(x, clusters, valid):
        found = within_cluster_variance(x, clusters, 4, valid, axis_name="devices")
        return found / 2, found

    split = [array.reshape(2, 4, *array.shape[1:]) for array in (samples(), CLUSTERS, ALL)]
    parts, values = jax.jit(jax.vmap(jax.grad(share, has_aux=True), axis_name="devices"))(*split)
    np.testing.assert_allclose(values, value, rtol=1e-5)
    np.testing.assert_allclose(np.reshape(parts, (8, 2, 3)), gradient, rtol=1e-4, atol=1e-6)


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"clusters must be \(8,\), got \(7,\)"):
        within_cluster_variance(np.zeros((8, 2)), np.zeros(7, int), 4, np.ones(8, bool))
    with pytest.raises(ValueError, match=r"valid must be \[b\] = \[8\]"):
        within_cluster_variance(np.zeros((8, 2)), np.zeros(8, int), 4, np.ones(7, bool))
