"""Random draws that belong to a sample's position, so that the same batch is drawn alike on one device and on eight."""

from collections.abc import Callable
from typing import Any

import jax

__all__ = ["check_position", "draw_by_position"]

Array = jax.Array


def draw_by_position(sampler: Callable[..., Array], key: Array, position: Array, *arguments: Any) -> Array:
    """One draw per sample, each from the key and the sample's own position.

        draw_i = sampler(fold_in(key, position_i), *arguments)

    Args:
        sampler: (key, *arguments) -> array, for example `jax.random.normal` with a shape and a dtype.
        key: random key of this step and this use.
        position: [b] int, the samples' positions in the global batch.
        *arguments: the same for all samples.

    Returns:
        [b, ...] the draws.

    Raises:
        ValueError: `position` is not [b].
    """
    check_position(position)
    return jax.vmap(lambda p: sampler(jax.random.fold_in(key, p), *arguments))(position)


def check_position(position: Array) -> None:
    """Raise unless `position` has one axis."""
    if position.ndim != 1:
        raise ValueError(f"position must be [b], got {position.shape}")
