"""Consistency by hand; the adversarial move against an eigenvector, and what it does without a gradient."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster import losses

KEY = jax.random.key(0)


def test_consistency_by_hand_with_a_gradient_into_both_branches():
    x, y = np.float32([[0, 1], [0.5, 0.5], [0.3, 0.1]]), np.float32([[1, 0], [0.5, 0.25], [np.nan, 0]])

    @jax.jit
    def values_and_slopes(x, y, valid):
        each, back = jax.vjp(lambda x, y: losses.consistency(x, y, valid=valid), x, y)
        return each, losses.consistency(x, y), back(jnp.ones_like(each))

    each, unmasked, (to_x, to_y) = values_and_slopes(x, y, np.array([True, True, False]))
    np.testing.assert_allclose(each, [2, 0.0625, 0])
    np.testing.assert_allclose(unmasked[:2], [2, 0.0625])
    np.testing.assert_allclose(to_x, [[-2, 2], [0, 0.5], [0, 0]])
    np.testing.assert_allclose(to_y, -np.asarray(to_x))


@pytest.mark.parametrize("divergence", ["kl", "square"])
def test_a_small_step_finds_the_top_singular_direction(divergence):
    # f = sigmoid(W x): the divergence is d^T W^T S W d / 2 up to third order, S the slope p(1-p) for the divergence of
    # Bernoulli variables and twice its square for the squared distance.
    rng = np.random.default_rng(0)
    left, right = np.linalg.qr(rng.normal(size=(5, 4)))[0], np.linalg.qr(rng.normal(size=(4, 4)))[0]
    matrix = left @ np.diag([3, 0.5, 0.3, 0.1]) @ right.T
    x = rng.normal(size=(6, 2, 2)) * 0.3
    radius = np.linspace(0.1, 2, 6)

    def forward(x):
        return jax.nn.sigmoid(x.reshape(-1, 4) @ matrix.T)

    def move(key, x):
        options = {"step": 1e-3, "iterations": 4, "divergence": divergence}
        return losses.virtual_adversarial(key, forward, x, jnp.arange(6), radius=radius, **options)

    with jax.enable_x64(True):
        moved = np.asarray(jax.jit(move)(KEY, x))
    p = 1 / (1 + np.exp(-x.reshape(6, 4) @ matrix.T))
    difference = (moved - x).reshape(6, 4)
    np.testing.assert_allclose(np.linalg.norm(difference, axis=1), radius, rtol=1e-12)
    for i in range(6):
        slope = p[i] * (1 - p[i])
        values, vectors = np.linalg.eigh(matrix.T @ np.diag(slope if divergence == "kl" else slope**2) @ matrix)
        assert values[-2] < 0.05 * values[-1]  # four iterations shrink the rest to .05^4
        # The third order bends the direction by about the step.
        assert abs(difference[i] @ vectors[:, -1]) > radius[i] * (1 - 1e-5)


def test_a_move_belongs_to_its_sample_and_needs_no_gradient_to_be_a_move():
    # Row 2 is NaN; rows 4 and 5 reach a function that is flat there; row 1 one whose gradient is all but zero.
    x = np.random.default_rng(0).random((6, 3)).astype(np.float32)
    x[2], x[4:] = np.nan, -1

    def forward(x):
        slope = jnp.where(jnp.arange(x.shape[0]) == 1, 1e-18, 1.0).astype(x.dtype)
        return jax.nn.sigmoid(jax.nn.relu(x.sum(axis=1, keepdims=True)) * slope[:, None])

    options = {"radius": 0.5, "step": 0.1, "divergence": "square"}
    move = jax.jit(lambda x, position: losses.virtual_adversarial(KEY, forward, x, position, **options))
    moved = np.asarray(move(x, np.arange(6)))
    direction = (moved - x) / 0.5
    assert np.isnan(moved[2]).all()
    rest = [0, 1, 3, 4, 5]
    np.testing.assert_allclose(np.linalg.norm(direction[rest], axis=1), 1, rtol=1e-5)
    # Every unit of x counts alike, so the worst way is the diagonal; a flat function leaves a random one.
    np.testing.assert_allclose(np.abs(direction[[0, 3]]), 3**-0.5, rtol=1e-5)
    assert np.ptp(np.abs(direction[4])) > 0.05
    assert np.abs(direction[4] - direction[5]).max() > 0.1  # each its own, though the rows are equal
    other = x.copy()
    other[[0, 3]] = 0.25
    np.testing.assert_array_equal(np.asarray(move(other, np.arange(6)))[4:], moved[4:])
    later = np.asarray(move(x, np.arange(1, 7)))
    np.testing.assert_array_equal(later[4], moved[5])  # position 5 in both, and the rows are equal


def test_no_gradient_flows_through_the_move():
    x = np.random.default_rng(0).random((2, 3)).astype(np.float32)

    def total(weight, x):
        forward = lambda x: jax.nn.sigmoid(x * weight)  # noqa: E731
        return losses.virtual_adversarial(KEY, forward, x, np.arange(2), radius=1.0).sum()

    for gradient in jax.jit(jax.grad(total, argnums=(0, 1)))(1.0, x):
        np.testing.assert_array_equal(gradient, 0)


def test_saturated_units_give_a_finite_move():
    x = np.array([[50.0, -50.0, 0.1], [200.0, 200.0, -200.0]], np.float32)
    move = jax.jit(partial(losses.virtual_adversarial, KEY, jax.nn.sigmoid, radius=1.0, step=0.5))
    moved = np.asarray(move(x, np.arange(2)))
    np.testing.assert_allclose(np.linalg.norm(moved - x, axis=1), 1, rtol=1e-4)
    np.testing.assert_allclose(np.abs(moved[0] - x[0]), [0, 0, 1], atol=1e-4)  # only the third unit can change


def test_bad_arguments_are_named():
    x, position = np.zeros((2, 3)), np.arange(2)

    def move(**options):
        return losses.virtual_adversarial(KEY, lambda x: x, x, **{"position": position, "radius": 1.0, **options})

    with pytest.raises(ValueError, match="divergence must be 'kl' or 'square', got 'js'"):
        move(divergence="js")
    with pytest.raises(ValueError, match="iterations must be at least 1, got 0"):
        move(iterations=0)
    with pytest.raises(ValueError, match=r"position must be \[b\] for x of shape \(2, 3\), got \(3,\)"):
        move(position=np.arange(3))
    with pytest.raises(ValueError, match=r"radius must be a scalar or \[b\] = \[2\], got \(2, 1\)"):
        move(radius=np.ones((2, 1)))
    with pytest.raises(ValueError, match="outputs and other must have one shape"):
        losses.consistency(x, np.zeros((2, 4)))


def test_padding_turns_no_direction_where_rows_depend_on_each_other():
    """As with batch statistics of the valid rows: padding reads them, and so must not be asked what it would like."""
    x, valid = np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32), np.arange(6) < 4

    def forward(x):
        mean = jnp.mean(x[:4], axis=0, keepdims=True)
        return jax.nn.sigmoid(jnp.sin(3 * (x - mean)) @ jnp.ones((3, 2)))

    def move(rows, **options):
        return losses.virtual_adversarial(KEY, forward, x[:rows], np.arange(rows), radius=1.0, step=0.1, **options)

    alone, masked, unmasked = map(np.asarray, jax.jit(lambda: (move(4), move(6, valid=valid), move(6)))())
    np.testing.assert_allclose(masked[:4], alone, atol=1e-5)
    assert np.abs(unmasked[:4] - alone).max() > 1e-2
