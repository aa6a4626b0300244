"""Balanced weights: by hand, by brute force, by a general solver, by the KKT conditions, and their laws."""

import jax
import numpy as np
import pytest
from scipy.optimize import minimize

from jaxcluster import spl
from tests.oracles import spl as oracle


def random_problem(seed, n=None, num_groups=None):
    rng = np.random.default_rng(seed)
    n = n or int(rng.integers(1, 60))
    num_groups = num_groups or int(rng.integers(1, 6))
    losses = rng.gamma(2, 1, n) - rng.choice([0, 1])
    if seed % 2:
        losses = np.round(losses * 3) / 3  # ties
    groups = rng.integers(0, num_groups, n)
    return losses, groups, float(rng.normal(2, 1.5)), float(rng.choice([0, 0.01, 0.1, 1])), num_groups


def padded(problem, solver=spl.balanced_weights, **options):
    """The solver's answer to a small problem padded to 60 samples and 5 groups, so that all compile one program."""
    losses, groups, age, gamma, num_groups = problem
    n = len(losses)
    assert n <= 60
    assert num_groups <= 5
    losses, groups = np.pad(losses, (0, 60 - n)), np.pad(groups, (0, 60 - n))
    out = solver(losses, groups, age=age, gamma=gamma, num_groups=5, mask=np.arange(60) < n, **options)
    weights, info = out if options else (out, None)
    assert not np.any(weights[n:])
    weights = np.asarray(weights)[:n]
    return (weights, jax.tree.map(np.asarray, info)) if options else weights


def test_four_samples_by_hand():
    # One group, lambda = 2, 2 gamma = 1: thresholds 2, 1, 0, -1 for the first to fourth sample.
    losses = np.float32([1.2, 0.25, 0.75, 0.5])
    weights = spl.balanced_weights(losses, np.zeros(4, int), age=2.0, gamma=0.5, num_groups=4)
    # 0.25 full (2 - 0.25 > 1); 0.5 takes (2 - 0.5) - 1 = 0.5; the third would need a loss below 2 - 2.
    np.testing.assert_allclose(weights, [0, 1, 0, 0.5])
    # The same samples in groups of their own pay nothing for each other.
    weights = spl.balanced_weights(losses, np.arange(4), age=2.0, gamma=0.5, num_groups=4)
    np.testing.assert_allclose(weights, [0.8, 1, 1, 1], rtol=1e-6)


def test_theorem_one_as_printed_is_wrong_and_ours_is_right():
    losses, groups, age, gamma = np.array([1.5]), np.array([0]), 2.0, 0.5
    printed = oracle.balanced_by_theorem(losses, groups, age, gamma, 1, printed=True)
    ours = np.asarray(spl.balanced_weights(losses, groups, age=age, gamma=gamma, num_groups=1))
    assert printed == -0.5  # not a weight
    assert ours == 0.5
    assert oracle.balanced_objective(ours, losses, groups, age, gamma, 1) == -0.125
    assert oracle.best_of_grid(losses, groups, age, gamma, 1, steps=1000) == -0.125
    assert oracle.kkt_residual(ours, losses, groups, age, gamma, 1) == 0

    # Whenever the printed middle case applies, its weight lies in (-1, 0], clipped or not never the optimum.
    for seed in range(200):
        problem = random_problem(seed)
        printed = oracle.balanced_by_theorem(*problem, printed=True)
        ours = oracle.balanced_by_theorem(*problem)
        assert np.all(oracle.kkt_residual(ours, *problem) < 1e-12)
        wrong = printed != ours
        assert np.all(printed[wrong] <= 1e-12)
        if wrong.any():
            best = oracle.balanced_objective(ours, *problem)
            assert oracle.balanced_objective(np.clip(printed, 0, 1), *problem) > best


@pytest.mark.parametrize("solver", [spl.balanced_weights, spl.balanced_weights_sorted])
def test_equals_the_theorem_with_ties_shared(solver):
    with jax.enable_x64(True):
        for seed in range(60):
            problem = random_problem(seed, n=40, num_groups=4)
            expected = oracle.share_ties(oracle.balanced_by_theorem(*problem), *problem[:2])
            np.testing.assert_allclose(padded(problem, solver), expected, atol=1e-10)


def test_brute_force_over_a_grid_finds_nothing_better():
    with jax.enable_x64(True):
        for seed in range(40):
            problem = random_problem(seed, n=6, num_groups=2)
            ours = oracle.balanced_objective(padded(problem), *problem)
            assert ours <= oracle.best_of_grid(*problem) + 1e-12


def test_a_general_solver_finds_nothing_better():
    with jax.enable_x64(True):
        for seed in range(40):
            problem = random_problem(seed, n=30, num_groups=3)
            losses, groups, age, gamma, num_groups = problem
            member = groups[:, None] == np.arange(num_groups)

            def value_and_slope(v, losses=losses, age=age, gamma=gamma, member=member):
                mass = v @ member
                return v @ (losses - age) + gamma * mass @ mass, losses - age + 2 * gamma * member @ mass

            start = np.full(len(losses), 0.5)
            found = minimize(value_and_slope, start, jac=True, method="L-BFGS-B", bounds=[(0, 1)] * 30)
            ours = oracle.balanced_objective(padded(problem), *problem)
            assert ours <= found.fun + 1e-12 * (1 + abs(found.fun))


def many_problems(number, dtype, seed, n=200, num_groups=20):
    """Padded problems of up to n samples: ties, extreme scales, empty groups, gamma 0 and huge."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, n + 1, number)
    mask = np.arange(n) < sizes[:, None]
    groups = (rng.random((number, n)) * rng.integers(1, num_groups + 1, (number, 1))).astype(np.int32)
    losses = rng.gamma(rng.choice([0.5, 2, 20], (number, 1)), 1.0, (number, n))
    losses -= rng.choice([0, 1, 5], (number, 1))
    steps = rng.choice([2, 10, 0], (number, 1))  # a few values, some ties, none
    losses = np.where(steps > 0, np.round(losses * steps) / np.maximum(steps, 1), losses)
    age = rng.choice(losses.ravel(), number) * rng.choice([0.5, 1, 2], number) + rng.choice([0, 0, 3], number)
    gamma = rng.choice([0, 1e-6, 1e-3, 0.01, 0.1, 1, 1e4], number)
    reach = 25 if dtype == np.float32 else 200
    scale = 10.0 ** rng.choice([-reach, -3, 0, 0, 4, reach], number)
    losses, age, gamma = losses * scale[:, None], age * scale, gamma * scale
    return losses.astype(dtype), groups, age.astype(dtype), gamma.astype(dtype), mask


def batched(solver):
    return jax.jit(
        jax.vmap(
            lambda loss, group, age, gamma, mask: solver(loss, group, age=age, gamma=gamma, num_groups=20, mask=mask)
        )
    )


# Always called with 2,000 problems of 200 samples, so that each compiles once per dtype.
COUNTED, BY_SORT = batched(spl.balanced_weights), batched(spl.balanced_weights_sorted)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 1e-4)])
def test_kkt_conditions_hold_on_two_thousand_problems(dtype, tolerance):
    with jax.enable_x64(dtype == np.float64):
        losses, groups, age, gamma, mask = many_problems(2000, dtype, seed=0)
        weights = np.asarray(COUNTED(losses, groups, age, gamma, mask))
        assert weights.dtype == dtype
        assert np.all(weights[~mask] == 0)
        residual = oracle.kkt_residual(weights, losses, groups, age, gamma, 20, mask)
        assert residual.max() <= tolerance


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_counting_equals_sorting(dtype):
    with jax.enable_x64(dtype == np.float64):
        problems = many_problems(2000, dtype, seed=99)
        counted, by_sort = COUNTED(*problems), BY_SORT(*problems)
        # The same comparisons and formula; a fused multiply-add may round a fractional weight differently.
        fraction_error = 4 * np.finfo(dtype).eps * 200
        np.testing.assert_allclose(counted, by_sort, rtol=0, atol=fraction_error)
        assert np.mean(np.asarray(counted) == np.asarray(by_sort)) > 0.99


@pytest.mark.parametrize("dtype", [pytest.param(np.float64, marks=pytest.mark.long), np.float32])
def test_counting_equals_sorting_at_a_hundred_thousand(dtype):
    with jax.enable_x64(dtype == np.float64):
        rng = np.random.default_rng(3)
        losses, groups = rng.gamma(2, 1, 100_000).astype(dtype), rng.integers(0, 100, 100_000)
        options = {"age": 9.0, "gamma": 0.01, "num_groups": 100}
        counted = spl.balanced_weights(losses, groups, **options)
        by_sort = spl.balanced_weights_sorted(losses, groups, **options)
        assert 0.1 < np.mean(np.asarray(counted)) < 0.9
        np.testing.assert_allclose(counted, by_sort, rtol=0, atol=4 * np.finfo(dtype).eps * 1000)


# Laws


def test_permuting_samples_permutes_weights():
    losses, groups, age, _, num_groups = random_problem(1, n=50, num_groups=3)
    order = np.random.default_rng(0).permutation(50)
    with jax.enable_x64(True):
        for solver in (spl.balanced_weights, spl.balanced_weights_sorted):
            weights = padded((losses, groups, age, 0.05, num_groups), solver)
            permuted = padded((losses[order], groups[order], age, 0.05, num_groups), solver)
            np.testing.assert_array_equal(permuted, weights[order])


def test_weights_fall_with_the_loss_within_a_group_and_rise_with_age():
    losses, groups, _, _, num_groups = random_problem(3, n=80, num_groups=4)
    ages = np.linspace(-2, 20, 2000, dtype=np.float32)
    mask, losses = np.arange(200) < 80, losses.astype(np.float32)
    sweep = np.pad(losses, (0, 120)), np.pad(groups, (0, 120)).astype(np.int32), ages, np.float32(0.07), mask
    shapes = (2000, 200), (2000, 200), 2000, 2000, (2000, 200)
    weights = np.asarray(COUNTED(*map(np.broadcast_to, sweep, shapes)))[:, :80]
    assert np.all(np.diff(weights, axis=0) >= -1e-5)
    assert np.all(weights[0] == 0)
    assert np.all(weights[-1] == 1)
    for k in range(num_groups):
        members = np.flatnonzero(groups == k)
        members = members[np.argsort(losses[members])]
        assert np.all(np.diff(weights[:, members], axis=1) <= 0)


def test_a_larger_gamma_selects_more_evenly():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 4, 400)
    losses = rng.gamma(2, 1, 400) + groups
    spreads = []
    for gamma in (0.0, 0.01, 0.1):  # shapes as in test_pace.py, which compiles these two anyway
        options = {"groups": groups, "gamma": gamma, "num_groups": 7, "mask": np.ones(400, bool)}
        age = spl.age_for_fraction(losses, 0.25, **options)
        mass = np.bincount(groups, spl.balanced_weights(losses, age=age, **options))
        spreads.append(mass.max() - mass.min())
    assert spreads[0] > spreads[1] > 2 * spreads[2]


def test_scaling_and_shifting_the_unit_changes_nothing():
    losses, groups, age, _, num_groups = random_problem(4, n=50, num_groups=3)
    with jax.enable_x64(True):
        weights = padded((losses, groups, age, 0.05, num_groups))
        scaled = padded((losses * 8, groups, age * 8, 0.4, num_groups))
        np.testing.assert_array_equal(scaled, weights)
        shifted = padded((losses - 4, groups, age - 4, 0.05, num_groups))
        np.testing.assert_allclose(shifted, weights, atol=1e-12)


def test_info_agrees_with_the_weights():
    with jax.enable_x64(True):
        for seed in range(10):
            problem = random_problem(seed, n=60, num_groups=5)
            losses, groups, _, _, num_groups = problem
            weights, info = padded(problem, return_info=True)
            for k in range(num_groups):
                members = weights[groups == k]
                np.testing.assert_allclose(info.mass[k], members.sum(), atol=1e-12)
                assert info.selected[k] == np.sum(members > 0)
                assert info.valid[k] == len(members)
                loss = losses[groups == k]
                assert np.all(loss[members == 1] <= info.threshold[k] + 1e-12)
                assert np.all(loss[members == 0] >= info.threshold[k] - 1e-12)
            np.testing.assert_allclose(
                info.objective, oracle.balanced_objective(weights, *problem), rtol=1e-10, atol=1e-12
            )
            assert info.nan == info.infinite == info.outside == 0
