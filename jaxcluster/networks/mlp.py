"""Fully connected clusterer, generator and discriminator: Triple-GAN's MNIST networks without convolutions."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jaxcluster.networks.layers import Pass, constant, glorot_uniform, normal

__all__ = ["clusterer", "code_score", "generator", "head", "score"]

Array = jax.Array


def clusterer(net: Pass, x: Array, *, units: int, hidden: Sequence[int], noise: float, head_kind: str):
    """Affine layers, each with batch normalization and ReLU, and a head: x [b, ...] -> (logits, features)."""
    x = net.noise("input", x.reshape(len(x), -1), noise)
    for i, width in enumerate(hidden):
        x = net.dense(f"hidden_{i}", x, width, init=normal(0.05), bias=False)
        x = jax.nn.relu(net.batch_norm(f"norm_{i}", x))
    return head(net, x, units=units, kind=head_kind), x


def head(net: Pass, features: Array, *, units: int, kind: str) -> Array:
    """The clusterer's last layer: features [b, f] -> logits [b, m].

    "plain" is affine. "normalized" is batch normalization of each unit and then one gain and one offset that all
    units share: every unit is on equally often at the start, which keeps units from dying.
    """
    if kind == "plain":
        return net.dense("head", features, units, init=normal(0.01))
    x = net.dense("head", features, units, init=normal(0.05), bias=False)
    x = net.batch_norm("head", x, gain=False, offset=False)
    gain = net.array("params", "head", "gain", (), constant(1), x.dtype)
    offset = net.array("params", "head", "offset", (), constant(-2), x.dtype)
    return gain * x + offset


def generator(
    net: Pass, z: Array, *, sample_shape: tuple[int, ...], hidden: Sequence[int], repeat_code: bool, output: str
) -> Array:
    """Affine layers, each with batch normalization and softplus, and a weight-normalized one to the pixels.

    The code stands beside every layer's input, as Triple-GAN's label does.
    """
    x = z
    for i, width in enumerate(hidden):
        x = net.dense(f"hidden_{i}", x, width, init=glorot_uniform, bias=False)
        x = jax.nn.softplus(net.batch_norm(f"norm_{i}", x))
        x = beside(x, z) if repeat_code else x
    size = 1
    for side in sample_shape:
        size *= side
    x = net.dense("pixels", x, size, init=glorot_uniform, weight_norm=True, gain=True)
    return activation(output)(x).reshape(-1, *sample_shape)


def score(
    net: Pass,
    name: str,
    x: Array,
    z: Array | None,
    *,
    hidden: Sequence[int],
    image_noise: float,
    hidden_noise: float,
) -> Array:
    """Weight-normalized layers with ReLU and normal noise before each: x [b, D] and maybe z [b, m] -> logit [b].

    The noise falls on what comes from x; z stands beside every layer's input as it is.
    """
    x = net.noise(f"{name}_noise", x.reshape(len(x), -1), image_noise, shrinks=True)
    for i, width in enumerate(hidden):
        x = net.dense(f"{name}_hidden_{i}", beside(x, z), width, init=normal(0.1), weight_norm=True)
        x = net.noise(f"{name}_noise_{i}", jax.nn.relu(x), hidden_noise, shrinks=True)
    return net.dense(f"{name}_logit", beside(x, z), 1, init=normal(0.1), weight_norm=True)[:, 0]


def code_score(net: Pass, z: Array, *, hidden: Sequence[int]) -> Array:
    """The logit [b] of the code alone."""
    return score(net, "code", z, None, hidden=hidden, image_noise=0.0, hidden_noise=0.0)


def beside(x: Array, z: Array | None) -> Array:
    """The code behind the features, [b, f + m]."""
    return x if z is None else jnp.concatenate([x, z], axis=-1)


def activation(output: str):
    """The generator's last function: pixels in [0, 1] or in [-1, 1]."""
    return jax.nn.sigmoid if output == "sigmoid" else jnp.tanh
