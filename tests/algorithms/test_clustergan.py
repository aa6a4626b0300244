"""ClusterGAN: its rules against worked cases, and one against many devices."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster import metrics
from jaxcluster.algorithms import clustergan
from jaxcluster.algorithms.clustergan import collapse, pace
from jaxcluster.algorithms.clustergan.algorithm import initial_from_config
from jaxcluster.algorithms.clustergan.initial import initial_clustering
from jaxcluster.algorithms.clustergan.training import PaceSettings
from jaxcluster.runtime import devices, epochs
from tests.algorithms.small_game import KEY, SHAPE, N, begun, build, images, settings


@functools.cache
def game():
    """ClusterGAN by its defaults, and the first state of its game."""
    algorithm = build(settings(cluster__n_init=3))
    return algorithm, begun(algorithm.phases[0])


def outputs_of(groups, sharp):
    """Codes of three blocks of two units; the larger `sharp`, the nearer to 0 and 1."""
    rng = np.random.default_rng(0)
    logits = np.where(np.repeat(np.eye(3), 2, axis=1)[groups] > 0, 1.0, -1.0) * sharp[:, None]
    return (1 / (1 + np.exp(-logits - 0.1 * rng.normal(size=(len(groups), 6))))).astype(np.float32)


@jax.jit
def paces(outputs, groups, progress):
    """The weights with balance by each schedule, and those without; and the losses."""
    config = settings(pace__reference=0).pace
    return [
        pace.epoch_weights(
            PaceSettings(**{**config, "schedule": schedule, "method": method}),
            outputs, groups, progress, KEY, n_clusters=3,
        )
        for schedule, method in (("age", "balanced"), ("fraction", "balanced"), ("age", "plain"))
    ]  # fmt: skip


def test_the_pace_starts_at_one_per_cent_of_every_block_and_ends_with_all():
    groups = np.repeat([0, 1, 2], [600, 300, 300]).astype(np.int32)
    sharp = np.where(groups == 0, 6.0, 3.0) + np.random.default_rng(1).uniform(0, 1, 1200)  # block 0 is easy
    outputs = outputs_of(groups, sharp)
    first, half, late, last = (paces(outputs, groups, np.float32(progress)) for progress in (0, 0.375, 0.75, 1))
    for weights, _ in first[:2]:
        np.testing.assert_allclose(weights.sum(), 12, rtol=1e-3)
        assert min(float(weights[groups == k].sum()) for k in range(3)) > 1.5
    plain, losses = first[2]
    chosen = np.flatnonzero(plain)
    assert set(chosen) == set(np.argsort(losses, kind="stable")[: len(chosen)])
    assert abs(len(chosen) - 12) <= 1
    for weights, _ in half:
        assert 12 < float(weights.sum()) < 1200
    for weights, _ in late + last:
        np.testing.assert_array_equal(weights, 1)


def test_collapse_is_named():
    shares, figures = np.full(3, 1 / 3, np.float32), jax.jit(collapse.figures)

    def told(outputs, labels, **more):
        found = figures(outputs, labels.astype(np.int32), shares, KEY)
        return collapse.warning({name: float(value) for name, value in found.items()} | {"progress": 0.5} | more)

    groups = np.repeat([0, 1, 2], 40)
    good = outputs_of(groups, np.full(120, 5.0))
    assert told(good, groups) == ""
    # One score that is won is told, whatever the others come to.
    lost = told(good, groups, discriminator_joint_loss=0.01, discriminator_code_loss=0.69)
    assert lost == "the discriminator tells real from drawn pairs with certainty: this score teaches nothing"
    assert told(good, groups, discriminator_joint_loss=0.6, discriminator_code_loss=0.69) == ""
    absent = figures(good, groups.astype(np.int32), np.array([0.5, 0.5, 0], np.float32), KEY)
    assert all(np.isfinite(float(value)) for value in absent.values())  # an estimated prior may have an empty cluster
    constant = np.full((120, 6), 0.5, np.float32)
    assert "collapse: the outputs of any two samples are alike" in told(constant, groups)
    assert told(constant, groups, progress=0.05) == ""  # every run starts so
    merged = np.where(groups == 1, 0, groups)
    said = told(good, merged)
    assert "1 block empty or all but empty" in said
    assert "1 block more than 1.6 times as large" in said
    split = np.where((groups == 1) & (np.arange(120) % 4 > 0), 0, groups)
    assert "1 block less than 0.6 times as large" in told(good, split)


def test_the_initial_clustering_has_equal_sizes_or_estimates_them():
    """Three dimensions and 300 points, or six, as in the tests below: their programs are shared."""
    noise = np.random.default_rng(0).normal(size=(300, 6))
    truth = np.repeat([0, 1, 2], 100)
    points = jnp.asarray((8 * np.eye(3, 6)[truth] + noise)[:, :3], jnp.float32)
    found = initial_clustering(initial_from_config(settings(initial__method="kmeans")), points, KEY, lambda: None)
    groups = [set(np.flatnonzero(np.asarray(found.labels) == k)) for k in range(3)]
    assert {frozenset(g) for g in groups} == {frozenset(np.flatnonzero(truth == k)) for k in range(3)}
    assert 0.2 < float(found.confident.mean()) <= 0.9
    np.testing.assert_allclose(found.proportions, 1 / 3)
    uneven = jnp.asarray(8 * np.eye(3, 6)[np.repeat([0, 1, 2], [125, 125, 50])] + noise, jnp.float32)
    for method in ("kmeans", "block_model"):
        config = settings(initial__method=method, initial__n_init=3, prior__proportions="estimated")
        found = initial_clustering(initial_from_config(config), uneven, KEY, lambda: None)
        assert 0.2 < float(found.confident.mean()) <= 0.9
        np.testing.assert_allclose(np.sort(found.proportions), np.array([50, 125, 125]) / 300, rtol=1e-6)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (8, 12))])
def test_the_initial_clustering_finds_how_many_dimensions_are_right(seed):
    """Two classes that touch, and one with a part that lies apart, which takes one dimension.

    Which number of dimensions fails differs between machines: the graph has separate parts, and an eigensolver may
    return any basis of an eigenspace.
    """
    truth = np.repeat(range(3), 100)
    points = np.random.default_rng(seed).normal(size=(300, 2)) + np.array([[0, 0], [4, 0], [0, 50]])[truth]
    points[-20:] += [40, 0]

    def right(*factors):
        config = settings(initial__method="spectral", initial__dimensions=factors)
        found = initial_clustering(initial_from_config(config), jnp.asarray(points, jnp.float32), KEY, lambda: None)
        assert 0.2 < float(found.confident.mean()) <= 1
        np.testing.assert_allclose(found.proportions, 1 / 3)
        return metrics.accuracy(truth, np.asarray(found.labels)) > 0.97

    factors = (1.0, 1.34, 1.67)  # three, four and five dimensions
    assert not all(right(factor) for factor in factors)
    assert right(*factors)


def test_final_clusters_carry_the_numbers_of_their_blocks():
    algorithm, first = game()
    adversarial, cluster = algorithm.phases
    groups = np.repeat([2, 0, 1], [110, 100, 90])
    rows = {"embedding": outputs_of(groups, np.full(300, 4.0))}
    state = cluster.begin(adversarial.model(first), rows, None, KEY, lambda: None)
    found = algorithm.outputs(cluster.model(state), rows)
    np.testing.assert_array_equal(found.labels, groups)
    np.testing.assert_array_equal(found.others["blocks"], groups)
    jax.tree.map(lambda a, b: np.testing.assert_equal(a.shape, b.shape), cluster.template(), state)


def test_a_checkpoint_of_the_game_has_the_shape_of_its_state():
    algorithm, state = game()
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), algorithm.phases[0].template()) == jax.tree.map(
        lambda leaf: (leaf.shape, leaf.dtype), state
    )


@pytest.mark.parametrize("output", ["sigmoid", "tanh"])
def test_generated_images_are_in_the_range_of_pictures(output):
    algorithm = build(settings(network__output=output))
    drawn, clusters = jax.jit(algorithm.generate)(algorithm.phases[0].model(game()[1]), KEY)
    assert drawn.shape == (30, *SHAPE)
    assert (np.bincount(clusters) == 10).all()
    assert 0 <= float(drawn.min()) < float(drawn.max()) <= 1


def close(a, b, rtol):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol * 1e-2), a, b)


@pytest.mark.long
def test_a_forgotten_reduction_is_found(monkeypatch):
    with jax.enable_x64(True):
        one = two_epochs(1)
        monkeypatch.setattr(jax.lax, "psum", lambda x, axis_name: x)
        with pytest.raises(AssertionError):
            close(one, two_epochs(2), 1e-9)


@pytest.mark.long
@pytest.mark.parametrize("num_devices", [2, 3, 4, 8])
@pytest.mark.parametrize("scope", ["epoch", "batch"])
def test_devices_agree_with_one_in_float64(num_devices, scope):
    """Two epochs of batches of 8 and a last one of 4: batch statistics, pairs and paces go across devices.

    On three, a batch of 8 leaves padding on the last of them, which must count nowhere.
    """
    with jax.enable_x64(True):
        close(two_epochs(1, scope), two_epochs(num_devices, scope), 1e-9)


def two_epochs(num_devices, scope="batch"):
    config = settings(pace__scope=scope, prior__noise="clip")
    phase, x = build(config).phases[0], jnp.asarray(images())
    state = phase.begin(None, None, x, KEY, lambda: None)
    loop = epochs.make_run(phase.step, batch_size=config.adversarial.batch_size, num_samples=N)
    run = devices.bind(loop, jax.local_devices()[:num_devices], [None] * 6)
    observe, update = jax.jit(phase.observe), jax.jit(phase.update)
    for epoch in range(2):
        state, _ = run(state, x, jax.random.fold_in(KEY, epoch), 0, 0, 3)
        state = jax.device_get(state)
        state, _ = update(state, observe(phase.model(state), x, KEY, jnp.arange(N)), epoch)
    return jax.device_get(state)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("m", 2, "config.m must be at least config.n_clusters = 3, got 2"),
        ("network.family", "resnet", "config.network.family must be 'mlp' or 'mnist' or 'cifar', got 'resnet'"),
        ("network.code_noise", -1.0, "config.network.code_noise must be a number between 0 and 1e+06, got -1.0"),
        ("prior.noise", "gauss", "config.prior.noise must be 'clip' or 'add' or 'inward' or 'none', got 'gauss'"),
        ("prior.proportions", "estimated", "must be 'uniform' when config.initial.method is 'none', got 'estimated'"),
        ("weights.joint", -1.0, "config.weights.joint must be a number between 0 and 1e+06, got -1.0"),
        ("warm_up.entropy", 1.5, "config.warm_up.entropy must be a number between 0 and 1, got 1.5"),
        ("consistency.shift", 2.0, "config.consistency.shift must be a number between 0 and 1, got 2.0"),
        ("pace.method", "easy", "config.pace.method must be 'balanced' or 'plain' or 'none', got 'easy'"),
        ("pace.start", 0.0, "config.pace.start must be a number between 0 and 1, 0 excluded, got 0.0"),
        (
            "adversarial.batch_size",
            1,
            "must be a whole number between 2 and 1,000,000, because the entropy loss is one of pairs, got 1",
        ),
        ("adversarial.form", "wgan", "config.adversarial.form must be 'nonsaturating' or 'minimax', got 'wgan'"),
        (
            "adversarial.average",
            1.0,
            "config.adversarial.average must be a number between 0 and 1, 1 excluded, got 1.0",
        ),
        (
            "initial.dimensions",
            (0.5,),
            "config.initial.dimensions must be a tuple of numbers, each a number between 1 and 1000, got (0.5,)",
        ),
        (
            "initial.dimensions",
            (),
            "config.initial.dimensions must be a tuple of numbers, each a number between 1 and 1000, got ()",
        ),
        ("initial.method", "ward", "config.initial.method must be 'spectral' or 'block_model' or 'kmeans' or 'none'"),
        ("init_from", "run", "config.init_from must be empty when config.initial.method is 'none', got 'run'"),
    ],
)
def test_impossible_settings_are_refused_by_name(field, value, message):
    config = settings()
    *rooms, name = field.split(".")
    room = config
    for part in rooms:
        room = room[part]
    room[name] = value
    with pytest.raises(ValueError, match=re.escape(message)):
        clustergan.check(config, N)
