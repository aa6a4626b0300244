"""Hard, soft and adaptive schemes against their own objectives and NumPy; diversity against all subsets."""

import jax
import numpy as np
import pytest

from jaxcluster import spl
from tests.oracles import spl as oracle


def hard(v, loss, age):
    return v * loss - age * v


def linear(v, loss, age):
    return v * loss + age * (v**2 / 2 - v)


def logarithmic(v, loss, age):
    zeta = 1 - age
    return v * loss + zeta * v - zeta**v / np.log(zeta)


def mixture(v, loss, age, gamma):
    return v * loss + gamma**2 / (v + gamma / age)


CASES = [
    (spl.hard_weights, hard, {"age": 0.6}),
    (spl.linear_weights, linear, {"age": 0.6}),
    (spl.linear_weights, linear, {"age": 3.0}),
    (spl.linear_weights, linear, {"age": 0.0}),
    (spl.logarithmic_weights, logarithmic, {"age": 0.1}),
    (spl.logarithmic_weights, logarithmic, {"age": 0.6}),
    (spl.logarithmic_weights, logarithmic, {"age": 0.99}),
    (spl.mixture_weights, mixture, {"age": 0.8, "gamma": 0.3}),
    (spl.mixture_weights, mixture, {"age": 0.8, "gamma": 10.0}),
    (spl.mixture_weights, mixture, {"age": 2.0, "gamma": 0.05}),
]


@pytest.mark.parametrize(("scheme", "objective", "parameters"), CASES)
def test_minimizes_its_own_objective(scheme, objective, parameters):
    losses = np.concatenate([np.linspace(-0.5, 4.5, 400), [0.0, parameters["age"], parameters["age"] ** 2]])
    grid = np.linspace(0, 1, 2001)[:, None]
    with jax.enable_x64(True):
        weights, info = scheme(losses, **parameters, return_info=True)
    values = objective(grid, losses, **parameters)
    ours = objective(np.asarray(weights), losses, **parameters)
    # Nothing on the grid is better; and the best of the grid is no better than its mesh allows.
    assert np.all(ours <= values.min(0) + 1e-12)
    if objective is not hard:
        np.testing.assert_allclose(weights, grid[values.argmin(0), 0], atol=1e-3)
    at_zero = objective(np.zeros_like(losses), losses, **parameters)
    np.testing.assert_allclose(info.objective, np.sum(ours - at_zero), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("scheme", "objective", "parameters"), CASES)
def test_float32_is_close_to_float64(scheme, objective, parameters):
    losses = np.linspace(-0.5, 4.5, 403)  # as many as above
    weights = np.asarray(scheme(losses.astype(np.float32), **parameters))
    with jax.enable_x64(True):
        exact, _ = scheme(losses.astype(np.float32).astype(np.float64), **parameters, return_info=True)
    assert weights.dtype == np.float32
    assert exact.dtype == np.float64
    np.testing.assert_allclose(weights, exact, atol=2e-6)


@pytest.mark.parametrize("scheme", [spl.hard_weights, spl.linear_weights, spl.logarithmic_weights, spl.mixture_weights])
def test_weights_rise_with_the_age(scheme):
    losses, ages = np.linspace(0, 4, 50, dtype=np.float32), np.linspace(0.01, 0.99, 30, dtype=np.float32)
    over_ages = jax.jit(jax.vmap(lambda age, rest: scheme(losses, age=age, **rest), in_axes=(0, None)))
    for gamma in (0.05, 0.3, 10.0) if scheme is spl.mixture_weights else (None,):
        weights = np.asarray(over_ages(ages, {} if gamma is None else {"gamma": gamma}))
        if scheme is spl.logarithmic_weights:  # its number of selected samples grows, its weights do not
            assert np.all(np.diff(np.sum(weights > 0, axis=1)) >= 0)
            assert weights[-1, 1] < weights[-10, 1]
        else:
            assert np.all(np.diff(weights, axis=0) >= -1e-6)


def test_soft_schemes_keep_any_shape():
    losses = np.linspace(0, 1, 403, dtype=np.float32).reshape(13, 31)
    for scheme, _, parameters in CASES:
        weights = scheme(losses, **parameters)
        np.testing.assert_array_equal(np.ravel(weights), scheme(losses.ravel(), **parameters))


def test_hard_weights_by_hand():
    weights, info = spl.hard_weights(np.float32([0.5, 1.0, 1.5, -2.0]), age=1.0, return_info=True)
    np.testing.assert_array_equal(weights, [1, 0, 0, 1])
    assert (int(info.selected), float(info.mass), int(info.valid)) == (2, 2.0, 4)
    assert float(info.objective) == 0.5 - 2.0 - 2 * 1.0


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
@pytest.mark.parametrize("progress", [0.0, 0.3, 1.0, 1.5])
def test_adaptive_age_is_mean_plus_a_share_of_the_spread(scale, progress):
    losses = np.random.default_rng(0).gamma(2, 1, 1000) * scale
    expected = losses.mean() + progress * losses.std()
    age = spl.adaptive_age(losses.astype(np.float32), progress=progress)
    np.testing.assert_allclose(age, expected, rtol=1e-5)
    with jax.enable_x64(True):
        np.testing.assert_allclose(spl.adaptive_age(losses, progress=progress), expected, rtol=1e-13)


def test_adaptive_age_at_the_edges():
    # Equal losses: the age is that loss exactly, whatever the rounding of a mean would do.
    tenth = np.full(12345, 0.1, np.float32)
    assert spl.adaptive_age(tenth, progress=1.0) == np.float32(0.1)
    assert not np.any(spl.hard_weights(tenth, age=spl.adaptive_age(tenth, progress=1.0)))
    # NaN, infinite and masked losses are left out.
    losses = np.array([1.0, np.nan, 3.0, np.inf, -np.inf, 100.0], np.float32)
    mask = np.array([True, True, True, True, True, False])
    assert spl.adaptive_age(losses, progress=0.5, mask=mask) == 2.5
    assert np.isnan(spl.adaptive_age(losses, progress=0.5, mask=np.zeros(6, bool)))


# Diversity


def test_diversity_by_hand():
    # Bonuses gamma / (sqrt q + sqrt(q - 1)) with gamma 1: 1, 0.414, 0.318; age 1.
    losses = np.array([1.2, 1.4, 1.3, 1.9, 2.1, 9, 9, 9, 9], np.float32)
    groups = np.array([0, 0, 0, 1, 2, 0, 1, 2, 2])
    weights, _ = spl.diversity_weights(losses, groups, age=1.0, gamma=1.0, num_groups=3, return_info=True)
    np.testing.assert_array_equal(weights, [1, 0, 1, 1, 0, 0, 0, 0, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_subset_is_more_diverse_and_easy(dtype):
    with jax.enable_x64(dtype == np.float64):
        for seed in range(20):
            rng = np.random.default_rng(seed)
            losses = rng.gamma(2, 1, 9) - 1
            if seed % 2:
                losses = np.round(losses)
            losses = losses.astype(dtype)
            groups, age, gamma = rng.integers(0, 3, 9), rng.normal(), rng.choice([0, 0.1, 1, 3])
            weights, info = spl.diversity_weights(losses, groups, age=age, gamma=gamma, num_groups=3, return_info=True)
            weights, info = jax.tree.map(np.asarray, (weights, info))
            age, gamma = float(dtype(age)), float(dtype(gamma))
            best = oracle.best_subset(losses, groups, age, gamma, 3)
            np.testing.assert_allclose(info.objective, best, rtol=1e-5, atol=1e-5)
            # Tied samples share; without ties the weights are the subset.
            np.testing.assert_allclose(oracle.share_ties(weights, losses, groups), weights)
            for k in range(3):
                np.testing.assert_allclose(np.sum(weights[groups == k]), info.mass[k], rtol=1e-6)


def test_gamma_spreads_the_choice_over_groups():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 5, 500)
    losses = rng.gamma(2, 1, 500) + groups
    plain = spl.diversity_weights(losses, groups, age=1.5, gamma=0.0, num_groups=5, return_info=True)[1]
    diverse = spl.diversity_weights(losses, groups, age=1.5, gamma=6.0, num_groups=5, return_info=True)[1]
    assert np.sum(plain.selected > 0) < 5
    assert np.all(diverse.selected > 0)


@pytest.mark.parametrize("wanted", [1, 2, 7, 40, 99])
def test_of_many_tied_samples_as_many_count_as_gain(wanted):
    """The first q samples of a group gain where their loss is below age + gamma / (sqrt q + sqrt(q - 1))."""
    rank = np.arange(1, 101)
    bonus = 2.0 / (np.sqrt(rank) + np.sqrt(rank - 1))
    loss = 1.0 + (bonus[wanted - 1] + bonus[wanted]) / 2
    losses, one_group = np.full(100, loss, np.float32), np.zeros(100, int)
    weights = spl.diversity_weights(losses, one_group, age=1.0, gamma=2.0, num_groups=1)
    np.testing.assert_allclose(weights, wanted / 100, rtol=1e-6)
