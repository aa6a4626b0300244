"""Shapes of every family at the sizes it is meant for, and numbers of parameters counted by hand."""

import itertools

import jax
import jax.numpy as jnp
import pytest

from jaxcluster.networks import Context, adversarial_networks, summary

UNITS, INPUTS, ROWS = 10, 30, 2

MLP_SIDES, MNIST_SIDES, CIFAR_SIDES = (8, 16, 28), (8, 16, 28), (16, 32, 96)
SIZES = [
    *(("mlp", (side, side, 1)) for side in MLP_SIDES),
    ("mlp", (64,)),
    *(("mnist", (side, side, 1)) for side in MNIST_SIDES),
    *(("cifar", (side, side, 3)) for side in CIFAR_SIDES),
]


def parameters(player):
    return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(player.init, jax.random.key(0))["params"]))


@pytest.mark.parametrize(("family", "shape"), SIZES, ids=lambda value: str(value))
def test_shapes(family, shape):
    nets = adversarial_networks(family, sample_shape=shape, units=UNITS, inputs=INPUTS)
    context = Context(jax.random.key(0), jnp.arange(ROWS), jnp.ones(ROWS, bool))

    def outputs(key, x, z):
        c, g, d = (net.init(key) for net in nets)
        logits, features, c_stats = nets.clusterer.apply(c, x, context)
        images, g_stats = nets.generator.apply(g, z, context)
        return (c, g, d), logits, features, (c_stats, g_stats), images, nets.discriminator.apply(d, z[:, :UNITS], x)

    x, z = jnp.zeros((ROWS, *shape)), jnp.zeros((ROWS, INPUTS))
    variables, logits, features, stats, images, scores = jax.eval_shape(outputs, jax.random.key(0), x, z)
    assert logits.shape == (ROWS, UNITS)
    assert features.shape == (ROWS, 250 if family == "mlp" else 128)
    assert images.shape == x.shape
    assert [score.shape for score in scores] == [(ROWS,)] * 3
    for new, old in zip(stats, variables):
        assert jax.tree.map(jnp.shape, new) == jax.tree.map(jnp.shape, old["stats"])
    assert variables[2]["stats"] == {}


def chain(widths, beside=0):
    """Kernels of affine layers, each with `beside` more inputs."""
    return sum((a + beside) * b for a, b in itertools.pairwise(widths))


def test_parameters_of_the_fully_connected_players():
    nets = adversarial_networks("mlp", sample_shape=(16, 16, 1), units=10, inputs=30)
    assert parameters(nets.clusterer) == chain([256, 250, 250, 250, 10]) + 3 * 2 * 250 + 10
    # the generator's last layer has a bias and a gain per pixel, the others batch normalization
    assert parameters(nets.generator) == chain([0, 250, 250, 256], beside=30) + 2 * 2 * 250 + 2 * 256
    joint = chain([256, 250, 125, 1], beside=10) + 250 + 125 + 1
    image = chain([256, 250, 125, 1]) + 250 + 125 + 1
    code = chain([10, 64, 64, 1]) + 64 + 64 + 1
    assert parameters(nets.discriminator) == joint + image + code


def test_parameters_of_the_mnist_players():
    nets = adversarial_networks("mnist", sample_shape=(28, 28, 1), units=100, inputs=100, scores=("joint",))
    convolutions = 25 * 1 * 32 + 9 * (32 * 64 + 64 * 64 + 64 * 128 + 128 * 128)
    assert parameters(nets.clusterer) == convolutions + 2 * (32 + 64 + 64 + 128 + 128) + 128 * 100 + 100
    assert parameters(nets.generator) == 100 * 500 + 600 * 500 + 600 * 784 + 2 * 2 * 500 + 2 * 784
    hidden = 884 * 1000 + 1100 * 500 + 600 * 250 + 350 * 250 + 350 * 250 + 350
    assert parameters(nets.discriminator) == hidden + 1000 + 500 + 250 + 250 + 250 + 1


def test_parameters_of_the_cifar_players():
    nets = adversarial_networks(
        "cifar", sample_shape=(32, 32, 3), units=100, inputs=100, scores=("joint",), head="normalized"
    )
    kernels = 9 * (3 * 128 + 2 * 128 * 128 + 128 * 256 + 2 * 256 * 256 + 256 * 512) + 512 * 256 + 256 * 128
    norms = 2 * (3 * 128 + 3 * 256 + 512 + 256 + 128)
    assert parameters(nets.clusterer) == kernels + norms + 128 * 100 + 2
    deconvolutions = 25 * (612 * 256 + 356 * 128 + 228 * 3)
    assert parameters(nets.generator) == 100 * 8192 + 8192 + deconvolutions + 256 + 128 + 2 * 3
    widths = (32, 32, 64, 64, 128, 128)
    kernels = 9 * chain([3, *widths], beside=100)
    assert parameters(nets.discriminator) == kernels + sum(widths) + 228 + 1 + 1  # the logit has a gain as well


def test_larger_images_get_one_stage_more():
    small, large = (adversarial_networks("cifar", sample_shape=(s, s, 3), units=10, inputs=10) for s in (32, 96))
    stage = 9 * 3 * 256 * 256 + 2 * 3 * 256  # three convolutions from 256 to 256 channels
    assert parameters(large.clusterer) - parameters(small.clusterer) == stage


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
