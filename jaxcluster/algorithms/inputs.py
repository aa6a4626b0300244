"""How stored images become inputs of a network: rescaled, and augmented inside the graph."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcluster import augment

__all__ = ["Inputs", "flat_inputs"]

Array = jax.Array


class Inputs(NamedTuple):
    """How stored images become inputs of the network."""

    clean: Callable[[Array], Array]  # images as stored [b, ...] -> [b, D] in [0, 1]
    augmented: Callable[[Array, Array, Array], Array]  # (key, images, position) -> [b, D]


def flat_inputs(config, sample_shape: tuple[int, ...], offset: float, scale: float) -> Inputs:
    """Build the inputs of a fully connected network.

    Args:
        config: settings of `groups.AUGMENT`.
        sample_shape: (h, w, c) or (d,).
        offset: what is subtracted from stored values, and
        scale: what the difference is multiplied by, to bring them into [0, 1].
    """
    is_image = len(sample_shape) == 3
    affine = {name: config[name] for name in ("rotation", "shift", "stretch", "shear")}
    center, sd = config.center, config.noise

    def scaled(images: Array) -> Array:
        return (images.astype(jnp.zeros(()).dtype) - offset) * scale

    def flat(x: Array) -> Array:
        return x.reshape(x.shape[0], -1)

    def augmented(key: Array, images: Array, position: Array) -> Array:
        affine_key, noise_key = jax.random.split(key)
        x = scaled(images)
        if is_image and any(size > 0 for size in affine.values()):
            x = augment.random_affine(affine_key, x, position, center=center, **affine)
        if sd > 0:
            x = augment.gaussian_noise(noise_key, x, position, sd=sd)
        # Without the barrier XLA fuses the warp into each of its users and computes it several times.
        return jax.lax.optimization_barrier(flat(x))

    return Inputs(clean=lambda images: flat(scaled(images)), augmented=augmented)
