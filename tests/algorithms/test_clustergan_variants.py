"""Every variant on the small problem: the terms that its step reports, and what its switches do."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster.algorithms import clustergan
from tests.algorithms.small_game import KEY, N, build, first_batch, images, means, same, shrink

GAME = {"joint", "generator", "discriminator"}
ALL = GAME | {"code", "cycle", "entropy", "consistency", "pseudo_labels"}
TERMS = {
    "printed": GAME | {"entropy", "consistency"},
    "paper": GAME | {"entropy", "consistency"},
    "rates": GAME | {"entropy", "consistency"},
    "codes": GAME | {"entropy", "consistency"},
    "scores": ALL - {"pseudo_labels"},
    "views": ALL - {"pseudo_labels"},
    "recipe": ALL,
    "no_gan": {"entropy", "consistency", "pseudo_labels"},
    "no_spl": ALL,
    "plain_spl": ALL,
    "no_consistency": ALL - {"consistency"},
    "no_entropy": ALL - {"entropy"},
    "wide": ALL,
    "sharp": ALL,
    "diverse": ALL | {"diversity"},
    "fraction": ALL,
    "warm_up": ALL,
}
FAST = ("paper", "recipe", "no_gan")  # a step takes ten seconds to compile, and the others' are parts of these


@functools.cache
def phase_of(variant):
    config = clustergan.apply_variant(clustergan.get_config(), variant)
    m = config.m
    shrink(config)
    config.m = 30 if m == 100 else 6  # of ten units a cluster, or of one, of ten clusters
    clustergan.check(config, N)
    return config, next(phase for phase in build(config).phases if phase.name == "adversarial")


@functools.cache
def begun(variant):
    """A first state with a confident pseudo-label for every sample."""
    _, phase = phase_of(variant)
    state = phase.begin(None, None, jnp.asarray(images()), KEY, lambda: None)
    return state._replace(pseudo_labels=jnp.arange(N, dtype=jnp.int32) % 3, confident=jnp.ones(N))


def test_every_variant_is_here():
    assert list(TERMS) == list(clustergan.VARIANTS)


def test_printed_is_algorithm_1_by_the_letter():
    """The sum over the 99 other samples of a batch of 100; what `paper` reads into it otherwise is all that differs."""
    printed = clustergan.apply_variant(clustergan.get_config(), "printed")
    expected = clustergan.apply_variant(clustergan.get_config(), "paper")
    assert expected.prior.noise == "clip"
    expected.prior.noise, expected.adversarial.form, expected.pace.scope = "add", "minimax", "batch"
    expected.weights.entropy = 99.0
    assert printed == expected


def test_joined_variants_do_what_each_does():
    joined = clustergan.apply_variant(clustergan.get_config(), "views+no_spl+wide")
    expected = clustergan.apply_variant(clustergan.get_config(), "views")
    expected.pace.method = "none"
    for group in (expected.augment, expected.consistency):
        group.stretch = group.shear = 0.15
    assert joined == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("noise", "must be one of printed, .*, or some of them joined by \\+, got 'noise'"),
        ("views+", "got 'views\\+'"),
        ("no_spl+views", "only the first can be views, got 'no_spl\\+views'"),
    ],
)
def test_a_wrong_variant_is_named(name, message):
    with pytest.raises(ValueError, match=message):
        clustergan.apply_variant(clustergan.get_config(), name)


@pytest.mark.parametrize("variant", TERMS)
def test_each_variant_has_its_terms(variant):
    _, phase = phase_of(variant)
    _, info = jax.eval_shape(phase.step, phase.template(), first_batch(), KEY)
    scores = {"joint", "image", "code"} if "code" in TERMS[variant] else TERMS[variant] & {"joint"}
    told = {"loss", *(f"{name}_loss" for name in TERMS[variant]), *(f"discriminator_{score}_loss" for score in scores)}
    assert info.keys() == told


@pytest.mark.parametrize(
    "variant",
    [variant if variant in FAST else pytest.param(variant, marks=pytest.mark.long) for variant in clustergan.VARIANTS],
)
def test_a_step_moves_who_plays_by_the_sum_of_the_terms(variant):
    (config, phase), before = phase_of(variant), begun(variant)
    after, info = jax.jit(phase.step)(before, first_batch(), KEY)
    info = means(info)
    assert all(np.isfinite(value) for value in info.values())
    parts = TERMS[variant] - {"generator", "discriminator", "diversity"}
    negative = {"joint"} if variant == "printed" else set()  # the minimax form of a score is at most 0
    assert {name for name in parts if info[f"{name}_loss"] < 0} == negative
    assert all(info[f"{name}_loss"] != 0 for name in parts)
    reached = {name: 0.0 if name == "entropy" and variant == "warm_up" else 1.0 for name in parts}
    np.testing.assert_allclose(
        info["loss"],
        sum(reached[name] * config.weights[name] * info[f"{name}_loss"] for name in parts),
        rtol=1e-5,
    )
    assert not same(before.clusterer.variables["params"], after.clusterer.variables["params"])
    for name in ("generator", "discriminator"):
        assert same(getattr(before, name), getattr(after, name)) == (variant == "no_gan")
    assert same(after.average, after.clusterer.variables) == (variant in ("paper", "printed"))  # without running mean
    assert int(after.steps) == 1


@pytest.mark.parametrize(("variant", "first"), [("recipe", 0.01), ("plain_spl", 0.01), ("no_spl", 1.0)])
def test_the_weights_of_each_way_of_selecting(variant, first):
    _, phase = phase_of(variant)
    state = begun(variant)
    np.testing.assert_allclose(state.weights, first)
    rows = {"embedding": jax.nn.sigmoid(3 * jax.random.normal(KEY, (N, 6)))}
    update = jax.jit(phase.update)
    state, info = update(state, rows, 1)  # half of training is done: some, but not yet all
    weights = np.asarray(state.weights)
    np.testing.assert_allclose(info["selected"], weights.mean(), rtol=1e-6)
    if variant == "no_spl":
        np.testing.assert_array_equal(weights, 1)
    else:
        assert 0 < weights.mean() < 1
        assert weights.min() >= 0
        assert weights.max() <= 1
    assert (set(weights) <= {0, 1}) == (variant != "recipe")  # Theorem 1's are soft at the border
    np.testing.assert_array_equal(update(state, rows, 2)[0].weights, 1)  # from three quarters on
