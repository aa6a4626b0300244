"""Graphs of similar samples: images that are small warps of one another, feature vectors that share neighbors.

References: `neighbors` for the equations; Simard et al., 1998, for the idea of comparing digits under their small
transformations.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxcluster import augment
from jaxcluster.clusterers import neighbors as search
from jaxcluster.clusterers.descriptors import orientation_descriptors, principal_axes, unit_pixels
from jaxcluster.clusterers.neighbors import Neighbors, graph_of_neighbors
from jaxcluster.clusterers.views import AffineView, as_views, view_matrices

__all__ = [
    "anchor_graph",
    "anchor_vote",
    "choose_anchors",
    "vector_graph",
    "vector_neighbors",
    "view_graph",
    "view_neighbors",
]

Array = jax.Array

SMALLEST_SIDE = 8  # pixels from which an image is compared by its descriptor
BATCH = 256  # images that are warped and described at once
MEMORY = 2**27  # bytes that all versions of one block of offered images may take
REPRESENTATIONS = {"pixels": unit_pixels, "descriptors": orientation_descriptors}


def view_graph(images, **options):
    """Graph of images and their nearest others under small warps; `view_neighbors` says how.

    Args:
        images: [n, h, w] or [n, h, w, c].
        options: those of `view_neighbors`.

    Returns:
        [n, n] scipy CSR matrix, (W + Wᵀ)/2 of the weights, symmetric, without self-loops.
    """
    return graph_of_neighbors(view_neighbors(images, **options))


def view_neighbors(
    images: np.ndarray,
    *,
    n_neighbors: int = 10,
    views: int | Sequence[AffineView] = 13,
    representation: str = "auto",
    dimensions: int = 64,
    anchors: int = 20_000,
    seed: int = 0,
    block: int = 2048,
    poll: Callable[[], None] | None = None,
    report: Callable[[int, int], None] | None = None,
) -> Neighbors:
    """The nearest neighbors of each image among others under a fixed set of affine views.

        d²(i, j) = min over views v of   ‖x_i − v(x_j)‖²,     w_ij = exp(−d²(i, j) / (s_i s_j))

    with s_i the distance from i to its neighbor number 8 of 10 (number ⌈0.8 k⌉ of k).

    Args:
        images: [n, h, w] or [n, h, w, c], any real type and unit: brightness and contrast do not count.
        n_neighbors: k, below n.
        views: 1, 13, 25 or 73, see `affine_views`, or the views themselves.
        representation: what images are compared by: "pixels", see `unit_pixels`; "descriptors", see
            `orientation_descriptors`; "auto": descriptors if both sides have at least 8 pixels.
        dimensions: principal axes (of the images as they are) that are kept.
        anchors: up to this many samples all are offered as neighbors; of more, this many, drawn at random.
        seed: of the draw of anchors.
        block: samples on each side of one device call.
        poll: called between device calls; may raise.
        report: called after every call with how many are done and how many there are.

    Returns:
        `Neighbors`, all on the host.

    Raises:
        ValueError: a shape is wrong, a value is not finite, or there are too few images.

    Limits:
        2 n m v d operations for m offered samples, v views and d dimensions: 70,000 images, 20,000 anchors and 13
        views take 2.3e12. Memory beyond the images: 4 n (d + 3 k) bytes, and some 200 MB for a block.
    """
    images = _as_images(images)
    n, height, width, _ = images.shape
    views = as_views(views)
    matrices = view_matrices(views, height=height, width=width)
    describe = _representation(representation, height, width)
    chosen = choose_anchors(n, anchors, seed=seed)
    offered = np.arange(n, dtype=np.int32) if chosen is None else chosen
    clean = _described(images, describe, poll=poll)
    axes = principal_axes(clean if chosen is None else clean[chosen], dimensions)
    queries = _project(clean, axes.mean, axes.axes)
    del clean
    block = max(1, min(block, MEMORY // (4 * len(views) * axes.axes.shape[1])))
    versions = partial(_versions, images, offered, matrices, describe, axes, min(block, len(offered)))
    index, distances = search.nearest_neighbors(
        queries, versions, offered, n_neighbors, block=block, poll=poll, report=report
    )
    weights = search.self_tuned_weights(index, distances, scale_at=-(-4 * n_neighbors // 5))
    return Neighbors(index, distances, weights, chosen)


def vector_graph(points, **options):
    """Graph of feature vectors, weighted by shared neighbors; `vector_neighbors` says how.

    Args:
        points: [n, d].
        options: those of `vector_neighbors`.

    Returns:
        [n, n] scipy CSR matrix, max(W, Wᵀ) of the weights, symmetric, without self-loops.
    """
    return graph_of_neighbors(vector_neighbors(points, **options), symmetric="larger")


def vector_neighbors(
    points: np.ndarray,
    *,
    n_neighbors: int = 15,
    most_columns: int = 300,
    dimensions: int = 50,
    anchors: int = 100_000,
    seed: int = 0,
    block: int = 2048,
    poll: Callable[[], None] | None = None,
    report: Callable[[int, int], None] | None = None,
) -> Neighbors:
    """The nearest neighbors of each feature vector, weighted by the neighbors that both have.

    Args:
        points: [n, d] real, each column in the unit in which it should count.
        n_neighbors: k, below n.
        most_columns: vectors with more are reduced to `dimensions` principal axes first.
        dimensions: see there.
        anchors, seed, block, poll, report: as in `view_neighbors`.

    Returns:
        `Neighbors` with `jaccard_weights`, all on the host.

    Raises:
        ValueError: `points` is not [n, d], a value is not finite, or there are too few points.
    """
    points = np.asarray(points, np.float32)
    if points.ndim != 2:
        raise ValueError(f"points must be [n, d], got {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError("points must be finite, got NaN or infinity")
    if points.shape[1] > most_columns:
        axes = principal_axes(points, dimensions)
        points = _project(points, axes.mean, axes.axes)
    points = points - points.mean(axis=0, dtype=np.float64).astype(np.float32)
    chosen = choose_anchors(len(points), anchors, seed=seed)
    offered = np.arange(len(points), dtype=np.int32) if chosen is None else chosen
    index, distances = search.nearest_neighbors(
        points,
        lambda start, stop: points[offered[start:stop]][None],
        offered,
        n_neighbors,
        block=block,
        poll=poll,
        report=report,
    )
    return Neighbors(index, distances, search.jaccard_weights(index), chosen)


def choose_anchors(n: int, most: int, *, seed: int = 0) -> np.ndarray | None:
    """Numbers [most] int32 of the samples offered as neighbors, ascending; None if all n are."""
    if n <= most:
        return None
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False)).astype(np.int32)


def anchor_graph(neighbors: Neighbors, *, symmetric: str = "mean"):
    """Graph of the anchors alone.

    Args:
        neighbors: from `view_neighbors` or `vector_neighbors`.
        symmetric: "mean" for (W + Wᵀ)/2 of the weights, "larger" for the larger of both directions.

    Returns:
        [m, m] scipy CSR matrix, in the order of `neighbors.anchors`; of all samples if all are anchors.
    """
    if neighbors.anchors is None:
        return graph_of_neighbors(neighbors, symmetric=symmetric)
    among = neighbors.index[neighbors.anchors]
    index = np.searchsorted(neighbors.anchors, among).astype(np.int32)
    part = Neighbors(index, neighbors.distances[neighbors.anchors], neighbors.weights[neighbors.anchors])
    return graph_of_neighbors(part, symmetric=symmetric)


def anchor_vote(neighbors: Neighbors, labels: np.ndarray, n_clusters: int) -> np.ndarray:
    """Labels of all samples from those of the anchors: each other sample takes the weighted vote of its neighbors.

    Args:
        neighbors: of n samples, with m anchors.
        labels: [m] int in [0, n_clusters), of the anchors; [n] if there are no anchors.
        n_clusters: number of clusters.

    Returns:
        [n] int32; anchors keep their labels. Of equal votes the smaller label wins.
    """
    labels = np.asarray(labels, np.int32)
    if neighbors.anchors is None:
        return labels
    n = len(neighbors.index)
    known = np.zeros(n, np.int32)
    known[neighbors.anchors] = labels
    votes = np.zeros((n, n_clusters))
    np.add.at(votes, (np.arange(n)[:, None], known[neighbors.index]), neighbors.weights)
    voted = votes.argmax(axis=1).astype(np.int32)
    voted[neighbors.anchors] = labels
    return voted


def _as_images(images) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4:
        raise ValueError(f"images must be [n, h, w] or [n, h, w, c], got {images.shape}; see vector_graph for vectors")
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise ValueError("images must be finite, got NaN or infinity")
    return images


def _representation(name: str, height: int, width: int) -> Callable[[Array], Array]:
    if name == "auto":
        name = "descriptors" if min(height, width) >= SMALLEST_SIDE else "pixels"
    if name not in REPRESENTATIONS:
        raise ValueError(f"representation must be 'auto', 'pixels' or 'descriptors', got {name!r}")
    return REPRESENTATIONS[name]


def _described(images: np.ndarray, describe, *, poll) -> np.ndarray:
    """Representation [n, f] of the images as they are."""
    parts = []
    for start in range(0, len(images), 4 * BATCH):
        part = images[start : start + 4 * BATCH]
        parts.append(np.asarray(_describe(_padded(part, 4 * BATCH), describe))[: len(part)])
        if poll is not None:
            poll()
    return np.concatenate(parts)


@partial(jax.jit, static_argnums=1)
def _describe(images: Array, describe) -> Array:
    return _by_batches(lambda batch: describe(batch.astype(jnp.float32)), images)


def _versions(images, offered, matrices, describe, axes, wide: int, start: int, stop: int) -> Array:
    """Projected representations [v, wide or more, d] of the offered images start to stop − 1 under all views."""
    part = _padded(images[offered[start:stop]], wide)
    return _all_views(part, matrices, describe, axes.mean, axes.axes)


@partial(jax.jit, static_argnums=2)
def _all_views(images: Array, matrices: Array, describe, mean: Array, axes: Array) -> Array:
    def one(matrix, batch):
        warped = augment.warp(batch.astype(jnp.float32), jnp.broadcast_to(matrix, (len(batch), 2, 3)))
        return jnp.matmul(describe(jax.lax.optimization_barrier(warped)) - mean[None], axes, precision="highest")

    return jax.lax.map(lambda matrix: _by_batches(partial(one, matrix), images), matrices)


def _by_batches(function, images: Array) -> Array:
    """Apply a function of images [BATCH, ...] to all of them: on a CPU half the time of all at once."""
    results = jax.lax.map(function, images.reshape(-1, BATCH, *images.shape[1:]))
    return results.reshape(len(images), *results.shape[2:])


def _padded(images: np.ndarray, rows: int) -> np.ndarray:
    """Zeros behind the images, up to the next multiple of `BATCH` from `rows` on: few shapes are compiled."""
    rows = -(-rows // BATCH) * BATCH
    return np.concatenate([images, np.zeros((rows - len(images), *images.shape[1:]), images.dtype)])


def _project(points: np.ndarray, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
    return (points - mean) @ axes
