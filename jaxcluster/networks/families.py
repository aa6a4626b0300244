"""The three networks of ClusterGAN with balanced self-paced learning, in families of Triple-GAN's architectures.

Triple-GAN's label y becomes the code z everywhere: the generator takes it, and the discriminator sees it beside the
input of every layer. Beside the score of the pair the discriminator can give one of x alone and one of z alone, as
BigBiGAN's does; with the pair alone the clusterer learns little, because generated images betray the pair.

Reference: [P1] section 4.1 and Triple-GAN's code for the widths and the initialization. Differs from Triple-GAN in
the clusterer's last layer (m units, no softmax), in the missing extra noise vector of the generator, and in the
discriminator's code, which is never shown twice to one layer.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxcluster.networks import convolutional, mlp
from jaxcluster.networks.convolution import FORMS
from jaxcluster.networks.interface import Clusterer, Context, Discriminator, Generator, Networks, Scores, Variables
from jaxcluster.networks.layers import network

__all__ = ["FAMILIES", "HEADS", "OUTPUTS", "SCORES", "adversarial_networks", "summary"]

Array = jax.Array

FAMILIES = ("mlp", "mnist", "cifar")
OUTPUTS = ("sigmoid", "tanh")
HEADS = ("plain", "normalized")
SCORES = ("joint", "image", "code")

WIDTHS = {
    "mlp": {"clusterer": (250, 250, 250), "generator": (250, 250), "discriminator": (250, 125)},
    "mnist": {
        "clusterer": (32, 64, 64, 128, 128),
        "generator": (500, 500),
        "discriminator": (1000, 500, 250, 250, 250),
    },
}
NOISE = {"mlp": (0.3, 0.5), "mnist": (0.3, 0.5), "cifar": (0.0, 0.0)}  # of the discriminator, on x and on hidden layers


def adversarial_networks(
    family: str,
    *,
    sample_shape: Sequence[int],
    units: int,
    inputs: int,
    output: str = "sigmoid",
    head: str = "plain",
    clusterer_hidden: Sequence[int] | None = None,
    clusterer_noise: float = 0.0,
    generator_hidden: Sequence[int] | None = None,
    repeat_code: bool = True,
    discriminator_hidden: Sequence[int] | None = None,
    code_hidden: Sequence[int] = (64, 64),
    image_noise: float | None = None,
    hidden_noise: float | None = None,
    code_noise: float = 0.0,
    scores: Sequence[str] = SCORES,
    convolution: str = "auto",
    dtype: Any = jnp.float32,
) -> Networks:
    """Build the three networks.

    Args:
        family: "mlp", all fully connected; "mnist", a convolutional clusterer for small gray images; "cifar", all
            convolutional, for square color images.
        sample_shape: of one sample, (h, w, c), or (d,) for "mlp".
        units: m, outputs of the clusterer.
        inputs: width of the generator's input, m and the style units.
        output: "sigmoid" for pixels in [0, 1], "tanh" for [-1, 1].
        head: the clusterer's last layer. "plain" is affine; "normalized" is batch normalization of each unit and
            then one trainable gain (1 at the start) and offset (-2) that all units share.
        clusterer_hidden: widths of the clusterer; None, here and below: the family's usual ones.
        clusterer_noise: standard deviation of the noise on the clusterer's input in training.
        generator_hidden: widths of the generator; for "cifar" each doubles the sides of the image once.
        repeat_code: the generator sees z again before every later layer.
        discriminator_hidden: widths of the paths to the scores of the pair and of x.
        code_hidden: widths of the path to the score of z.
        image_noise: standard deviation of the discriminator's noise on x in training, times the context's factor.
        hidden_noise: the same on its hidden layers.
        code_noise: the same on z, one draw for all that z enters.
        scores: which scores the discriminator gives; the others are zero and cost nothing.
        convolution: "native", XLA's; "products", matrix products; "auto", products on CPU only.
        dtype: of parameters and computation.

    Returns:
        `Networks(clusterer, generator, discriminator)`.

    Raises:
        ValueError: a name is unknown, a size is not positive, or the family cannot take samples of this shape.
    """
    for name, value, allowed in (
        ("family", family, FAMILIES),
        ("output", output, OUTPUTS),
        ("head", head, HEADS),
        ("convolution", convolution, FORMS),
        *(("scores", score, SCORES) for score in scores),
    ):
        if value not in allowed:
            raise ValueError(f"{name} must be among {', '.join(allowed)}, got {value!r}")
    for name, value in (("units", units), ("inputs", inputs)):
        if value < 1:
            raise ValueError(f"{name} must be positive, got {value}")
    shape = tuple(sample_shape)
    if family != "mlp" and len(shape) != 3:
        raise ValueError(f"sample_shape must be (h, w, c) for the family {family!r}, got {shape}")
    widths = WIDTHS[family] if family != "cifar" else convolutional.cifar_widths(shape[0])
    given = {"clusterer": clusterer_hidden, "generator": generator_hidden, "discriminator": discriminator_hidden}
    widths = {name: widths[name] if value is None else tuple(value) for name, value in given.items()}
    _check_sizes(family, shape, widths)

    form = {"form": convolution}
    clusterer = {
        "mlp": mlp.clusterer,
        "mnist": functools.partial(convolutional.mnist_clusterer, **form),
        "cifar": functools.partial(convolutional.cifar_clusterer, **form),
    }[family]
    generator, score = mlp.generator, mlp.score
    if family == "cifar":
        generator = functools.partial(convolutional.cifar_generator, **form)
        score = functools.partial(convolutional.cifar_score, **form)
    score = functools.partial(
        score,
        hidden=widths["discriminator"],
        image_noise=NOISE[family][0] if image_noise is None else image_noise,
        hidden_noise=NOISE[family][1] if hidden_noise is None else hidden_noise,
    )

    def clusterer_forward(net, x):
        return clusterer(net, x, units=units, hidden=widths["clusterer"], noise=clusterer_noise, head_kind=head)

    def generator_forward(net, z):
        return generator(net, z, sample_shape=shape, hidden=widths["generator"], repeat_code=repeat_code, output=output)

    def discriminator_forward(net, z, x):
        z = net.noise("code_noise", z, code_noise)
        absent = jnp.zeros(len(z), z.dtype)
        return Scores(
            joint=score(net, "joint", x, z) if "joint" in scores else absent,
            image=score(net, "image", x, None) if "image" in scores else absent,
            code=mlp.code_score(net, z, hidden=tuple(code_hidden)) if "code" in scores else absent,
        )

    return Networks(
        _clusterer(*network(clusterer_forward, [shape], dtype)),
        _generator(*network(generator_forward, [(inputs,)], dtype)),
        _discriminator(*network(discriminator_forward, [(units,), shape], dtype)),
    )


def summary(networks: Networks) -> str:
    """Table of the networks' arrays: name, shape and size; running statistics are listed but not counted.

    Args:
        networks: what `build` gives; nothing is allocated.

    Returns:
        The lines of the table.
    """
    lines = []
    for name, each in networks._asdict().items():
        variables = jax.eval_shape(each.init, jax.random.key(0))
        rows = []
        for kind, layers in variables.items():
            for layer, arrays in layers.items():
                for array, leaf in arrays.items():
                    size = f"{leaf.size:,}" if kind == "params" else "running"
                    rows.append((f"{layer}.{array}", " x ".join(map(str, leaf.shape)) or "1", size))
        total = sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))
        first, second, third = (max(map(len, column)) for column in zip(*rows, strict=True))
        lines.append(f"{name}: {total:,} parameters")
        lines += [f"  {a:{first}}  {b:{second}}  {c:>{third}}" for a, b, c in rows]
    return "\n".join(lines)


def _check_sizes(family: str, shape: tuple[int, ...], widths: dict[str, tuple[int, ...]]) -> None:
    if family == "mnist":
        if len(widths["clusterer"]) != 5:
            raise ValueError(f"clusterer_hidden must be five widths for the family 'mnist', got {widths['clusterer']}")
        if min(shape[:2]) < 4:
            raise ValueError(f"the family 'mnist' needs images of at least 4 x 4, got {shape}")
    if family == "cifar":
        if len(widths["clusterer"]) < 4:
            raise ValueError(f"clusterer_hidden must be at least four widths, got {widths['clusterer']}")
        if len(widths["discriminator"]) < 2 or len(widths["discriminator"]) % 2:
            raise ValueError(f"discriminator_hidden must be pairs of widths, got {widths['discriminator']}")
        step = math.lcm(2 ** len(widths["generator"]), 2 ** (len(widths["clusterer"]) - 3))
        if shape[0] % step or shape[1] % step:
            raise ValueError(f"the family 'cifar' needs sides that are multiples of {step}, got {shape}")


def _clusterer(init, apply) -> Clusterer:
    def logits_features_stats(variables: Variables, x: Array, context: Context | None = None):
        (logits, features), stats = apply(variables, x, context=context)
        return logits, features, stats

    return Clusterer(init, logits_features_stats)


def _generator(init, apply) -> Generator:
    return Generator(init, lambda variables, z, context=None: apply(variables, z, context=context))


def _discriminator(init, apply) -> Discriminator:
    return Discriminator(init, lambda variables, z, x, context=None: apply(variables, z, x, context=context)[0])
