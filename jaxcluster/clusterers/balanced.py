"""Balanced k-means: clusters of given sizes, by optimal transport between points and centers.

    min over centers m and P ≥ 0 of   Σ_ik P_ik ‖x_i − m_k‖² + τ Σ_ik P_ik log P_ik
    with   Σ_k P_ik = 1   and   Σ_i P_ik = n p_k

for a temperature τ that falls towards 0, where P becomes an assignment; the last plan is rounded to the cheapest
assignment to its centers that has exactly the sizes asked for. With the sizes given, a clustering that
merges two clusters and splits a third is no solution; plain k-means often prefers it.

Reference: Cuturi, "Sinkhorn Distances", NIPS 2013, for the scaling iterations.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcluster.clusterers.kmeans import centered, check_points, raw_squared_distances, seeds
from jaxcluster.clusterers.sizes import assign_with_sizes, whole_sizes

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
    sizes: Array  # [k] int32, of the labels: n p_k rounded to integers


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
    """Cluster points into clusters of given sizes, exactly.

    Args:
        key: random key of the seeds.
        points: [n, d] float, finite, n >= n_clusters.
        n_clusters: k.
        proportions: [k] p, positive, adding up to 1; None: all 1/k.
        restarts: independent starts from k-means++ seeds, one after the other.
        rounds: of assignment and new centers, over which the temperature falls.
        poll: called between the restarts; may raise.

    Returns:
        `BalancedKMeans`. Sizes are n p_k rounded down, with one point more for the largest remainders; of equal
        remainders the first. The labels are the cheapest with these sizes for the centers returned, which are means
        weighted by the last plan and not of the members alone.

    Raises:
        ValueError: a shape is wrong, there are fewer points than clusters, a point is not finite, or the proportions
            are not positive and adding up to 1.

    Memory grows as n k, time as rounds · n k (d + 15) for each restart, and on the host O(n k log n) and O(k³) for
    each point that the last plan puts into a wrong cluster. It runs on the host between its device calls: not under
    `jax.jit`.
    """
    check_points(points, n_clusters)
    if proportions is None:
        proportions = np.full(n_clusters, 1 / n_clusters)
    if proportions.shape != (n_clusters,):
        raise ValueError(f"proportions must be [{n_clusters}], got {proportions.shape}")
    shares = np.asarray(proportions, np.float64)
    if not (shares > 0).all() or abs(shares.sum() - 1) > 1e-3:
        raise ValueError(f"proportions must be positive and add up to 1, got {shares.tolist()}")
    points, middle = centered(points)
    proportions, wanted = jnp.asarray(proportions, points.dtype), whole_sizes(len(points), shares)
    runs = []
    for restart_key in jax.random.split(key, restarts):
        runs.append(_rounded(points, *_run(restart_key, points, proportions, rounds), wanted))
        poll()
    costs = np.asarray([cost for _, _, cost in runs], points.dtype)
    labels, centers, cost = runs[int(np.argmin(costs))]
    return BalancedKMeans(
        labels=jnp.asarray(labels),
        centers=centers + middle,
        cost=jnp.asarray(cost, points.dtype),
        costs=jnp.asarray(costs),
        sizes=jnp.asarray(np.bincount(labels, minlength=n_clusters), jnp.int32),
    )


@partial(jax.jit, static_argnums=3)
def _run(key: Array, points: Array, proportions: Array, rounds: int) -> tuple[Array, Array]:
    return _anneal(points, seeds(key, points, len(proportions)), proportions, rounds)


_distances = jax.jit(raw_squared_distances)


def _rounded(points: Array, centers: Array, potential: Array, sizes: np.ndarray) -> tuple[np.ndarray, Array, float]:
    """Cheapest assignment to the centers with these sizes: (labels, centers, cost)."""
    distances = np.asarray(_distances(points, centers), np.float64)
    labels = assign_with_sizes(distances, sizes, np.asarray(potential))
    cost = np.take_along_axis(distances, labels[:, None], axis=1).sum()
    return labels, centers, float(cost)


def _anneal(points: Array, centers: Array, proportions: Array, rounds: int) -> tuple[Array, Array]:
    scale = jnp.mean(jnp.min(raw_squared_distances(points, centers), axis=1))
    wanted = jnp.log(proportions) + jnp.log(jnp.asarray(len(points), points.dtype))

    def round_of(carry, progress):
        centers, potential = carry
        temperature = scale * HOT * (COLD / HOT) ** progress + jnp.finfo(points.dtype).tiny
        distances = raw_squared_distances(points, centers)

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
