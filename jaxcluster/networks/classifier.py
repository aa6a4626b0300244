"""Small classifiers: three convolutions for images, fully connected layers for everything else.

Kernels start uniform in ±√(6 / fan_in), those of the last layer at a tenth of that, so that training starts from nearly
equal probabilities; biases start at zero.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxcluster.networks.convolution import FORMS, convolve
from jaxcluster.networks.interface import Context
from jaxcluster.networks.layers import Pass, network

__all__ = ["FAMILIES", "Classifier", "classifier"]

Array = jax.Array

FAMILIES = ("convolutional", "mlp")
CONVOLUTIONS = ((32, 5), (64, 3), (64, 3))  # width and size of the kernel; each halves the sides


class Classifier(NamedTuple):
    """Pure functions of a classifier, x -> logits."""

    init: Callable[[Array, int], dict[str, Any]]  # (key, number of classes) -> params
    apply: Callable[..., tuple[Array, Array]]
    """(params, x [b, ...], context=None) -> (logits [b, k], features [b, f] of the last hidden layer); with a context
    dropout is drawn."""
    features: int  # f


def classifier(
    family: str,
    *,
    sample_shape: Sequence[int],
    hidden: Sequence[int],
    dropout: float = 0.1,
    last_dropout: float = 0.3,
    convolution: str = "auto",
    dtype: Any = jnp.float32,
) -> Classifier:
    """Build a classifier; the number of classes is not needed before `init`.

    Args:
        family: "convolutional": convolutions 5 × 5 × 32, 3 × 3 × 64 and 3 × 3 × 64 of stride 2, each with ReLU, then
            the hidden layers; "mlp": the hidden layers alone.
        sample_shape: of one sample, (h, w, c) for "convolutional".
        hidden: widths of the fully connected layers with ReLU before the last one; at least one.
        dropout: rate before the first of these layers if there are convolutions, else after each of them.
        last_dropout: rate after the last of these layers; only with convolutions.
        convolution: form of the convolutions, see `convolution.convolve`.
        dtype: of the parameters and the computation.

    Returns:
        `Classifier`.

    Raises:
        ValueError: a name is unknown, there is no hidden layer, or the family cannot take such samples.
    """
    shape = tuple(sample_shape)
    if family not in FAMILIES:
        raise ValueError(f"family must be one of {', '.join(FAMILIES)}, got {family!r}")
    if convolution not in FORMS:
        raise ValueError(f"convolution must be one of {', '.join(FORMS)}, got {convolution!r}")
    if not hidden:
        raise ValueError("hidden must hold at least one width, got none")
    if family == "convolutional" and len(shape) != 3:
        raise ValueError(f"sample_shape must be (h, w, c) for the family 'convolutional', got {shape}")

    convolutional = family == "convolutional"
    rates = [*[0.0] * (len(hidden) - 1), last_dropout] if convolutional else [dropout] * len(hidden)

    def forward(net: Pass, x: Array, n_classes: int) -> tuple[Array, Array]:
        if convolutional:
            for i, (width, size) in enumerate(CONVOLUTIONS):
                x = jax.nn.relu(_convolution(net, f"conv_{i}", x, width, size, convolution))
        x = x.reshape(len(x), -1)
        if convolutional:
            x = net.dropout("dropout", x, dropout)
        features = x
        for i, (width, rate) in enumerate(zip(hidden, rates, strict=True)):
            features = jax.nn.relu(net.dense(f"dense_{i}", x, width, init=_he_uniform(x.shape[-1])))
            x = net.dropout(f"dropout_{i}", features, rate)
        return net.dense("head", x, n_classes, init=_he_uniform(x.shape[-1], factor=0.1)), features

    def made(n_classes: int):
        return network(lambda net, x: forward(net, x, n_classes), [shape], dtype)

    def init(key: Array, n_classes: int) -> dict[str, Any]:
        return made(n_classes)[0](key)["params"]

    def apply(params: dict[str, Any], x: Array, context: Context | None = None) -> tuple[Array, Array]:
        n_classes = params["head"]["bias"].shape[-1]
        return made(n_classes)[1]({"params": params, "stats": {}}, x, context=context)[0]

    return Classifier(init, apply, hidden[-1])


def _convolution(net: Pass, path: str, x: Array, width: int, size: int, form: str) -> Array:
    shape = (size, size, x.shape[-1], width)
    kernel = net.array("params", path, "kernel", shape, _he_uniform(size * size * x.shape[-1]), x.dtype)
    return net.offset(path, convolve(x, kernel, stride=2, padding=size // 2, form=form))


def _he_uniform(fan_in: int, *, factor: float = 1.0):
    bound = factor * math.sqrt(6 / fan_in)
    return lambda key, shape, dtype: jax.random.uniform(key, shape, dtype, -bound, bound)
