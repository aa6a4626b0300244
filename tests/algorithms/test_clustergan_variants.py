"""Every variant on the small problem: the terms that its step reports, and what its switches do."""

import functools

import jax
import numpy as np
import pytest

from jaxcluster.algorithms import clustergan
from tests.algorithms import small_game
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
FAST = ("recipe",)  # a step takes ten seconds to compile, and the others' are parts of this one
TRACED = ("printed", "paper", "no_gan")  # beside the two below at once


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
    """A first state with a confident pseudo-label for every sample, and the compiled step."""
    _, phase = phase_of(variant)
    labels, ones = np.arange(N, dtype=np.int32) % 3, np.ones(N, np.float32)
    return small_game.begun(phase)._replace(pseudo_labels=labels, confident=ones), jax.jit(phase.step)


def told(variant):
    """The names of what a step reports."""
    terms = set.intersection(*(TERMS[part] for part in variant.split("+")))
    scores = {"joint", "image", "code"} if "code" in terms else terms & {"joint"}
    return {"loss", *(f"{name}_loss" for name in terms), *(f"discriminator_{score}_loss" for score in scores)}


def test_every_variant_is_here_and_weighs_its_terms():
    assert list(TERMS) == list(clustergan.VARIANTS)
    for variant, terms in TERMS.items():
        config, _ = phase_of(variant)
        wanted = terms - {"generator", "discriminator"}
        wanted |= {"image"} if "code" in terms else set()
        wanted |= {"cycle_generator"} if "cycle" in terms else set()
        assert {name for name, weight in config.weights.items() if weight > 0} == wanted, variant
        assert (config.adversarial.average == 0) == (variant in ("paper", "printed"))  # without running mean
        assert (config.warm_up.entropy > 0) == (variant == "warm_up")


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


def long_but(*variants):
    return [each if each in variants else pytest.param(each, marks=pytest.mark.long) for each in clustergan.VARIANTS]


@pytest.mark.parametrize("variant", [*long_but(*TRACED), "no_consistency+no_entropy"])
def test_each_variant_has_its_terms_and_trains_its_players(variant):
    """From the trace of its step: a network that does not play goes through untouched."""
    _, phase = phase_of(variant)

    def step(state, batch, key):
        after, info = phase.step(state, batch, key)
        still = {name for name in ("clusterer", "generator", "discriminator")
                 if getattr(after, name) is getattr(state, name)}  # fmt: skip
        assert still == ({"generator", "discriminator"} if variant == "no_gan" else set())
        return info

    assert jax.eval_shape(step, phase.template(), first_batch(), KEY).keys() == told(variant)


@pytest.mark.parametrize("variant", long_but(*FAST))
def test_a_step_moves_who_plays_by_the_sum_of_the_terms(variant):
    (config, _), (before, step) = phase_of(variant), begun(variant)
    after, info = step(before, first_batch(), KEY)
    info = means(info)
    assert info.keys() == told(variant)
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
    if variant != "no_gan":
        scores = [info[f"discriminator_{score}_loss"] for score in ("joint", "image", "code") if config.weights[score]]
        np.testing.assert_allclose(info["discriminator_loss"], np.mean(scores), rtol=1e-5)
    assert not same(before.clusterer.variables["params"], after.clusterer.variables["params"])
    for name in ("generator", "discriminator"):
        assert same(getattr(before, name), getattr(after, name)) == (variant == "no_gan")
    assert same(after.average, after.clusterer.variables) == (variant in ("paper", "printed"))  # without running mean
    assert int(after.steps) == 1


def test_padding_counts_nowhere():
    """What the padded row holds changes neither a parameter nor a figure."""
    (before, step), batch, results = begun("recipe"), first_batch(), []
    for pixel in (0, 255):
        x = batch.images.copy()
        x[7] = pixel
        results.append(step(before, batch._replace(images=x), KEY))
    for a, b in zip(*map(jax.tree.leaves, results), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6)


def test_self_paced_weights_of_zero_switch_the_entropy_off():
    (state, step), shares = begun("recipe"), []
    for weight in (0.0, 0.5, 1.0):
        _, info = step(state._replace(weights=np.full(N, weight, np.float32)), first_batch(valid=8), KEY)
        shares.append(float(info["entropy_loss"][0]))
    assert shares[0] == 0
    np.testing.assert_allclose(shares[1] * 2, shares[2], rtol=1e-5)
    assert shares[2] > 0


@pytest.mark.parametrize(("variant", "first"), [("recipe", 0.01), ("plain_spl", 0.01), ("no_spl", 1.0)])
def test_the_weights_of_each_way_of_selecting(variant, first):
    """Before training all losses are tied: 1 % of everything."""
    _, phase = phase_of(variant)
    state, _ = begun("recipe")
    weights = jax.jit(lambda x: phase.begin(None, None, x, KEY, lambda: None).weights)(images())
    np.testing.assert_allclose(weights, first)
    logits = 3 * np.random.default_rng(0).normal(size=(N, 6))
    rows = {"embedding": (1 / (1 + np.exp(-logits))).astype(np.float32)}
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
