"""Lemma 1 in training: the discriminator against networks whose tables of pairs are known."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxcluster.algorithms.clustergan.algorithm import setup_from_config
from jaxcluster.algorithms.clustergan.clusterer import clusterer_step
from jaxcluster.algorithms.clustergan.discriminator import discriminator_step
from jaxcluster.algorithms.clustergan.generator import generator_step
from jaxcluster.algorithms.clustergan.prior import block_codes
from jaxcluster.algorithms.clustergan.training import NetworkState, TrainState, draw_step_inputs
from jaxcluster.networks import adversarial_networks
from jaxcluster.networks.interface import Clusterer, Generator
from jaxcluster.protocol import Batch
from tests.algorithms.small_game import KEY, SILENT, settings

# Joint tables of 3 codes and 4 images, in fortieths: neither their rows nor their columns have equal sums.
CLUSTERER = np.array([[8, 1, 2, 1], [1, 6, 1, 2], [2, 1, 7, 8]])
GENERATOR = np.array([[6, 7, 3, 3], [2, 3, 2, 2], [1, 3, 4, 4]])
CODES = block_codes(3, 6)
COPIES, PADDING = 13, 200  # a batch holds each fortieth so many times, and rows that must count nowhere
STEPS = 1000  # enough to reach the optimum; the direction is learnt much sooner


def drawn(context, odds):
    """A column for each row of odds, drawn by the pass and the position."""
    keys = jax.vmap(lambda p: jax.random.fold_in(context.key, p))(context.position)
    return jax.vmap(jax.random.categorical)(keys, jnp.log(odds))


def clusterer_apply(variables, x, context):
    """P_C(z|x): a code drawn for each image, in logits of 20 and -20."""
    odds = jnp.asarray(CLUSTERER / CLUSTERER.sum(0), jnp.float32).T[jnp.argmax(x, axis=1)]
    return 40 * CODES[drawn(context, odds)] - 20, x, {}


def generator_apply(variables, z, context):
    """P_G(x|z): an image drawn for each code."""
    odds = jnp.asarray(GENERATOR, jnp.float32)[jnp.argmax(z[:, :6] @ CODES.T, axis=1)]
    return jnp.eye(4)[drawn(context, odds)], {}


def real_networks():
    return adversarial_networks(
        "mlp", sample_shape=(4,), units=6, inputs=8, head="normalized", clusterer_hidden=(8,), generator_hidden=(8,),
        discriminator_hidden=(64, 64), image_noise=0.0, hidden_noise=0.0, scores=("joint",),
    )  # fmt: skip


def toy(form="nonsaturating", steps=STEPS, **networks):
    """The score of the pair alone on four pictures, which are stored as rows of the unit matrix."""
    off = dict.fromkeys((f"weights__{name}" for name in ("image", "code", "cycle", "cycle_generator")), 0.0)
    off |= {"weights__joint": 1.0, "weights__consistency": 0.0, "weights__entropy": 0.0, "consistency__virtual": 0.0}
    config = settings(**off, **SILENT, adversarial__form=form)
    rate = optax.linear_schedule(5e-3, 0.0, steps)
    setup = setup_from_config(config, num_samples=20, sample_shape=(4,), offset=0.0, scale=1.0)
    return setup._replace(networks=real_networks()._replace(**networks), optimizer=optax.adam(rate), total_steps=steps)


def batch():
    """Each image as often as the clusterer's table has it, and padding that is the first image throughout."""
    index = np.concatenate([np.repeat(np.arange(4), CLUSTERER.sum(0) * COPIES), np.zeros(PADDING, int)])
    rows = np.arange(len(index), dtype=np.int32)
    return Batch(np.eye(4, dtype=np.float32)[index], rows, rows, rows < len(index) - PADDING)


def first_state(setup):
    c, g, d = (
        NetworkState(variables, setup.optimizer.init(variables["params"]))
        for variables in (
            network.init(key) for network, key in zip(setup.networks, jax.random.split(KEY, 3), strict=True)
        )
    )
    nothing = jnp.zeros(len(batch().index))
    shares = jnp.asarray(GENERATOR.sum(1) / 40, jnp.float32)
    labels = nothing.astype(jnp.int32)
    return TrainState(c, g, d, c.variables, labels, nothing, labels, nothing, shares, jnp.float32(0), jnp.int32(0))


@functools.cache
def trained(steps=STEPS):
    """The state after the discriminator's steps against the two tables."""
    tables = {
        "clusterer": Clusterer(lambda key: {"params": {}, "stats": {}}, clusterer_apply),
        "generator": Generator(lambda key: {"params": {}, "stats": {}}, generator_apply),
    }
    setup = toy(steps=steps, **tables)

    def step(state, key):
        state, terms = discriminator_step(setup, state, draw_step_inputs(setup, state, batch(), key, None))
        return state, terms["discriminator_loss"]

    return jax.jit(lambda: jax.lax.scan(step, first_state(setup), jax.random.split(KEY, steps)))()


@pytest.mark.long
def test_the_trained_discriminator_approaches_the_lemmas_optimum():
    state, told = trained()
    z, x = (axis.ravel() for axis in np.indices((3, 4)))
    scores = real_networks().discriminator.apply(state.discriminator.variables, CODES[z], jnp.eye(4)[x])
    expected = np.log(CLUSTERER / GENERATOR).ravel()
    assert np.abs(expected).max() > 1.7  # wide enough apart for swapped pairs or conditional tables to be seen
    # The rate falls to 0 in a straight line, so the last tenth of the steps have a hundredth of the whole way and the
    # fifth before them decides: a logit is that of the counts of no fewer than a tenth of all draws. That of n and m
    # draws strays by the root of 1/n + 1/m; four times that for the worst of 12 cells.
    draws = STEPS // 10 * COPIES
    tolerance = 4 * np.sqrt(1 / (draws * CLUSTERER) + 1 / (draws * GENERATOR)).ravel()
    assert tolerance.max() < 0.2
    np.testing.assert_array_less(np.abs(scores.joint - expected), tolerance)
    # and the loss is what the lemma's D gives, half of 2 log 2 - 2 JS (the mean of the two sides), each step's mean
    # over 520 draws of a loss whose standard deviation is below 0.7
    d = CLUSTERER / (CLUSTERER + GENERATOR)
    best = -(CLUSTERER * np.log(d) + GENERATOR * np.log(1 - d)).sum() / 80
    np.testing.assert_allclose(told[-100:].mean(), best, atol=4 * 0.7 / np.sqrt(100 * 40 * COPIES))


@pytest.mark.parametrize("form", ["nonsaturating", pytest.param("minimax", marks=pytest.mark.long)])
def test_a_step_takes_each_players_pairs_towards_the_others(form):
    """Against a trained discriminator, which knows what it says."""
    setup = toy(form, steps=100)

    @jax.jit
    def beliefs_and_steps(discriminator):
        state = first_state(setup)._replace(discriminator=discriminator)
        inputs = draw_step_inputs(setup, state, batch(), KEY, None)

        def beliefs(state):
            seen = inputs.context(99)
            logits, _, _ = setup.networks.clusterer.apply(state.clusterer.variables, inputs.images, seen)
            images, _ = setup.networks.generator.apply(state.generator.variables, inputs.latent, seen)
            pairs = ((jax.nn.sigmoid(logits), inputs.images), (inputs.codes, images))
            scores = [setup.networks.discriminator.apply(state.discriminator.variables, *p, seen).joint for p in pairs]
            return jnp.stack([jnp.mean(jax.nn.sigmoid(s), where=seen.valid) for s in scores])

        return [beliefs(each) for each in (state, *(play(setup, state, inputs)[0] for play in players))]

    players = (generator_step, clusterer_step)
    before, generator, clusterer = jax.device_get(beliefs_and_steps(trained(100)[0].discriminator))
    np.testing.assert_allclose([generator[0], clusterer[1]], before, atol=1e-6)  # one player moves at a time
    assert generator[1] > before[1] + 1e-4  # D of (z, G(z)) rises
    assert clusterer[0] < before[0] - 1e-4  # D of (C(x), x) falls
