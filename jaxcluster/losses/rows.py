"""Shape checks of the losses, at trace time, and the masking of padded rows."""

import jax
import jax.numpy as jnp

__all__ = ["check_rows", "check_valid", "mask_padding"]

Array = jax.Array


def check_rows(**arrays: Array) -> None:
    """Raise unless the two arrays have one shape [b, d]; their names are the keywords."""
    (first, a), (second, b) = arrays.items()
    if a.ndim != 2 or a.shape != b.shape:
        raise ValueError(f"{first} and {second} must have one shape [b, d], got {a.shape} and {b.shape}")


def check_valid(valid: Array, rows: int) -> None:
    """Raise unless `valid` has one entry per row."""
    if jnp.shape(valid) != (rows,):
        raise ValueError(f"valid must be [b] = [{rows}], got {jnp.shape(valid)}")


def mask_padding(rows: Array, valid: Array | None) -> Array:
    """Replace padding by zeros, before any arithmetic, so that a NaN in it cannot reach a gradient."""
    if valid is None:
        return rows
    check_valid(valid, rows.shape[0])
    return jnp.where(jnp.reshape(valid, (-1,) + (1,) * (rows.ndim - 1)), rows, 0)
