"""How stored images become inputs of the networks, and the variations of Eq. 7."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcluster import augment

__all__ = ["Views", "views"]

Array = jax.Array


class Views(NamedTuple):
    """Images for the networks."""

    clean: Callable[[Array], Array]  # images as stored [b, ...] -> [b, ...] in the generator's range
    varied: Callable[[Array, Array, Array], Array] | None  # (key, clean images, position) -> images; None: no variation
    shown: Callable[[Array], Array]  # generated images -> in [0, 1]


def views(config, sample_shape: tuple[int, ...], *, offset: float, scale: float, output: str) -> Views:
    """Build the functions.

    Args:
        config: settings of the group `consistency`.
        sample_shape: (h, w, c) or (d,).
        offset: what is subtracted from stored values, and
        scale: what the difference is multiplied by, to bring them into [0, 1].
        output: the generator's range, "sigmoid" ([0, 1]) or "tanh" ([-1, 1]).
    """
    is_image = len(sample_shape) == 3
    sizes = {name: config[name] for name in ("rotation", "shift", "stretch", "shear")}
    affine = is_image and any(size > 0 for size in sizes.values())
    pixels = config.translate if is_image else 0
    flip = is_image and config.flip
    sd = config.noise
    stretch, base = (2.0, -1.0) if output == "tanh" else (1.0, 0.0)

    def clean(images: Array) -> Array:
        return (images.astype(jnp.zeros(()).dtype) - offset) * (scale * stretch) + base

    def varied(key: Array, x: Array, position: Array) -> Array:
        keys = jax.random.split(key, 4)
        if flip:
            x = augment.random_flip(keys[0], x, position)
        if pixels > 0:
            x = augment.random_translate(keys[1], x, position, pixels=pixels)
        if affine:
            x = augment.random_affine(keys[2], x, position, **sizes)
        if sd > 0:
            x = augment.gaussian_noise(keys[3], x, position, sd=sd * stretch)
        # Without the barrier XLA fuses the warp into each of its users and computes it several times.
        return jax.lax.optimization_barrier(x)

    any_variation = affine or pixels > 0 or flip or sd > 0
    return Views(clean, varied if any_variation else None, lambda x: (x - base) / stretch)


def flat(images: Array) -> Array:
    """[n, ...] as [n, D]."""
    return images.reshape(images.shape[0], math.prod(images.shape[1:]))
