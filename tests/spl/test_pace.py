"""The age of a fraction, the schedules, and gamma from a starting quota."""

from functools import partial

import jax
import numpy as np
import pytest

from jaxcluster import spl


def largest_count(losses, fraction):
    """By trying: the largest number of losses below some threshold that is not above fraction * n."""
    valid = losses[np.isfinite(losses)]
    thresholds = [*np.unique(valid), np.inf]
    return max(c for c in (int(np.sum(valid < t)) for t in thresholds) if c <= fraction * len(valid) + 1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hard_age_gives_the_largest_count_not_above(dtype):
    with jax.enable_x64(dtype == np.float64):
        for seed in range(6):
            rng = np.random.default_rng(seed)
            losses = rng.normal(0, 2, 120)
            losses = (np.round(losses) if seed % 2 else losses).astype(dtype)
            if seed > 3:
                losses[:20] = rng.choice([np.inf, -np.inf, np.nan], 20)
            for fraction in (0, 0.01, 0.1, 0.29, 0.3, 0.5, 0.7, 0.999, 1, 1.5, -1):
                age, info = spl.age_for_fraction(losses, fraction, return_info=True)
                weights = spl.hard_weights(losses, age=age)
                expected = largest_count(losses, min(max(fraction, 0), 1))
                assert np.nansum(weights) == info.mass == expected, (seed, fraction)


@pytest.mark.parametrize("n", [10, 29, 100, 997])
def test_a_whole_share_is_met_whatever_float32_makes_of_the_fraction(n):
    losses, mask = np.arange(997, dtype=np.float32), np.zeros(997, bool)
    mask[np.random.default_rng(n).permutation(997)[:n]] = True
    for count in range(0, n + 1, max(n // 30, 1)):
        assert np.sum(losses[mask] < spl.age_for_fraction(losses, count / n, mask=mask)) == count


@pytest.mark.parametrize("losses", [np.zeros(5), np.full(5, -0.0), np.full(5, 0.3), np.full(5, -1e-38)])
def test_everything_is_selected_at_fraction_one(losses):
    losses = losses.astype(np.float32)
    assert np.all(spl.hard_weights(losses, age=spl.age_for_fraction(losses, 1.0)) == 1)
    assert not np.any(spl.hard_weights(losses, age=spl.age_for_fraction(losses, 0.99)))


def problem(seed, n, num_groups, dtype):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, num_groups, n)
    losses = rng.gamma(2, 1, n) + groups / num_groups - rng.choice([0, 2])
    losses = (np.round(losses * 4) / 4 if seed % 2 else losses).astype(dtype)
    return losses, groups


# Most of the following have 400 samples, 7 groups and a mask, so that they share what is compiled.
EVERY = np.ones(400, bool)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1.0, 1e20])
def test_balanced_age_meets_the_fraction(dtype, scale):
    eps = np.finfo(dtype).eps
    with jax.enable_x64(dtype == np.float64):
        for seed in range(2):  # one with ties
            losses, groups = problem(seed, 400, 7, dtype)
            losses[seed] = np.inf
            losses = losses * dtype(scale)
            mask = np.random.default_rng(seed).random(400) < 0.9
            valid = np.sum(mask & np.isfinite(losses))
            for gamma in (1e-3 * scale, 0.02 * scale, 1.0 * scale):
                options = {"groups": groups, "gamma": gamma, "num_groups": 7, "mask": mask}
                for fraction in (0.0, 0.01, 0.1, 0.5, 0.77, 0.999, 1.0):
                    age, info = spl.age_for_fraction(losses, fraction, return_info=True, **options)
                    weights = np.asarray(spl.balanced_weights(losses, age=age, **options))
                    assert info.valid == valid
                    # float error of the sum, and of 7 groups' sums through the rounding of the age
                    error = 4 * eps * valid + 7 * eps * abs(float(age)) / (2 * gamma)
                    assert abs(weights.sum(dtype=np.float64) - fraction * valid) <= error
                    assert int(info.steps) < 100
                    if fraction == 1:
                        np.testing.assert_array_equal(weights[mask & np.isfinite(losses)], 1)
                    if fraction == 0:
                        assert not np.any(weights)


def test_balanced_age_at_scale():
    losses, groups = problem(0, 100_000, 100, np.float32)
    options = {"gamma": 0.3 * 8 * 100 / (2 * 0.01 * 100_000), "num_groups": 100}
    for fraction in (0.01, 0.6):
        age = spl.age_for_fraction(losses, fraction, groups=groups, **options)
        weights = spl.balanced_weights(losses, groups, age=age, **options)
        np.testing.assert_allclose(np.asarray(weights, np.float64).sum(), fraction * 100_000, rtol=1e-5)


def test_gamma_zero_is_the_hard_age():
    losses, groups = problem(1, 400, 7, np.float32)
    for fraction in (0.0, 0.2, 1.0):
        age = spl.age_for_fraction(losses, fraction, groups=groups, gamma=0.0, num_groups=7, mask=EVERY)
        flat = spl.age_for_fraction(losses, fraction, mask=EVERY)
        assert np.sum(losses < age) == np.sum(losses < flat)


def test_equal_losses_are_divided_by_gamma():
    losses, mask = np.full(400, 0.7, np.float32), np.arange(400) < 399  # 57 samples a group
    gamma = spl.gamma_for_quota(losses, num_groups=7, mask=mask)
    assert gamma > 0
    options = {"groups": np.arange(400) % 7, "gamma": gamma, "num_groups": 7, "mask": mask}
    age = spl.age_for_fraction(losses, 0.01, **options)
    np.testing.assert_allclose(spl.balanced_weights(losses, age=age, **options)[:399], 0.01, rtol=1e-3)


def test_no_valid_sample_and_bad_parameters():
    losses, groups = problem(0, 400, 7, np.float32)
    options = {"groups": groups, "num_groups": 7}
    assert spl.age_for_fraction(losses, 0.5, mask=~EVERY) == 0
    assert spl.age_for_fraction(losses, 0.5, gamma=0.1, mask=~EVERY, **options) == 0
    assert np.isnan(spl.age_for_fraction(losses, np.nan, mask=EVERY))
    assert np.isnan(spl.age_for_fraction(losses, np.nan, gamma=0.1, mask=EVERY, **options))
    assert np.isnan(spl.age_for_fraction(losses, 0.5, gamma=-0.1, mask=EVERY, **options))
    assert np.isnan(spl.gamma_for_quota(losses, num_groups=7, mask=~EVERY))


def test_a_gamma_near_the_largest_float_still_meets_the_fraction():
    losses, groups = problem(0, 400, 7, np.float32)
    options = {"groups": groups, "gamma": 1e38, "num_groups": 7, "mask": EVERY}
    age, info = spl.age_for_fraction(losses, 0.01, return_info=True, **options)
    np.testing.assert_allclose(info.mass, 4, rtol=1e-6)
    np.testing.assert_allclose(spl.balanced_weights(losses, age=age, **options).sum(), 4, rtol=1e-6)


def test_gamma_for_quota_follows_its_equation():
    losses = np.random.default_rng(0).normal(0, 1, 400).astype(np.float32)
    for n in (399, 250):
        ordered = np.sort(losses[:n])
        spread = ordered[int(0.99 * n)] - ordered[int(0.01 * n)]
        gamma = spl.gamma_for_quota(losses, num_groups=7, fraction=0.02, rho=0.5, mask=np.arange(400) < n)
        np.testing.assert_allclose(2 * gamma * 0.02 * n / 7, 0.5 * spread, rtol=1e-5)
    assert spl.gamma_for_quota(np.zeros(400, np.float32), num_groups=7, mask=EVERY) > 0


def test_a_quota_gives_every_group_its_start():
    rng = np.random.default_rng(0)
    groups = rng.choice(7, 400, p=np.linspace(1, 3, 7) / 14)
    losses = rng.gamma(2, 0.3, 400) + 0.05 * groups
    gamma = spl.gamma_for_quota(losses, num_groups=7, fraction=0.0875, mask=EVERY)
    options = {"groups": groups, "gamma": gamma, "num_groups": 7, "mask": EVERY}
    age = spl.age_for_fraction(losses, 0.0875, **options)
    mass = np.bincount(groups, spl.balanced_weights(losses, age=age, **options))
    assert mass.min() > 2.5  # of an even 5
    assert mass.max() < 8


def test_schedules():
    progress = np.float32([-0.1, 0.0, 0.375, 0.75, 0.9, 1.0])
    np.testing.assert_allclose(jax.jit(spl.linear_fraction)(progress), [0.01, 0.01, 0.505, 1, 1, 1], rtol=1e-6)
    assert spl.linear_fraction(0.75) == 1
    age = jax.jit(partial(spl.linear_age, start=0.2, end=0.7, full_at=0.5))(progress)
    np.testing.assert_allclose(age, [0.2, 0.2, 0.575, 0.7, 0.7, 0.7], rtol=1e-6)
    assert spl.linear_age(0.8, start=0.2, end=0.7) == np.float32(0.7)
    fractions = jax.jit(jax.vmap(lambda t: spl.linear_fraction(t, start=0.1, end=0.9)))(progress)
    assert np.all(np.diff(fractions) >= 0)
