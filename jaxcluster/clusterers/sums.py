"""The points of each cluster added up, in the way that is fast and exact on a kind of device."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

__all__ = ["TOGETHER", "by_adding", "by_product"]

Array = jax.Array
TOGETHER = 1024  # points that are added up in one sum


def by_product(k: int) -> Callable[[Array, Array], tuple[Array, Array]]:
    """(points, labels) -> (sum of each cluster's points [k, d], their number [k]), as a matrix product."""

    def sums(points: Array, labels: Array) -> tuple[Array, Array]:
        members = jax.nn.one_hot(labels, k, dtype=points.dtype)  # [n, k]
        return jnp.matmul(members.T, points, precision=jax.lax.Precision.HIGHEST), members.sum(axis=0)

    return sums


def by_adding(k: int) -> Callable[[Array, Array], tuple[Array, Array]]:
    """The same for a processor, where adding is faster than the product (measured: 11.4 and 15.4 ms at 10,000 x 784).

    On an accelerator the order of the additions, and so the last bits, would differ from run to run. Blocks of points
    are summed apart: one long sum would round each point against the sum of all before it.
    """

    def sums(points: Array, labels: Array) -> tuple[Array, Array]:
        blocks = -(-len(points) // TOGETHER)
        of_block = jax.ops.segment_sum(points, labels + k * (jnp.arange(len(points)) // TOGETHER), k * blocks)
        counts = jax.ops.segment_sum(jnp.ones(len(points), jnp.int32), labels, k)
        return of_block.reshape(blocks, k, -1).sum(axis=0), counts.astype(points.dtype)

    return sums
