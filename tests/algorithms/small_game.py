"""ClusterGAN on twenty pictures of 4 x 5 pixels: three clusters, networks of a handful of units."""

import functools

import jax
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


def begun(phase):
    """The first state of the game, by one compiled program."""
    return jax.jit(lambda x: phase.begin(None, None, x, KEY, lambda: None))(images())


def setup_of(config):
    """The setup and a first state, for tests that take the networks' steps one by one.

    The twelve steps are those of four epochs. With plain descent at rate 1 the change of a network is the gradient.
    """
    assert config.consistency.virtual == 0, "the state has no radius"
    return plain_descent(config), first_state(*(config.weights[name] > 0 for name in ("joint", "image", "code")))


def plain_descent(config):
    setup = setup_from_config(config, num_samples=N, sample_shape=SHAPE, offset=0.0, scale=1 / 255)
    assert setup.total_steps == 12
    return setup._replace(optimizer=optax.sgd(1.0))


@functools.cache
def first_state(joint, image, code):
    """Of the settings, which scores there are is all that it depends on."""
    scores = {"weights__joint": float(joint), "weights__image": float(image), "weights__code": float(code)}
    config = settings(consistency__virtual=0.0, **scores)
    initial = initial_from_config(config)
    return begun(adversarial_phase(plain_descent(config), initial, num_samples=N, epochs=4, batch_size=8))


def first_batch(valid=7):
    """Eight pictures, of which the last ones are padding."""
    index = np.arange(8, dtype=np.int32)
    return Batch(images()[:8], index, index, index < valid)


def means(info):
    return {name: float(total / count) for name, (total, count) in info.items()}


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))
