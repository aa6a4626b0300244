"""Balanced k-means: clusters of given sizes, by optimal transport between points and centers.

    min over centers m and P ≥ 0 of   Σ_ik P_ik ‖x_i − m_k‖² + τ Σ_ik P_ik log P_ik
    with   Σ_k P_ik = 1   and   Σ_i P_ik = n p_k

for a temperature τ that falls towards 0, where P becomes an assignment. With the sizes given, a clustering that
merges two clusters and splits a third is no solution; plain k-means often prefers it.

Reference: Cuturi, "Sinkhorn Distances", NIPS 2013, for the scaling iterations.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcluster.clusterers.kmeans import seeds, squared_distances

__all__ = ["BalancedKMeans", "balanced_kmeans"]

Array = jax.Array
HOT, COLD = 0.5, 0.005  # first and last temperature, in mean squared distances to the nearest seed
SCALINGS = 15  # Sinkhorn iterations in each round; potentials are kept from round to round


class BalancedKMeans(NamedTuple):
    """The restart with the smallest cost."""

    labels: Array  # [n] int32
    centers: Array  # [k, d]
    cost: Array  # [] sum of squared distances to the assigned centers
    costs: Array  # [restarts]
    sizes: Array  # [k] int32, of the labels: near n p_k, not equal to it


def balanced_kmeans(
    key: Array,
    points: Array,
    n_clusters: int,
    *,
    proportions: Array | None = None,
    restarts: int = 3,
    rounds: int = 40,
    poll: Callable[[], None] = lambda: None,
) -> BalancedKMeans:
    """Cluster points into clusters of given sizes.

    Args:
        key: random key of the seeds.
        points: [n, d] float, n >= n_clusters.
        n_clusters: k.
        proportions: [k] p, positive, adding up to 1; None: all 1/k.
        restarts: independent starts from k-means++ seeds, one after the other.
        rounds: of assignment and new centers, over which the temperature falls.
        poll: called between the restarts; may raise.

    Returns:
        `BalancedKMeans`. Sizes follow the proportions to about a per cent: the last temperature is not zero.

    Raises:
        ValueError: a shape is wrong, or there are fewer points than clusters.
    """
    if points.ndim != 2:
        raise ValueError(f"points must be [n, d], got {points.shape}")
    if not 1 <= n_clusters <= points.shape[0]:
        raise ValueError(f"n_clusters must lie in 1..n = {points.shape[0]}, got {n_clusters}")
    if proportions is None:
        proportions = jnp.full(n_clusters, 1 / n_clusters, points.dtype)
    if proportions.shape != (n_clusters,):
        raise ValueError(f"proportions must be [{n_clusters}], got {proportions.shape}")
    # About their mean: squared distances are differences of large squares otherwise.
    middle = jnp.mean(points, axis=0, keepdims=True)
    points, proportions = points - middle, proportions.astype(points.dtype)
    runs = []
    for restart_key in jax.random.split(key, restarts):
        runs.append(_run(restart_key, points, proportions, rounds))
        poll()
    labels, centers, costs = (jnp.stack(parts) for parts in zip(*runs, strict=True))
    best = jnp.argmin(costs)
    return BalancedKMeans(
        labels=labels[best],
        centers=centers[best] + middle,
        cost=costs[best],
        costs=costs,
        sizes=jnp.bincount(labels[best], length=n_clusters).astype(jnp.int32),
    )


@partial(jax.jit, static_argnums=3)
def _run(key: Array, points: Array, proportions: Array, rounds: int) -> tuple[Array, Array, Array]:
    centers, potential = _anneal(points, seeds(key, points, len(proportions)), proportions, rounds)
    distances = squared_distances(points, centers)
    labels = jnp.argmin(distances - potential[None, :], axis=1).astype(jnp.int32)
    return labels, centers, jnp.sum(jnp.take_along_axis(distances, labels[:, None], axis=1))


def _anneal(points: Array, centers: Array, proportions: Array, rounds: int) -> tuple[Array, Array]:
    scale = jnp.mean(jnp.min(squared_distances(points, centers), axis=1))
    wanted = jnp.log(proportions) + jnp.log(jnp.asarray(len(points), points.dtype))

    def round_of(carry, progress):
        centers, potential = carry
        temperature = scale * HOT * (COLD / HOT) ** progress + jnp.finfo(points.dtype).tiny
        distances = squared_distances(points, centers)

        def scaling(_, potential):
            logits = (potential[None, :] - distances) / temperature
            filled = jax.nn.logsumexp(jax.nn.log_softmax(logits, axis=1), axis=0)
            return potential + temperature * (wanted - filled)

        potential = jax.lax.fori_loop(0, SCALINGS, scaling, potential)
        shares = jax.nn.softmax((potential[None, :] - distances) / temperature, axis=1)
        mass = jnp.maximum(jnp.sum(shares, axis=0), jnp.finfo(points.dtype).tiny)
        return (jnp.matmul(shares.T, points, precision=jax.lax.Precision.HIGHEST) / mass[:, None], potential), None

    start = (centers, jnp.zeros(len(proportions), points.dtype))
    return jax.lax.scan(round_of, start, jnp.linspace(0, 1, rounds, dtype=points.dtype))[0]
