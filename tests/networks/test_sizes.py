"""Shapes of every family at the sizes it is meant for, and numbers of parameters counted by hand."""

import functools
import itertools

import jax
import numpy as np
import pytest

from jaxcluster.networks import Context, adversarial_networks, summary

UNITS, INPUTS, ROWS = 10, 30, 2

SIZES = [
    ("mlp", (16, 16, 1)),
    ("mlp", (64,)),
    ("mnist", (28, 28, 1)),
    ("cifar", (32, 32, 3)),
    # Smaller ones keep their zero padding, as those of test_families.py do.
    *(pytest.param("mnist", (side, side, 1), marks=pytest.mark.long) for side in (8, 16)),
    *(pytest.param("cifar", (side, side, 3), marks=pytest.mark.long) for side in (16, 96)),
]


@functools.cache
def traced(family, shape):
    """Networks, and the shapes of their variables."""
    head = "normalized" if family == "cifar" else "plain"
    nets = adversarial_networks(family, sample_shape=shape, units=UNITS, inputs=INPUTS, head=head)
    return nets, jax.eval_shape(lambda key: [net.init(key) for net in nets], jax.random.key(0))


def parameters(family, shape):
    """How many the clusterer, the generator and the discriminator have."""
    return [sum(leaf.size for leaf in jax.tree.leaves(player["params"])) for player in traced(family, shape)[1]]


@pytest.mark.parametrize(("family", "shape"), SIZES, ids=lambda value: str(value))
def test_shapes(family, shape):
    nets, variables = traced(family, shape)
    context = Context(jax.random.key(0), np.arange(ROWS), np.ones(ROWS, bool))

    def outputs(variables, x, z):
        c, g, d = variables
        logits, features, c_stats = nets.clusterer.apply(c, x, context)
        images, g_stats = nets.generator.apply(g, z, context)
        return logits, features, (c_stats, g_stats), images, nets.discriminator.apply(d, z[:, :UNITS], x)

    x, z = np.zeros((ROWS, *shape), np.float32), np.zeros((ROWS, INPUTS), np.float32)
    logits, features, stats, images, scores = jax.eval_shape(outputs, variables, x, z)
    assert logits.shape == (ROWS, UNITS)
    assert features.shape == (ROWS, 250 if family == "mlp" else 128)
    assert images.shape == x.shape
    assert [score.shape for score in scores] == [(ROWS,)] * 3
    for new, old in zip(stats, variables):
        assert jax.tree.map(np.shape, new) == jax.tree.map(np.shape, old["stats"])
    assert variables[2]["stats"] == {}


def chain(widths, beside=0):
    """Kernels of affine layers, each with `beside` more inputs."""
    return sum((a + beside) * b for a, b in itertools.pairwise(widths))


CODE = chain([UNITS, 64, 64, 1]) + 64 + 64 + 1  # the score of the code alone


def test_parameters_of_the_fully_connected_players():
    clusterer, generator, discriminator = parameters("mlp", (16, 16, 1))
    assert clusterer == chain([256, 250, 250, 250, 10]) + 3 * 2 * 250 + 10
    # the generator's last layer has a bias and a gain per pixel, the others batch normalization
    assert generator == chain([0, 250, 250, 256], beside=30) + 2 * 2 * 250 + 2 * 256
    joint = chain([256, 250, 125, 1], beside=10) + 250 + 125 + 1
    image = chain([256, 250, 125, 1]) + 250 + 125 + 1
    assert discriminator == joint + image + CODE


def test_parameters_of_the_mnist_players():
    clusterer, generator, discriminator = parameters("mnist", (28, 28, 1))
    convolutions = 25 * 1 * 32 + 9 * (32 * 64 + 64 * 64 + 64 * 128 + 128 * 128)
    assert clusterer == convolutions + 2 * (32 + 64 + 64 + 128 + 128) + 128 * 10 + 10
    assert generator == 30 * 500 + 530 * 500 + 530 * 784 + 2 * 2 * 500 + 2 * 784
    joint = 794 * 1000 + 1010 * 500 + 510 * 250 + 260 * 250 + 260 * 250 + 260
    image = 784 * 1000 + 1000 * 500 + 500 * 250 + 250 * 250 + 250 * 250 + 250
    assert discriminator == joint + image + 2 * (1000 + 500 + 250 + 250 + 250 + 1) + CODE


def test_parameters_of_the_cifar_players():
    clusterer, generator, discriminator = parameters("cifar", (32, 32, 3))
    kernels = 9 * (3 * 128 + 2 * 128 * 128 + 128 * 256 + 2 * 256 * 256 + 256 * 512) + 512 * 256 + 256 * 128
    norms = 2 * (3 * 128 + 3 * 256 + 512 + 256 + 128)
    assert clusterer == kernels + norms + 128 * 10 + 2
    deconvolutions = 25 * (542 * 256 + 286 * 128 + 158 * 3)
    assert generator == 30 * 8192 + 8192 + deconvolutions + 256 + 128 + 2 * 3
    widths = (32, 32, 64, 64, 128, 128)
    joint = 9 * chain([3, *widths], beside=10) + sum(widths) + 138 + 1 + 1  # the logit has a gain as well
    image = 9 * chain([3, *widths]) + sum(widths) + 128 + 1 + 1
    assert discriminator == joint + image + CODE


def test_larger_images_get_one_stage_more():
    stage = 9 * 3 * 256 * 256 + 2 * 3 * 256  # three convolutions from 256 to 256 channels
    assert parameters("cifar", (96, 96, 3))[0] - parameters("cifar", (32, 32, 3))[0] == stage


def test_summary_lists_and_counts():
    nets = adversarial_networks(
        "mlp",
        sample_shape=(4,),
        units=2,
        inputs=3,
        clusterer_hidden=(5,),
        generator_hidden=(5,),
        discriminator_hidden=(5,),
        scores=("code",),
        code_hidden=(6,),
    )
    lines = summary(nets).splitlines()
    assert "clusterer: 42 parameters" in lines  # 4·5 + 2·5 and 5·2 + 2
    assert "generator: 65 parameters" in lines  # 3·5 + 2·5 and (5 + 3)·4 + 2·4
    assert "discriminator: 25 parameters" in lines  # 2·6 + 6 and 6 + 1
    words = [line.split() for line in lines]
    assert ["hidden_0.kernel", "4", "x", "5", "20"] in words
    assert ["norm_0.mean", "5", "running"] in words
