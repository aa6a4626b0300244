"""Distance of a sample to its k-th nearest neighbor: the scale of the moves in `virtual_adversarial`."""

import math

import jax
import jax.numpy as jnp

__all__ = ["neighbor_distance"]

Array = jax.Array


def neighbor_distance(points: Array, neighbor: int = 10, *, queries: Array | None = None, chunk: int = 256) -> Array:
    """Euclidean distance of each point to its k-th nearest other point.

    Args:
        points: [n, d] float.
        neighbor: k, 1 for the nearest; below n.
        queries: [q] int, the points whose distances are wanted (for a mean, a random subset is enough); None: all.
        chunk: queries at a time, at least 1; memory is that of a few arrays [chunk, n].

    Returns:
        [q] distances, in the units of the points. A point is no neighbor of itself; a copy of it is one, at 0.

    Raises:
        ValueError: a shape is wrong, or `neighbor` or `chunk` out of range.

    Reference: Hu et al., "Learning Discrete Representations via Information Maximizing Self-Augmented Training",
    ICML 2017, whose radius is a fraction of the distance to the 10th neighbor.
    """
    if points.ndim != 2:
        raise ValueError(f"points must be [n, d], got {points.shape}")
    total = points.shape[0]
    if not 1 <= neighbor < total:
        raise ValueError(f"neighbor must lie in 1..n-1 = {total - 1}, got {neighbor}")
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1, got {chunk}")
    queries = jnp.arange(total) if queries is None else jnp.asarray(queries)
    if queries.ndim != 1:
        raise ValueError(f"queries must be [q], got {queries.shape}")
    # Center the points: the expanded square loses as many digits as the points are far from the origin.
    points = points - jnp.mean(points, axis=0, keepdims=True)
    squares = jnp.sum(jnp.square(points), axis=1)
    wanted = queries.shape[0]
    chunk = min(chunk, max(wanted, 1))

    def distances_of(start):
        rows = queries[jnp.minimum(start + jnp.arange(chunk), wanted - 1)]  # the last chunk repeats the last query
        mine = points[rows]
        cross = jnp.matmul(mine, points.T, precision=jax.lax.Precision.HIGHEST)
        order = squares[None, :] - 2 * cross  # the query's own square changes no order
        order = jnp.where(rows[:, None] == jnp.arange(total)[None, :], jnp.inf, order)
        found = _index_of_smallest(order, neighbor)
        # Rounding may swap points that are all but equally far; the distance itself is taken of the difference.
        return jnp.sqrt(jnp.sum(jnp.square(mine - points[found]), axis=1))

    return jax.lax.map(distances_of, jnp.arange(0, wanted, chunk)).reshape(-1)[:wanted]


def _index_of_smallest(values: Array, k: int) -> Array:
    """Column [q] of the k-th smallest value in each row of [q, n]; a sort of all n would take nearly all the time."""
    number, total = values.shape
    size = max(1, math.isqrt(total // k))
    blocks = jnp.pad(values, ((0, 0), (0, -total % size)), constant_values=jnp.inf).reshape(number, -1, size)
    # The k smallest values lie in the k blocks that have the smallest minima; there are at least k blocks.
    first = jax.lax.top_k(-jnp.min(blocks, axis=2), k)[1]
    candidates = jnp.take_along_axis(blocks, first[:, :, None], axis=1).reshape(number, -1)
    column = jax.lax.top_k(-candidates, k)[1][:, -1]
    block = jnp.take_along_axis(first, (column // size)[:, None], axis=1)[:, 0]
    return block * size + column % size
