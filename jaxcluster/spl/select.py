"""Finding one threshold per group by counting, without a sort.

The problem: each group has losses and a condition that holds for small values and fails for large ones,
depending on the value and on how many of the group's losses lie below it. Where is the border? Every
self-paced scheme here that looks at ranks (balanced weights, P1 Theorem 1; diversity; the age of a given
fraction) is this question with another condition.

Floats ordered as unsigned integers make it a search over digits: count, per group, how often each value of
the leading digit occurs, test the condition at every digit's lower edge, keep the last digit for which it
holds, and go on to the next. After the last digit the border is known exactly. With digits of one bit this is
bisection on the threshold (the dual variable of a group); with eight, four passes over float32 losses do.
Devices exchange the counts only.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxcluster.spl.checks import total

__all__ = ["Border", "decode", "encode", "largest_true", "next_above", "ordered_keys", "split_at"]


class Border(NamedTuple):
    """The largest value for which a group's condition holds; one entry per group."""

    key: jax.Array  # [groups] the value as an ordered key
    value: jax.Array  # [groups] the value; NaN if the condition holds for no finite value
    below: jax.Array  # [groups] int32, how many losses lie below the value
    tied: jax.Array  # [groups] int32, how many equal it


def ordered_keys(losses: jax.Array, usable: jax.Array) -> jax.Array:
    """Unsigned integers in the order of the losses; unusable samples get the largest of all.

    Both zeros are one value, and numbers below the smallest normal one count as zero, as they do in the
    comparisons of most accelerators.
    """
    tiny = jnp.finfo(losses.dtype).tiny
    losses = jnp.where(jnp.abs(losses) < tiny, jnp.zeros_like(losses), losses)
    return jnp.where(usable, encode(losses), _unsigned(losses.dtype)(-1 % (1 << _width(losses.dtype))))


def largest_true(
    keys: jax.Array,
    groups: jax.Array | None,
    num_groups: int,
    holds: Callable[[jax.Array, jax.Array], jax.Array],
    *,
    dtype,
    axis_name=None,
) -> Border:
    """The largest finite value of each group at which `holds` is true.

    Args:
        keys: ordered keys, [n].
        groups: ids in [0, num_groups), [n] int32, or None for a single group. An unusable sample may carry
            any id in range.
        num_groups: number of groups.
        holds: `holds(values [g, d], below [g, d]) -> [g, d]` where `below` counts the group's losses below
            each value; must be true, then false, as the value grows.
        dtype: of the losses.
        axis_name: mapped axis over which the samples are spread.

    Returns:
        The borders. A condition that holds nowhere gives `below = tied = 0` and a NaN value.
    """
    width, bits = _width(dtype), _digit_bits(keys.size, num_groups, axis_name)
    base = 1 << bits
    unsigned = _unsigned(dtype)
    lowest, highest = encode(jnp.finfo(dtype).min), encode(jnp.finfo(dtype).max)
    offsets = 0 if groups is None else groups * base

    def count(index):
        counts = jax.ops.segment_sum(jnp.ones(index.shape, jnp.int32), index, num_groups * base + 1)
        return total(counts[:-1].reshape(num_groups, base), axis_name)

    def narrow(counts, shift, prefix, below):
        edges = (prefix[:, None] << bits) | jnp.arange(base, dtype=unsigned)[None, :]
        starts = edges << shift
        belows = below[:, None] + jnp.cumsum(counts, axis=1, dtype=jnp.int32) - counts
        true = (starts < lowest) | ((starts <= highest) & holds(decode(starts, dtype), belows))
        last = jnp.maximum(jnp.sum(true, axis=1, dtype=jnp.int32, keepdims=True) - 1, 0)
        return tuple(jnp.take_along_axis(x, last, axis=1)[:, 0] for x in (edges, belows, counts))

    def refine(step, state, first=False):
        prefix, below, _ = state
        shift = unsigned(width) - unsigned(bits) * (jnp.asarray(step).astype(unsigned) + unsigned(1))
        index = offsets + ((keys >> shift) & unsigned(base - 1)).astype(jnp.int32)
        if not first:
            mine = prefix[0] if groups is None else prefix[groups]
            index = jnp.where((keys >> shift >> unsigned(bits)) == mine, index, num_groups * base)
        # Held back from fusing: the counting loop is serial, the index is not.
        return narrow(count(lax.optimization_barrier(index)), shift, prefix, below)

    # Zeros that vary over the same devices as the counts, for shard_map's bookkeeping.
    zeros = jnp.zeros(num_groups, jnp.int32) + total(jnp.sum(keys[:0]).astype(jnp.int32), axis_name)
    state = (zeros.astype(unsigned), zeros, zeros)
    steps = width // bits
    if steps <= 4:  # written out: a loop on CPU keeps two arrays more alive, and the first step can do less
        for step in range(steps):
            state = refine(step, state, first=step == 0)
    else:
        state = lax.fori_loop(0, steps, refine, state)
    key, below, tied = state
    found = key >= lowest
    value = jnp.where(found, decode(key, dtype), jnp.nan)
    return Border(key, value, jnp.where(found, below, 0), jnp.where(found, tied, 0))


def split_at(border: Border, keys: jax.Array, groups: jax.Array, share: jax.Array) -> jax.Array:
    """Weights [n]: one below a group's border, `share` [groups] for samples equal to it, zero above."""
    key = border.key[groups]
    one = jnp.ones((), share.dtype)
    return jnp.where(keys < key, one, jnp.where(keys == key, share[groups], jnp.zeros((), share.dtype)))


def next_above(x: jax.Array) -> jax.Array:
    """The smallest number above `x` that no comparison mistakes for zero."""
    tiny = jnp.finfo(x.dtype).tiny
    after = decode(encode(x) + _unsigned(x.dtype)(1), x.dtype)
    return jnp.where(jnp.abs(x) < tiny, tiny, jnp.where(jnp.abs(after) < tiny, jnp.zeros_like(x), after))


def _digit_bits(n: int, num_groups: int, axis_name) -> int:
    """Eight bits a pass if there are fewer counts than samples, else less; four where counts travel."""
    widest = 8 if axis_name is None else 4
    return next((bits for bits in (8, 4, 2) if bits <= widest and num_groups << bits <= n), 1)


def _width(dtype) -> int:
    return jnp.finfo(dtype).bits


def _unsigned(dtype):
    return {32: jnp.uint32, 64: jnp.uint64}[_width(dtype)]


def encode(x) -> jax.Array:
    """Floats as unsigned integers of the same order."""
    x = jnp.asarray(x)
    bits = lax.bitcast_convert_type(x, _unsigned(x.dtype))
    sign = _unsigned(x.dtype)(1 << (_width(x.dtype) - 1))
    return jnp.where(bits >= sign, ~bits, bits | sign)


def decode(keys: jax.Array, dtype) -> jax.Array:
    """The floats that `encode` turned into these integers."""
    sign = _unsigned(dtype)(1 << (_width(dtype) - 1))
    return lax.bitcast_convert_type(jnp.where(keys >= sign, keys ^ sign, ~keys), dtype)
