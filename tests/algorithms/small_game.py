"""ClusterGAN on twenty pictures of 4 x 5 pixels: three clusters, networks of a handful of units."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxcluster.algorithms import clustergan
from jaxcluster.algorithms.clustergan.adversarial import adversarial_phase
from jaxcluster.algorithms.clustergan.algorithm import initial_from_config, setup_from_config
from jaxcluster.protocol import Batch

KEY = jax.random.key(0)
N, SHAPE = 20, (4, 5, 1)
SILENT = {f"network__{name}": 0.0 for name in ("clusterer_noise", "image_noise", "hidden_noise", "code_noise")}


def images():
    return np.random.default_rng(0).integers(0, 256, (N, *SHAPE)).astype(np.uint8)


def settings(**changes):
    """Small networks for three clusters, no initial clustering; field__name=value changes one."""
    config = clustergan.get_config()
    shrink(config)
    config.m = 6
    config.initial.method = "none"
    for field, value in changes.items():
        room, name = field.split("__")
        config[room][name] = value
    clustergan.check(config, N)
    return config


def shrink(config):
    """Leave of the sizes what three clusters of twenty pictures need, and everything else as it is."""
    config.n_clusters = 3
    config.network.clusterer_hidden = config.network.generator_hidden = (7,)
    config.network.discriminator_hidden = (6,)
    config.prior.style = 2
    config.adversarial.batch_size = 8
    config.adversarial.epochs = 4


def build(config):
    return clustergan.build(config, num_samples=N, sample_shape=SHAPE, offset=0.0, scale=1 / 255)


def setup_of(config):
    """The setup and a first state, for tests that take the networks' steps one by one.

    The twelve steps are those of four epochs. With plain descent at rate 1 the change of a network is the gradient.
    """
    setup = setup_from_config(config, num_samples=N, sample_shape=SHAPE, offset=0.0, scale=1 / 255)
    setup = setup._replace(optimizer=optax.sgd(1.0))
    assert setup.total_steps == 12
    phase = adversarial_phase(setup, initial_from_config(config), num_samples=N, epochs=4, batch_size=8)
    return setup, phase.begin(None, None, jnp.asarray(images()), KEY, lambda: None)


def first_batch(valid=7):
    """Eight pictures, of which the last ones are padding."""
    index = jnp.arange(8)
    return Batch(jnp.asarray(images())[index], index, index, index < valid)


@functools.cache
def recipe(**changes):
    """A first state, and the compiled step."""
    phase = build(settings(**changes)).phases[0]
    return phase.begin(None, None, jnp.asarray(images()), KEY, lambda: None), jax.jit(phase.step)


def one_step(**changes):
    """The state before and after one step, and what it reported."""
    before, step = recipe(**changes)
    after, info = step(before, first_batch(), KEY)
    return before, after, means(info)


def means(info):
    return {name: float(total / count) for name, (total, count) in info.items()}


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))
