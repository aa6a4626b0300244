"""k-means: Lloyd's iterations from greedy k-means++ seeds, the best of several restarts.

    min over centers m and assignments s of   Σ_i ‖x_i − m_{s_i}‖²

Reference: [P2] Eq. 7 (the initial clustering of ASPC-DA); Arthur & Vassilvitskii, SODA 2007, for the seeds.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcluster.clusterers.sums import by_adding, by_product

__all__ = [
    "KMeans",
    "centered",
    "check_points",
    "kmeans",
    "nearest",
    "raw_squared_distances",
    "seeds",
    "squared_distances",
]

Array = jax.Array

AT_ONCE = 2**26  # distances between points and centers that are held together: 256 MiB in float32


class KMeans(NamedTuple):
    """Result of k-means: the chosen restart, and what the others came to."""

    labels: Array  # [n] int32
    centers: Array  # [k, d]
    inertia: Array  # [] sum of squared distances
    inertias: Array  # [restarts], of every restart: their spread tells how sure the clustering is
    silhouettes: Array  # [restarts], simplified silhouette of every restart, in [0, 1]
    iterations: Array  # [] Lloyd iterations that were run
    converged: Array  # [] bool, of the chosen restart


class _Run(NamedTuple):
    """Lloyd's iterations of all restarts in mid-course."""

    centers: Array  # [r, k, d]
    inertia: Array  # [r]
    active: Array  # [r] bool, still moving
    iteration: Array  # []


@jax.jit
def squared_distances(points: Array, centers: Array) -> Array:
    """Squared Euclidean distances ‖x − m‖², never below zero.

    Both are taken relative to the mean of the centers: the differences of large squares would lose what is small
    against them.

    Args:
        points: [n, d].
        centers: [k, d].

    Returns:
        [n, k].
    """
    middle = jnp.mean(centers, axis=0, keepdims=True)
    # The mean of large numbers is rounded; of the centers' small distances from it, hardly.
    middle = middle + jnp.mean(centers - middle, axis=0, keepdims=True)
    return raw_squared_distances(points - middle, centers - middle)


def raw_squared_distances(points: Array, centers: Array) -> Array:
    """`squared_distances` of points that lie about the origin already: ‖x‖² − 2x·m + ‖m‖²."""
    cross = jnp.matmul(points, centers.T, precision=jax.lax.Precision.HIGHEST)
    squares = jnp.sum(points**2, axis=1)[:, None] + jnp.sum(centers**2, axis=1)[None, :]
    return jnp.maximum(squares - 2 * cross, 0)


def nearest(points: Array, centers: Array) -> tuple[Array, Array]:
    """Each point's nearest center and its squared distance; of equally near ones the first.

    Args:
        points: [n, d].
        centers: [k, d].

    Returns:
        (labels [n] int32, squared distances [n]).

    Reference: [P2] Eq. 15.
    """
    return _nearest(points - centers[:1], centers - centers[:1])


@jax.jit
def _nearest(points: Array, centers: Array) -> tuple[Array, Array]:
    distances = raw_squared_distances(points, centers)
    labels = jnp.argmin(distances, axis=1).astype(jnp.int32)
    return labels, jnp.take_along_axis(distances, labels[:, None], axis=1)[:, 0]


def kmeans(
    key: Array,
    points: Array,
    n_clusters: int,
    *,
    restarts: int = 20,
    max_iterations: int = 300,
    tolerance: float = 1e-4,
    slack: float = 0.0,
    slice_iterations: int | None = None,
    poll: Callable[[], None] = lambda: None,
) -> KMeans:
    """Cluster points by k-means, keeping one of several restarts.

    The restart with the smallest sum of squares is kept. With `slack` above 0, of all restarts whose sum of squares
    is at most 1 + slack times the smallest, the one with the largest simplified silhouette is kept,

        mean over i of   1 − (distance of x_i to its nearest center) / (distance to its second nearest),

    because sums of squares that differ by less than a per cent say little: splitting a large wide cluster and merging
    two small close ones can cost less than the clustering that has every cluster apart.

    Args:
        key: random key of the seeds.
        points: [n, d] float, n ≥ n_clusters, without NaN and infinity. The mean is subtracted first, in the type of
            the array: float64 in NumPy keeps small distances between large values.
        n_clusters: k.
        restarts: independent starts; one that has converged costs nothing more.
        max_iterations: bound on Lloyd's iterations.
        tolerance: a restart ends when its centers move by no more than this share of the mean variance of the
            features (sum of squares over all centers).
        slack: see above; 0 is plain k-means.
        slice_iterations: run this many iterations per device call, with `poll()` between calls, so that long work
            can be interrupted; None runs all in one call and may itself be traced by `jax.jit`.
        poll: called between the slices; may raise.

    Returns:
        `KMeans`. A cluster that loses all its points restarts at the point farthest from its center. With fewer
        distinct points than clusters it converges with an inertia of zero, to rounding, and leaves clusters empty.
        Under `jax.jit` values cannot be refused: with NaN or infinity among them the inertia is NaN and `converged`
        is False.

    Raises:
        ValueError: `points` is not [n, d], has fewer points than clusters, or has NaN or infinity.
    """
    check_points(points, n_clusters)
    points, middle = centered(points)
    limit = _limit(points, tolerance)
    run = _start(key, points, n_clusters, restarts)
    while True:
        stop = max_iterations if slice_iterations is None else run.iteration + slice_iterations
        run = _iterate(run, points, jnp.minimum(stop, max_iterations), limit)
        if slice_iterations is None or not bool(run.active.any()) or int(run.iteration) >= max_iterations:
            found = _finish(run, points, slack)
            return found._replace(centers=found.centers + middle)
        poll()


def check_points(points: Array, n_clusters: int) -> None:
    """Refuse points that cannot be clustered; values are looked at where they are known, not under `jax.jit`."""
    if points.ndim != 2:
        raise ValueError(f"points must be [n, d], got {points.shape}")
    if not 1 <= n_clusters <= points.shape[0]:
        raise ValueError(f"n_clusters must lie in 1..n = {points.shape[0]}, got {n_clusters}")
    if isinstance(points, jax.core.Tracer):
        return
    finite = np.isfinite(points).all(axis=1).sum() if isinstance(points, np.ndarray) else _finite_rows(points)
    bad = points.shape[0] - int(finite)
    if bad:
        raise ValueError(f"points must be finite, got NaN or infinity in {bad} of {points.shape[0]} rows")


@jax.jit
def _finite_rows(points: Array) -> Array:
    return jnp.isfinite(points).all(axis=1).sum()


def centered(points: Array) -> tuple[Array, Array]:
    """Points less their mean, and that mean [1, d]: squared distances are differences of large squares otherwise."""
    if isinstance(points, np.ndarray) and points.dtype == np.float64:
        middle = points.mean(axis=0, keepdims=True)
        return jnp.asarray(points - middle), jnp.asarray(middle)
    return _centered(points)


@jax.jit  # here and below: called operation by operation, some twenty small programs would be compiled for each shape
def _centered(points: Array) -> tuple[Array, Array]:
    middle = jnp.mean(points, axis=0, keepdims=True)
    points = points - middle
    # Far from the origin the mean itself is rounded; nearer to it, a rest of rounding is left as it is.
    rest = jnp.mean(points, axis=0, keepdims=True)
    rest = jnp.where(rest**2 > 1e-4 * jnp.var(points, axis=0, keepdims=True), rest, 0)
    return points - rest, middle + rest


@jax.jit
def _limit(points: Array, tolerance: Array) -> Array:
    return tolerance * jnp.mean(jnp.var(points, axis=0))


@partial(jax.jit, static_argnames=("n_clusters", "restarts"))
def _start(key: Array, points: Array, n_clusters: int, restarts: int) -> _Run:
    seed = jax.vmap(lambda k: seeds(k, points, n_clusters))
    return _Run(
        centers=seed(jax.random.split(key, restarts)),
        inertia=jnp.full(restarts, jnp.inf, points.dtype),
        active=jnp.ones(restarts, bool),
        iteration=jnp.zeros((), jnp.int32),
    )


def seeds(key: Array, points: Array, n_clusters: int) -> Array:
    """Greedy k-means++, [k, d]: of a few draws by squared distance, the one that lowers the potential most."""
    n = points.shape[0]
    trials = 2 + int(math.log(n_clusters))
    first_key, key = jax.random.split(key)
    first = points[jax.random.randint(first_key, (), 0, n)]
    centers = jnp.zeros((n_clusters, points.shape[1]), points.dtype).at[0].set(first)
    closest = raw_squared_distances(points, first[None])[:, 0]

    def add(i, carry):
        centers, closest = carry
        mass = jnp.cumsum(closest)
        draws = jax.random.uniform(jax.random.fold_in(key, i), (trials,), points.dtype) * mass[-1]
        candidates = points[jnp.minimum(jnp.searchsorted(mass, draws, side="right"), n - 1)]
        after = jnp.minimum(closest[:, None], raw_squared_distances(points, candidates))  # [n, trials]
        best = jnp.argmin(after.sum(axis=0))
        return centers.at[i].set(candidates[best]), after[:, best]

    return jax.lax.fori_loop(1, n_clusters, add, (centers, closest))[0]


@jax.jit
def _iterate(run: _Run, points: Array, stop: Array, limit: Array) -> _Run:
    def go_on(run: _Run):
        return run.active.any() & (run.iteration < stop)

    def lloyd_active(run: _Run) -> _Run:
        order = jnp.argsort(~run.active, stable=True)  # the active ones first

        def lloyd_one(i, run: _Run) -> _Run:
            r = order[i]
            centers, inertia, shift = _lloyd(points, run.centers[r], rounding)
            return run._replace(
                centers=run.centers.at[r].set(centers),
                inertia=run.inertia.at[r].set(inertia),
                active=run.active.at[r].set(~(shift <= limit)),  # with NaN it never converges
            )

        run = jax.lax.fori_loop(0, run.active.sum(), lloyd_one, run)
        return run._replace(iteration=run.iteration + 1)

    # Squared distances below it are rounding.
    rounding = 8 * jnp.finfo(points.dtype).eps * jnp.max(jnp.sum(points**2, axis=1))
    return jax.lax.while_loop(go_on, lloyd_active, run)


def _each(function: Callable, centers: Array, points: Array):
    """Apply a function to the centers of every restart, to as many at once as memory should hold distances of."""
    restarts, clusters, _ = centers.shape
    together = max(AT_ONCE // (len(points) * clusters), 1)
    if together >= restarts:
        return jax.vmap(function)(centers)
    return jax.lax.map(function, centers, batch_size=together)


def _lloyd(points: Array, centers: Array, rounding: Array) -> tuple[Array, Array, Array]:
    """One iteration: (new centers [k, d], sum of squares before the move, squared length of the move)."""
    labels, distances = _nearest(points, centers)
    sums, counts = jax.lax.platform_dependent(
        points, labels, cpu=by_adding(len(centers)), default=by_product(len(centers))
    )
    means = sums / jnp.maximum(counts, 1)[:, None]
    empty = counts == 0

    def refilled(means: Array) -> Array:
        far, index = jax.lax.top_k(distances, centers.shape[0])
        j = jnp.cumsum(empty) - 1  # the j-th empty cluster takes the j-th farthest point
        # Where every point has a center on it already, an empty cluster stays: fewer distinct points than clusters.
        replacement = jnp.where((far[j] > rounding)[:, None], points[index[j]], centers)
        return jnp.where(empty[:, None], replacement, means)

    moved = jax.lax.cond(empty.any(), refilled, lambda means: means, means)
    return moved, distances.sum(), jnp.sum((moved - centers) ** 2)


@jax.jit
def _finish(run: _Run, points: Array, slack: Array) -> KMeans:
    inertias, silhouettes = _each(lambda m: _quality(points, m), run.centers, points)
    good = inertias <= (1 + slack) * inertias.min()
    chosen = jnp.argmax(jnp.where(good, silhouettes, -1))
    return KMeans(
        labels=_nearest(points, run.centers[chosen])[0],
        centers=run.centers[chosen],
        inertia=inertias[chosen],
        inertias=inertias,
        silhouettes=silhouettes,
        iterations=run.iteration,
        converged=~run.active[chosen] & jnp.isfinite(inertias[chosen]),
    )


def _quality(points: Array, centers: Array) -> tuple[Array, Array]:
    """Sum of squares, and simplified silhouette (0 where there is no second center, or both are equally near)."""
    distances = raw_squared_distances(points, centers)
    if centers.shape[0] == 1:
        return distances.sum(), jnp.zeros((), points.dtype)
    two = -jax.lax.top_k(-distances, 2)[0]  # [n, 2]
    ratio = jnp.where(two[:, 1] > 0, two[:, 0] / jnp.where(two[:, 1] > 0, two[:, 1], 1), 1)
    return two[:, 0].sum(), jnp.mean(1 - jnp.sqrt(ratio))
