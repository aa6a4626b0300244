"""Fully connected autoencoder: D - 500 - 500 - 2000 - 10 - 2000 - 500 - 500 - D in its usual size.

All layers but the embedding and the output are ReLU; those two are linear, so that embeddings may lie anywhere and
outputs are not squashed. Kernels start uniform in ±1/√fan_in, biases at zero.

Reference: [P2] section 4.1.4; the initialization is the one of the authors' code.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

__all__ = ["Autoencoder", "autoencoder"]

Array = jax.Array
Params = dict[str, Any]


class Autoencoder(NamedTuple):
    """Pure functions of a fully connected autoencoder."""

    init: Callable[[Array], Params]  # key -> {"encoder": ..., "decoder": ...}
    encode: Callable[[Params, Array], Array]  # (params["encoder"], [b, D]) -> [b, d]
    decode: Callable[[Params, Array], Array]  # (params["decoder"], [b, d]) -> [b, D]


class _Layers(nn.Module):
    """Dense layers with ReLU between them; the last one is linear."""

    widths: Sequence[int]

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel_init = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")  # U(−1/√fan_in, 1/√fan_in)
        for i, width in enumerate(self.widths):
            if i > 0:
                x = nn.relu(x)
            x = nn.Dense(width, kernel_init=kernel_init, param_dtype=x.dtype, name=f"dense_{i}")(x)
        return x


def autoencoder(
    inputs: int, *, hidden: Sequence[int] = (500, 500, 2000), embedding: int = 10, dtype: Any = jnp.float32
) -> Autoencoder:
    """Build the functions of an autoencoder for inputs of D features.

    Args:
        inputs: D, features of a flattened input.
        hidden: widths of the encoder's hidden layers; the decoder mirrors them.
        embedding: d, width of the embedding.
        dtype: of the parameters and the computation.

    Returns:
        `Autoencoder(init, encode, decode)`.
    """
    encoder = _Layers((*hidden, embedding))
    decoder = _Layers((*reversed(hidden), inputs))

    def init(key: Array) -> Params:
        encoder_key, decoder_key = jax.random.split(key)
        return {
            "encoder": encoder.init(encoder_key, jnp.zeros((1, inputs), dtype))["params"],
            "decoder": decoder.init(decoder_key, jnp.zeros((1, embedding), dtype))["params"],
        }

    return Autoencoder(
        init=init,
        encode=lambda params, x: encoder.apply({"params": params}, x),
        decode=lambda params, z: decoder.apply({"params": params}, z),
    )
