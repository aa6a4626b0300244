"""The autoencoder against a plain NumPy one, and its initialization against the bound it is drawn from."""

import itertools

import jax
import numpy as np
from scipy import stats

from jaxcluster import networks


def numpy_layers(params, x):
    names = sorted(params, key=lambda name: int(name.split("_")[1]))
    for i, name in enumerate(names):
        x = x if i == 0 else np.maximum(x, 0)
        x = x @ np.asarray(params[name]["kernel"], np.float64) + np.asarray(params[name]["bias"], np.float64)
    return x


def test_forward_pass_is_the_plain_one():
    net = networks.autoencoder(12, hidden=(7, 9), embedding=3)
    params = jax.jit(net.init)(jax.random.key(1))
    params = jax.tree.map(lambda leaf: np.asarray(leaf) + np.float32(0.1), params)  # biases that are not zero
    x = np.random.default_rng(0).random((5, 12), np.float32)
    z = jax.jit(net.encode)(params["encoder"], x)
    np.testing.assert_allclose(z, numpy_layers(params["encoder"], x), rtol=1e-5)
    x = jax.jit(net.decode)(params["decoder"], z)
    np.testing.assert_allclose(x, numpy_layers(params["decoder"], np.asarray(z)), rtol=1e-5)
    assert z.shape == (5, 3)


def test_the_papers_size():
    params = jax.eval_shape(networks.autoencoder(784).init, jax.random.key(0))
    widths = [784, 500, 500, 2000, 10, 2000, 500, 500, 784]
    expected = sum(a * b + b for a, b in itertools.pairwise(widths))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == expected


def test_kernels_start_uniform_within_one_over_root_fan_in_and_each_from_its_own_draw():
    params = jax.jit(networks.autoencoder(50, hidden=(400,), embedding=50).init)(jax.random.key(2))
    for layer in params["encoder"].values():
        kernel = np.asarray(layer["kernel"])
        bound = kernel.shape[0] ** -0.5
        assert stats.kstest(kernel.ravel(), stats.uniform(-bound, 2 * bound).cdf).pvalue > 0.01
        np.testing.assert_array_equal(layer["bias"], 0)
    for name, layer in params["encoder"].items():
        assert not np.array_equal(layer["kernel"], params["decoder"][name]["kernel"])
