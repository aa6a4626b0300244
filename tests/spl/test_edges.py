"""Edges of all schemes: ties, empty groups, one sample, none, inf, NaN, masks, bad ids, bad parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster import spl

INF, NAN = np.inf, np.nan


def grouped(scheme):
    """The scheme for three groups, padded to ten samples, so that all cases compile one program."""

    def call(losses, groups, *, mask=None, **options):
        losses, groups = np.asarray(losses, np.float32), np.asarray(groups)
        n = len(losses)
        mask = np.pad(np.ones(n, bool) if mask is None else mask, (0, 10 - n))
        losses, groups = np.pad(losses, (0, 10 - n)), np.pad(groups, (0, 10 - n))
        out = scheme(losses, groups, num_groups=3, mask=mask, **options)
        weights, *info = out if isinstance(out, tuple) else (out,)
        assert not np.any(weights[n:])
        return (np.asarray(weights)[:n], *info) if info else np.asarray(weights)[:n]

    return call


GROUPED = {
    "balanced": grouped(spl.balanced_weights),
    "sorted": grouped(spl.balanced_weights_sorted),
    "diversity": grouped(spl.diversity_weights),
}
ELEMENTWISE = {
    "hard": lambda losses, **options: spl.hard_weights(losses, age=0.5, **options),
    "linear": lambda losses, **options: spl.linear_weights(losses, age=0.5, **options),
    "logarithmic": lambda losses, **options: spl.logarithmic_weights(losses, age=0.5, **options),
    "mixture": lambda losses, **options: spl.mixture_weights(losses, age=0.5, gamma=0.3, **options),
    "balanced": lambda losses, **options: spl.balanced_weights(
        losses, np.zeros(len(losses), int), age=0.5, gamma=0.01, num_groups=1, **options
    ),
    "diversity": lambda losses, **options: spl.diversity_weights(
        losses, np.zeros(len(losses), int), age=0.5, gamma=0.01, num_groups=1, **options
    ),
}


def weights_of(scheme, losses):
    """The weights of up to 20 samples, by the program with 25 of them and a mask that the first two tests compile."""
    n = len(losses)
    weights, _ = scheme(np.pad(losses, (0, 25 - n)), mask=np.arange(25) < n, return_info=True)
    return np.asarray(weights)[:n]


CLEAN = np.random.default_rng(0).normal(0.3, 0.4, 20).astype(np.float32)
BROKEN_AT = [1, 3, 5, 5, 20]
WHERE = np.flatnonzero(np.insert(np.zeros(20, bool), BROKEN_AT, True))


@pytest.mark.parametrize("scheme", ELEMENTWISE.values(), ids=ELEMENTWISE)
def test_broken_losses_touch_no_other_sample(scheme):
    losses = np.insert(CLEAN, BROKEN_AT, [NAN, INF, -INF, NAN, INF])
    weights, info = scheme(losses, mask=np.ones(25, bool), return_info=True)
    weights = np.asarray(weights)
    # Not exactly equal: a vectorised logarithm may round otherwise in another position.
    np.testing.assert_allclose(np.delete(weights, WHERE), weights_of(scheme, CLEAN), rtol=1e-6)
    np.testing.assert_array_equal(weights[WHERE], [NAN, 0, 0, NAN, 0])
    assert (int(info.nan), int(info.infinite), int(np.sum(info.valid))) == (2, 3, 20)
    assert np.isfinite(info.objective)
    np.testing.assert_allclose(np.sum(info.mass), np.nansum(weights), rtol=1e-6)


@pytest.mark.parametrize("scheme", ELEMENTWISE.values(), ids=ELEMENTWISE)
def test_masked_samples_weigh_nothing_whatever_they_hold(scheme):
    losses = np.insert(CLEAN, BROKEN_AT, [NAN, INF, -INF, 0.05, -2])
    mask = np.insert(np.ones(20, bool), BROKEN_AT, False)
    weights, info = scheme(losses, mask=mask, return_info=True)
    np.testing.assert_allclose(np.asarray(weights)[mask], weights_of(scheme, CLEAN), rtol=1e-6)
    np.testing.assert_array_equal(np.asarray(weights)[~mask], 0)
    assert (int(info.nan), int(info.infinite), int(np.sum(info.valid))) == (0, 0, 20)


@pytest.mark.parametrize("name", ["hard", "balanced", "diversity"])
def test_one_sample_and_none(name):
    np.testing.assert_array_equal(ELEMENTWISE[name](np.array([0.1], np.float32)), [1])
    weights, info = ELEMENTWISE[name](np.zeros(0, np.float32), return_info=True)
    assert weights.shape == (0,)
    assert float(info.objective) == 0


@pytest.mark.parametrize("scheme", ELEMENTWISE.values(), ids=ELEMENTWISE)
def test_an_easier_sample_never_weighs_less(scheme):
    for seed in range(10):
        losses = np.sort(np.random.default_rng(seed).normal(0.3, 0.4, 20))
        weights = weights_of(scheme, losses.astype(np.float32))
        assert np.all(np.diff(weights) <= 1e-6)
        assert weights[0] == 1
        assert weights[-1] == 0


@pytest.mark.parametrize("scheme", ELEMENTWISE.values(), ids=ELEMENTWISE)
def test_no_gradient_flows(scheme):
    losses = np.linspace(0.05, 0.6, 20, dtype=np.float32)
    slope = jax.jit(jax.grad(lambda x: jnp.sum(scheme(x) * x)))(losses)
    np.testing.assert_allclose(slope, weights_of(scheme, losses), rtol=1e-6)  # the weights act as constants


def test_no_gradient_flows_through_ages_and_parameters():
    losses, groups = np.linspace(0.05, 0.6, 12, dtype=np.float32), np.arange(12) % 3

    def through_everything(x):
        gamma = spl.gamma_for_quota(x, num_groups=3, fraction=0.5)
        age = spl.age_for_fraction(x, 0.4, groups=groups, gamma=gamma, num_groups=3)
        flat = spl.age_for_fraction(x, 0.4)
        weights = spl.balanced_weights(x, groups, age=age * x[0], gamma=gamma * x[1], num_groups=3)
        return jnp.sum(weights) + spl.adaptive_age(x, progress=x[2]) + flat

    np.testing.assert_array_equal(jax.jit(jax.grad(through_everything))(losses), 0)


@pytest.mark.parametrize("name", ["balanced", "sorted"])
def test_ties_at_the_threshold_share_the_remaining_mass(name):
    # 2 gamma = 1, lambda = 2.5: 0.5 is full; the tied ones get (2.5 - 1) - 1 = 0.5 in all.
    losses = np.array([1.0, 0.5, 1.0, 1.0, 1.0])
    weights = GROUPED[name](losses, np.ones(5, int), age=2.5, gamma=0.5)
    np.testing.assert_allclose(weights, [0.125, 1, 0.125, 0.125, 0.125])


@pytest.mark.parametrize("name", ["balanced", "sorted"])
def test_a_tie_group_that_would_straddle_full_and_fractional(name):
    # Sorted one by one the four ones would get 1, 1, 0.5, 0; together 2.5 / 4 each.
    weights = GROUPED[name](np.ones(4), np.zeros(4, int), age=3.5, gamma=0.5)
    np.testing.assert_allclose(weights, 0.625)
    weights = GROUPED[name](np.ones(4), np.zeros(4, int), age=5.0, gamma=0.5)
    np.testing.assert_array_equal(weights, 1)


def test_tied_samples_of_the_diverse_scheme_share_their_number():
    # Bonuses gamma / (sqrt q + sqrt(q-1)) are 2, 0.83, 0.64, 0.54: three of four losses 1.6 at age 1.
    weights, info = GROUPED["diversity"](np.full(4, 1.6), np.zeros(4, int), age=1.0, gamma=2.0, return_info=True)
    np.testing.assert_allclose(weights, 0.75)
    np.testing.assert_allclose(info.objective, 3 * 0.6 - 2 * np.sqrt(3), rtol=1e-6)
    assert float(info.mass[0]) == 3


@pytest.mark.parametrize("name", GROUPED)
def test_gamma_zero_is_hard_weights(name):
    losses = np.array([0.5, 1.0, 0.2, 3.0, 1.0, 0.999])
    groups = np.array([0, 0, 2, 2, 1, 1])
    expected = spl.hard_weights(losses, age=1.0)
    np.testing.assert_array_equal(GROUPED[name](losses, groups, age=1.0, gamma=0.0), expected)
    np.testing.assert_array_equal(GROUPED[name](losses, groups, age=1.0, gamma=0), expected)


@pytest.mark.parametrize("name", GROUPED)
def test_empty_groups_change_nothing(name):
    losses, groups = np.array([0.5, 0.7, 0.2]), np.array([2, 0, 2])
    weights = GROUPED[name](losses, groups, age=1.0, gamma=0.3)
    same = GROUPED[name](losses, np.array([1, 0, 1]), age=1.0, gamma=0.3)
    np.testing.assert_array_equal(weights, same)


def test_info_of_an_empty_group():
    _, info = GROUPED["balanced"]([0.5], [2], age=1.0, gamma=0.3, return_info=True)
    np.testing.assert_array_equal(info.mass[:2], 0)
    np.testing.assert_array_equal(info.threshold[:2], 1)
    np.testing.assert_array_equal(info.valid, [0, 0, 1])


@pytest.mark.parametrize(
    ("name", "dtype"),
    [*((name, dtype) for name in GROUPED for dtype in (np.int32, np.int64)), ("balanced", np.uint8)],
)
def test_group_ids_out_of_range_weigh_nothing(name, dtype):
    bad = 200 if dtype == np.uint8 else -1
    losses = np.array([0.1, 0.2, 0.1, 0.3], np.float32)
    groups = np.array([0, 3, bad, 2], dtype)
    weights = GROUPED[name](losses, groups, age=1.0, gamma=0.01)
    np.testing.assert_array_equal(weights, [1, 0, 0, 1])


def test_group_ids_out_of_range_are_counted():
    mask = np.array([True, True, False, True])
    _, info = GROUPED["balanced"](np.zeros(4), [0, 3, -1, 2], age=1.0, gamma=0.01, mask=mask, return_info=True)
    assert int(info.outside) == 1
    np.testing.assert_array_equal(info.valid, [1, 0, 1])


@pytest.mark.parametrize("name", GROUPED)
def test_negative_losses_and_both_zeros(name):
    losses = np.array([-3.0, 0.0, -0.0, -1e-42, 2.0])
    weights = GROUPED[name](losses, np.zeros(5, int), age=-1.0, gamma=0.5)
    np.testing.assert_array_equal(weights, [1, 0, 0, 0, 0])
    # 2 gamma = 1, age 1.5: one negative full, the three zeros share (1.5 - 0) - 1.
    if name != "diversity":
        weights = GROUPED[name](losses, np.zeros(5, int), age=1.5, gamma=0.5)
        np.testing.assert_allclose(weights, [1, 0.5 / 3, 0.5 / 3, 0.5 / 3, 0], rtol=1e-6)


@pytest.mark.parametrize("name", GROUPED)
def test_an_infinite_age_selects_all_but_the_infinite(name):
    losses = np.array([1.0, 3e38, np.inf, -3e38, -np.inf, np.nan])
    groups = np.array([0, 1, 2, 0, 1, 2])
    np.testing.assert_array_equal(GROUPED[name](losses, groups, age=np.inf, gamma=0.5), [1, 1, 0, 1, 0, np.nan])
    np.testing.assert_array_equal(GROUPED[name](losses, groups, age=-np.inf, gamma=0.5), [0, 0, 0, 0, 0, np.nan])


@pytest.mark.parametrize("name", ["balanced", "sorted"])
def test_an_infinite_gamma_selects_nothing_and_huge_numbers_do_not_overflow(name):
    losses, groups = np.array([-3e38, -3e38, 1.0]), np.zeros(3, np.int32)
    np.testing.assert_array_equal(GROUPED[name](losses, groups, age=5.0, gamma=np.inf), 0)
    # age - loss = 6e38 does not fit in float32; the ratio to 2 gamma, 7.5, does.
    losses, groups = np.full(10, -3e38), np.zeros(10, int)
    np.testing.assert_allclose(GROUPED[name](losses, groups, age=3e38, gamma=4e37), 0.75, rtol=1e-6)
    # The reciprocal of this gamma is below the smallest normal number.
    np.testing.assert_allclose(GROUPED[name](losses, groups, age=3e38, gamma=3e38), 0.1, rtol=1e-6)


@pytest.mark.parametrize("name", GROUPED)
@pytest.mark.parametrize(("age", "gamma"), [(NAN, 0.1), (1.0, NAN), (1.0, -0.1)])
def test_parameters_out_of_domain_spoil_all_unmasked_weights(name, age, gamma):
    mask = np.array([True, True, False])
    weights = GROUPED[name](np.zeros(3), np.arange(3), age=age, gamma=gamma, mask=mask)
    np.testing.assert_array_equal(weights, [NAN, NAN, 0])


@pytest.mark.parametrize(
    "weights",
    [
        lambda x: spl.hard_weights(x, age=NAN),
        lambda x: spl.linear_weights(x, age=-1.0),
        lambda x: spl.logarithmic_weights(x, age=0.0),
        lambda x: spl.logarithmic_weights(x, age=1.0),
        lambda x: spl.mixture_weights(x, age=0.0, gamma=1.0),
        lambda x: spl.mixture_weights(x, age=1.0, gamma=0.0),
    ],
)
def test_parameters_out_of_domain_spoil_soft_weights(weights):
    np.testing.assert_array_equal(weights(np.zeros(3)), NAN)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_half_precision_is_widened(dtype):
    losses = np.array([0.5, 1.0, 2.0], dtype)
    weights = spl.balanced_weights(losses, np.zeros(3, np.int32), age=2.5, gamma=0.5, num_groups=1)
    assert weights.dtype == jnp.float32
    np.testing.assert_allclose(weights, [1, 0.5, 0])


def test_anything_with_an_array_protocol_will_do():
    class Holder:
        def __init__(self, values):
            self.values = np.asarray(values)

        def __array__(self, dtype=None, copy=None):
            return np.asarray(self.values, dtype)

    losses, groups = Holder(np.array([0.5, 2.0], np.float32)), Holder([0, 0])
    weights = spl.balanced_weights(losses, groups, age=1.0, gamma=0.1, num_groups=1)
    np.testing.assert_array_equal(weights, [1, 0])
    np.testing.assert_array_equal(spl.hard_weights([0.5, 2.0], age=np.float64(1)), [1, 0])


# Errors, one test for each message


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: spl.hard_weights(np.arange(3), age=1.0), TypeError, "losses must be floating point, got"),
        (
            lambda: spl.balanced_weights(np.zeros((2, 3)), np.zeros((2, 3), int), age=1, gamma=1, num_groups=2),
            ValueError,
            r"losses must have shape \[n\], got shape \(2, 3\)",
        ),
        (
            lambda: spl.balanced_weights(np.zeros(3), np.zeros(3), age=1.0, gamma=1.0, num_groups=2),
            TypeError,
            "groups must be integers, got dtype float",
        ),
        (
            lambda: spl.balanced_weights(np.zeros(3), np.zeros(2, int), age=1.0, gamma=1.0, num_groups=2),
            ValueError,
            r"groups must have the losses' shape \(3,\), got shape \(2,\)",
        ),
        (
            lambda: spl.hard_weights(np.zeros(3), age=1.0, mask=np.ones(3)),
            TypeError,
            "mask must be boolean, got dtype float",
        ),
        (
            lambda: spl.hard_weights(np.zeros(3), age=1.0, mask=np.ones(2, bool)),
            ValueError,
            r"mask must have the losses' shape \(3,\), got shape \(2,\)",
        ),
        (
            lambda: spl.hard_weights(np.zeros(3), age=True),
            TypeError,
            "age must be a real number, got dtype bool",
        ),
        (
            lambda: spl.hard_weights(np.zeros(3), age=np.zeros(2)),
            ValueError,
            r"age must be a scalar, got shape \(2,\); vmap",
        ),
        (
            lambda: spl.balanced_weights(np.zeros(3), np.zeros(3, int), age=1.0, gamma=1.0, num_groups=2.0),
            TypeError,
            "num_groups must be a Python integer, got float",
        ),
        (
            lambda: spl.balanced_weights(np.zeros(3), np.zeros(3, int), age=1.0, gamma=1.0, num_groups=0),
            ValueError,
            "num_groups must be at least 1, got 0",
        ),
        (
            lambda: spl.age_for_fraction(np.zeros(3), 0.5, groups=np.zeros(3, int), num_groups=2),
            ValueError,
            "balanced weights need gamma beside groups, num_groups",
        ),
    ],
)
def test_wrong_arguments_raise_and_name_themselves(call, error, message):
    with pytest.raises(error, match=message):
        call()
