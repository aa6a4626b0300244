"""The three players of ClusterGAN with balanced self-paced learning, in families of Triple-GAN's architectures.

Triple-GAN's label y becomes the code z everywhere: the generator takes it, and the discriminator sees it beside the
input of every layer. Beside the score of the pair the discriminator can give one of x alone and one of z alone, as
BigBiGAN's does; with the pair alone the clusterer learns little, because generated images betray the pair.

Reference: [P1] section 4.1 and Triple-GAN's code for the widths and the initialisation. Differs from Triple-GAN in
the clusterer's last layer (m units, no softmax), in the missing extra noise vector of the generator, and in the
discriminator's code, which is never shown twice to one layer.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxcluster.networks import mlp
from jaxcluster.networks.interface import Clusterer, Context, Discriminator, Generator, Players, Scores, Variables
from jaxcluster.networks.layers import network

__all__ = ["FAMILIES", "HEADS", "OUTPUTS", "SCORES", "players"]

Array = jax.Array

FAMILIES = ("mlp",)
OUTPUTS = ("sigmoid", "tanh")
HEADS = ("plain", "normalised")
SCORES = ("joint", "image", "code")


def players(
    family: str,
    *,
    sample_shape: Sequence[int],
    units: int,
    inputs: int,
    output: str = "sigmoid",
    head: str = "plain",
    clusterer_hidden: Sequence[int] = (250, 250, 250),
    clusterer_noise: float = 0.0,
    generator_hidden: Sequence[int] = (250, 250),
    repeat_code: bool = True,
    discriminator_hidden: Sequence[int] = (250, 125),
    code_hidden: Sequence[int] = (64, 64),
    image_noise: float = 0.3,
    hidden_noise: float = 0.5,
    code_noise: float = 0.0,
    scores: Sequence[str] = SCORES,
    dtype: Any = jnp.float32,
) -> Players:
    """Build the three players.

    Args:
        family: "mlp".
        sample_shape: of one sample, (h, w, c) or (d,).
        units: m, outputs of the clusterer.
        inputs: width of the generator's input, m and the style units.
        output: "sigmoid" for pixels in [0, 1], "tanh" for [-1, 1].
        head: the clusterer's last layer. "plain" is affine; "normalised" is batch normalisation of each unit and
            then one trainable gain (1 at the start) and offset (-2) that all units share.
        clusterer_hidden: widths of the clusterer.
        clusterer_noise: standard deviation of the noise on the clusterer's input in training.
        generator_hidden: widths of the generator.
        repeat_code: the generator sees z again before every later layer.
        discriminator_hidden: widths of the paths to the scores of the pair and of x.
        code_hidden: widths of the path to the score of z.
        image_noise: standard deviation of the discriminator's noise on x in training.
        hidden_noise: the same on its hidden layers.
        code_noise: the same on z, one draw for all that z enters.
        scores: which scores the discriminator gives; the others are zero and cost nothing.
        dtype: of parameters and computation.

    Returns:
        `Players(clusterer, generator, discriminator)`.

    Raises:
        ValueError: a name is unknown, or a size is not positive.
    """
    for name, value, allowed in (
        ("family", family, FAMILIES),
        ("output", output, OUTPUTS),
        ("head", head, HEADS),
        *(("scores", score, SCORES) for score in scores),
    ):
        if value not in allowed:
            raise ValueError(f"{name} must be among {', '.join(allowed)}, got {value!r}")
    for name, value in (("units", units), ("inputs", inputs)):
        if value < 1:
            raise ValueError(f"{name} must be positive, got {value}")
    shape = tuple(sample_shape)
    clusterer_forward = functools.partial(
        mlp.clusterer, units=units, hidden=tuple(clusterer_hidden), noise=clusterer_noise, head_kind=head
    )
    generator_forward = functools.partial(
        mlp.generator,
        sample_shape=shape,
        hidden=tuple(generator_hidden),
        repeat_code=repeat_code,
        output=output,
    )
    score = functools.partial(
        mlp.score, hidden=tuple(discriminator_hidden), image_noise=image_noise, hidden_noise=hidden_noise
    )

    def discriminator_forward(net, z, x):
        z = net.noise("code_noise", z, code_noise)
        absent = jnp.zeros(len(z), z.dtype)
        return Scores(
            joint=score(net, "joint", x, z) if "joint" in scores else absent,
            image=score(net, "image", x, None) if "image" in scores else absent,
            code=mlp.code_score(net, z, hidden=tuple(code_hidden)) if "code" in scores else absent,
        )

    return Players(
        _clusterer(*network(clusterer_forward, [shape], dtype)),
        Generator(*_ordered(*network(generator_forward, [(inputs,)], dtype))),
        _discriminator(*network(discriminator_forward, [(units,), shape], dtype)),
    )


def _clusterer(init, apply) -> Clusterer:
    def logits_features_stats(variables: Variables, x: Array, context: Context | None = None):
        (logits, features), stats = apply(variables, x, context=context)
        return logits, features, stats

    return Clusterer(init, logits_features_stats)


def _ordered(init, apply):
    return init, lambda variables, z, context=None: apply(variables, z, context=context)


def _discriminator(init, apply) -> Discriminator:
    return Discriminator(init, lambda variables, z, x, context=None: apply(variables, z, x, context=context)[0])
