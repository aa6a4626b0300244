"""What every scheme asks of its arguments, checked at trace time, and how it counts what it cannot use.

Shapes and dtypes are known while JAX traces, so a wrong one raises here, naming the argument and what it got.
Values are not known then: a NaN or infinite loss, a group id out of range or an age out of its domain never
raises; the first three are counted in a scheme's Info, the last turns every weight into NaN.
"""

import operator

import jax
import jax.numpy as jnp
from jax import lax

__all__ = [
    "as_groups",
    "as_losses",
    "as_mask",
    "as_num_groups",
    "as_scalar",
    "census",
    "spoil",
    "tally",
    "total",
]


def as_losses(losses, *, rank: int | None = 1) -> jax.Array:
    """The losses as a floating array of the wanted rank (any for None), half precision widened to float32."""
    array = jnp.asarray(losses)
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise TypeError(f"losses must be floating point, got dtype {array.dtype}")
    if rank is not None and array.ndim != rank:
        raise ValueError(f"losses must have shape [n], got shape {array.shape}; vmap over further axes")
    return array.astype(jnp.promote_types(array.dtype, jnp.float32))


def as_groups(groups, losses: jax.Array) -> jax.Array:
    """The group ids as integers, one per loss."""
    array = jnp.asarray(groups)
    if not jnp.issubdtype(array.dtype, jnp.integer):
        raise TypeError(f"groups must be integers, got dtype {array.dtype}")
    if array.shape != losses.shape:
        raise ValueError(f"groups must have the losses' shape {losses.shape}, got shape {array.shape}")
    return array


def as_mask(mask, losses: jax.Array) -> jax.Array | None:
    """The mask as booleans, one per loss, or None."""
    if mask is None:
        return None
    array = jnp.asarray(mask)
    if array.dtype != jnp.bool_:
        raise TypeError(f"mask must be boolean, got dtype {array.dtype}")
    if array.shape != losses.shape:
        raise ValueError(f"mask must have the losses' shape {losses.shape}, got shape {array.shape}")
    return array


def as_num_groups(num_groups) -> int:
    """The number of groups as a positive Python integer: it decides shapes, so it cannot be traced."""
    try:
        number = operator.index(num_groups)
    except TypeError as error:
        raise TypeError(f"num_groups must be a Python integer, got {type(num_groups).__name__}") from error
    if number < 1:
        raise ValueError(f"num_groups must be at least 1, got {number}")
    return number


def as_scalar(value, name: str, losses: jax.Array) -> jax.Array:
    """A number in the dtype of the losses: passed as an array, so that another value compiles nothing new."""
    dtype = jnp.result_type(value)
    if not (jnp.issubdtype(dtype, jnp.floating) or jnp.issubdtype(dtype, jnp.integer)):
        raise TypeError(f"{name} must be a real number, got dtype {dtype}")
    if jnp.shape(value) != ():
        raise ValueError(f"{name} must be a scalar, got shape {jnp.shape(value)}; vmap over it for a sweep")
    return jnp.asarray(value, losses.dtype)


def total(x: jax.Array, axis_name) -> jax.Array:
    """The sum over devices, or `x` itself when there is one."""
    return x if axis_name is None else lax.psum(x, axis_name)


def tally(x: jax.Array, axis_name) -> jax.Array:
    """How many elements are true, over all devices."""
    return total(jnp.sum(x, dtype=jnp.int32), axis_name)


def census(losses: jax.Array, mask: jax.Array | None) -> tuple[jax.Array, jax.Array, jax.Array]:
    """(usable, nan, infinite), boolean arrays that part the samples which the mask admits."""
    finite, nan = jnp.isfinite(losses), jnp.isnan(losses)
    infinite = jnp.isinf(losses)
    if mask is None:
        return finite, nan, infinite
    return finite & mask, nan & mask, infinite & mask


def spoil(weights: jax.Array, losses: jax.Array, mask: jax.Array | None, sound: jax.Array) -> jax.Array:
    """The weights; NaN where the loss is, and everywhere if the scheme's parameters are not `sound`."""
    spoiled = jnp.isnan(losses) | ~sound
    return jnp.where(spoiled if mask is None else spoiled & mask, jnp.full_like(weights, jnp.nan), weights)
