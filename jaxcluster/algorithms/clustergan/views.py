"""How stored images become inputs of the players, and the variations of Eq. 7."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcluster import augment

__all__ = ["Views", "views"]

Array = jax.Array


class Views(NamedTuple):
    """Images for the players."""

    clean: Callable[[Array], Array]  # images as stored [b, ...] -> [b, ...] in the generator's range
    varied: Callable[[Array, Array, Array], Array] | None  # (key, clean images, position) -> images; None: no variation
    shown: Callable[[Array], Array]  # generated images -> in [0, 1]


def views(config, sample_shape: tuple[int, ...], *, offset: float, scale: float, output: str) -> Views:
    """Build them.

    Args:
        config: `config.consistency`.
        sample_shape: (h, w, c) or (d,).
        offset: what is subtracted from stored values, and
        scale: what the difference is multiplied by, to bring them into [0, 1].
        output: the generator's range, "sigmoid" ([0, 1]) or "tanh" ([-1, 1]).
    """
    is_image = len(sample_shape) == 3
    sizes = {name: config[name] for name in ("rotation", "shift", "stretch", "shear")}
    affine = is_image and any(size > 0 for size in sizes.values())
    translate = is_image and config.translate > 0
    flip = is_image and config.flip
    stretch, base = (2.0, -1.0) if output == "tanh" else (1.0, 0.0)

    def clean(images: Array) -> Array:
        return (images.astype(jnp.zeros(()).dtype) - offset) * (scale * stretch) + base

    def varied(key: Array, x: Array, position: Array) -> Array:
        keys = jax.random.split(key, 4)
        if flip:
            x = augment.random_flip(keys[0], x, position)
        if translate:
            x = augment.random_translate(keys[1], x, position, pixels=config.translate)
        if affine:
            x = augment.random_affine(keys[2], x, position, **sizes)
        if config.noise > 0:
            x = augment.gaussian_noise(keys[3], x, position, sd=config.noise * stretch)
        # Without the barrier XLA fuses the warp into each of its users and computes it several times.
        return jax.lax.optimization_barrier(x)

    any_variation = affine or translate or flip or config.noise > 0
    return Views(clean, varied if any_variation else None, lambda x: (x - base) / stretch)


def flat(images: Array) -> Array:
    """[n, ...] as [n, D]."""
    return images.reshape(images.shape[0], math.prod(images.shape[1:]))
