"""Single layers of the players against NumPy, and their draws against the law they are drawn from."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from jaxcluster.networks import Context
from jaxcluster.networks.layers import network, unit_norm

KEY = jax.random.key(3)


def context(rows, valid=None):
    return Context(KEY, jnp.arange(rows), jnp.ones(rows, bool) if valid is None else jnp.asarray(valid))


def normalizing(shape):
    init, apply = network(lambda net, x: net.batch_norm("norm", x, epsilon=0.5), [shape], jnp.float32)
    variables = init(KEY)
    variables["params"]["norm"] = {"scale": jnp.array([2.0, 3.0]), "bias": jnp.array([1.0, -1.0])}
    return variables, jax.jit(apply)


def test_batch_normalization_is_numpys_over_valid_rows_and_places():
    variables, apply = normalizing((3, 2, 2))
    x = np.random.default_rng(0).normal(2, 3, (5, 3, 2, 2)).astype(np.float32)
    valid = np.array([True, False, True, True, False])
    y, new = apply(variables, np.where(valid[:, None, None, None], x, np.nan), context=context(5, valid))
    mean, var = x[valid].mean((0, 1, 2)), x[valid].var((0, 1, 2))
    np.testing.assert_allclose(
        y[valid], (x[valid] - mean) / np.sqrt(var + 0.5) * [2, 3] + [1, -1], rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(new["norm"]["mean"], 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(new["norm"]["var"], 0.9 + 0.1 * var, rtol=1e-5)
    running = variables | {"stats": {"norm": {"mean": jnp.asarray(mean), "var": jnp.asarray(var)}}}
    np.testing.assert_allclose(apply(running, x)[0][valid], y[valid], rtol=1e-4, atol=1e-5)


def test_a_batch_of_padding_leaves_the_running_statistics():
    variables, apply = normalizing((2,))
    x = np.full((3, 2), np.nan, np.float32)
    y, new = apply(variables, x, context=context(3, [False] * 3))
    assert np.isfinite(y).all()
    jax.tree.map(np.testing.assert_array_equal, new, variables["stats"])


def test_a_constant_far_from_zero_has_no_variance():
    variables, apply = normalizing((2,))
    x = np.full((64, 2), 1000.1, np.float32)
    _, new = apply(variables, x, context=context(64))
    np.testing.assert_allclose(new["norm"]["var"], 0.9, atol=1e-6)


def test_columns_of_unit_norm():
    kernel = np.random.default_rng(0).normal(size=(5, 5, 3, 4)).astype(np.float32)
    scaled = np.asarray(jax.jit(functools.partial(unit_norm, axes=(0, 1, 2)))(kernel))
    np.testing.assert_allclose(np.square(scaled).sum((0, 1, 2)), 1, rtol=1e-5)
    np.testing.assert_allclose(scaled / scaled[:1, :1, :1], kernel / kernel[:1, :1, :1], rtol=1e-4)
    # a kernel of zeros has a gradient
    gradient = jax.jit(jax.grad(lambda k: unit_norm(k, axes=(0,)).sum()))(np.zeros((3, 2), np.float32))
    assert np.isfinite(gradient).all()


def test_noise_and_dropout_follow_their_laws_and_no_two_layers_share_draws():
    def forward(net, x):
        return net.noise("a", x, 0.3), net.noise("b", x, 0.3), net.dropout("c", x, 0.25), net.dropout("d", x, 0.25)

    _, apply = network(forward, [(400,)], jnp.float32)
    x = jnp.ones((50, 400))
    (a, b, c, d), _ = jax.jit(apply)({"params": {}, "stats": {}}, x, context=context(50))
    a, b, c, d = (np.asarray(value).ravel() for value in (a, b, c, d))
    assert stats.kstest((a - 1) / 0.3, "norm").pvalue > 0.01
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(a.size)  # four standard deviations
    assert set(np.unique(c)) == {0, np.float32(1 / 0.75)}
    assert abs((c == 0).mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / c.size)
    assert abs(np.corrcoef(c, d)[0, 1]) < 4 / np.sqrt(c.size)
    (a, _, c, _), _ = apply({"params": {}, "stats": {}}, x)
    np.testing.assert_array_equal([a, c], np.stack([x, x]))


def test_initial_values_differ_between_layers_and_follow_the_key():
    def forward(net, x):
        init = lambda key, shape, dtype: jax.random.normal(key, shape, dtype)  # noqa: E731
        return net.dense("second", net.dense("first", x, 4, init=init), 4, init=init)

    init, _ = network(forward, [(4,)], jnp.float32)
    one, other = (jax.jit(init)(jax.random.key(seed))["params"] for seed in (0, 1))
    assert not np.array_equal(one["first"]["kernel"], one["second"]["kernel"])
    assert not np.array_equal(one["first"]["kernel"], other["first"]["kernel"])
