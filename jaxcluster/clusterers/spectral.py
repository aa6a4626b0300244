"""Spectral embedding of the graph of nearest neighbors: points of one cluster come to lie on one ray.

    (I − D^-1/2 A D^-1/2) u = μ u,     rows of the first eigenvectors, scaled to length 1

The graph is scikit-learn's, its eigenvectors are SciPy's (NumPy, on the host); the rows are clustered by k-means.

Reference: Ng, Jordan & Weiss, "On Spectral Clustering", NIPS 2001; [P2] Table 6 uses a spectral initial clustering.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcluster.clusterers.kmeans import check_points, kmeans
from jaxcluster.clusterers.ward import means_of

__all__ = ["Spectral", "neighbor_graph", "normalized_cut", "spectral", "spectral_embedding"]


class Spectral(NamedTuple):
    """Spectral clustering: labels, and what they were found in."""

    labels: np.ndarray  # [n] int32
    centers: np.ndarray  # [k, d] means of the members in the space of the points
    embedding: np.ndarray  # [n, dimensions] float32, rows of length 1
    cut: float  # `normalized_cut` of the labels


def spectral(
    key: jax.Array,
    points: np.ndarray,
    n_clusters: int,
    *,
    neighbors: int = 10,
    dimensions: int | None = None,
    restarts: int = 20,
    poll: Callable[[], None] = lambda: None,
) -> Spectral:
    """Cluster points by normalized cuts of the graph of their nearest neighbors.

    Args:
        key: random key of the k-means on the embedding.
        points: [n, d] float, finite, n >= n_clusters.
        n_clusters: k.
        neighbors: of each point in the graph; at most n − 1 are taken.
        dimensions: of the embedding; None: n_clusters.
        restarts: of k-means.
        poll: called between long calls; may raise.

    Returns:
        `Spectral`.

    Raises:
        ValueError: a shape is wrong, there are fewer points than clusters, or a point is not finite.

    The graph costs up to O(n² d) in time, less below about 15 features, where a tree is used; the eigenvectors
    O(n neighbors dimensions) for an iteration of Lanczos. Memory grows as n (neighbors + dimensions).
    """
    points = np.asarray(points)
    check_points(points, n_clusters)
    if len(points) == 1:
        return Spectral(np.zeros(1, np.int32), points, np.ones((1, 1), np.float32), 0.0)
    graph = neighbor_graph(points, neighbors=min(neighbors, len(points) - 1))
    poll()
    rows = spectral_embedding(graph, dimensions or n_clusters)
    found = kmeans(key, jnp.asarray(rows), n_clusters, restarts=restarts, slice_iterations=10, poll=poll)
    labels = np.asarray(found.labels)
    return Spectral(labels, means_of(points, labels, n_clusters), rows, normalized_cut(graph, labels))


def neighbor_graph(points: np.ndarray, *, neighbors: int = 10):
    """Graph that joins each point to its nearest others.

        a_ij = (1[j among the neighbors of i] + 1[i among those of j]) / 2

    Args:
        points: [n, d].
        neighbors: of each point, below n.

    Returns:
        [n, n] scipy sparse matrix, symmetric, without self-loops.
    """
    from sklearn.neighbors import kneighbors_graph

    points = np.asarray(points)
    if points.ndim != 2 or not 1 <= neighbors < len(points):
        raise ValueError(f"points must be [n, d] with n > neighbors = {neighbors}, got {points.shape}")
    graph = kneighbors_graph(points, neighbors)
    return 0.5 * (graph + graph.T)


def spectral_embedding(graph, dimensions: int, *, seed: int = 0) -> np.ndarray:
    """Rows of the smoothest vectors on a graph, each scaled to length 1.

    Args:
        graph: [n, n] symmetric sparse matrix, as `neighbor_graph` gives it. If it has several components each takes a
            dimension, the largest first, and is set apart by it; with fewer dimensions the others lie at 0.
        dimensions: of the embedding, at most n; n itself is computed densely.
        seed: of the eigensolver's start.

    Returns:
        [n, dimensions] float32.

    Raises:
        ValueError: more dimensions than points.
    """
    if not 1 <= dimensions <= graph.shape[0]:
        raise ValueError(f"dimensions must lie in 1..n = {graph.shape[0]}, got {dimensions}")
    from scipy.sparse import csr_matrix, diags

    degrees = np.asarray(graph.sum(axis=1)).ravel()
    scale = diags(np.maximum(degrees, 1e-12) ** -0.5)
    scaled = scale @ csr_matrix(graph) @ scale
    if dimensions == len(degrees):  # Lanczos' method finds fewer than all
        values, vectors = np.linalg.eigh(scaled.toarray())
        vectors = vectors[:, np.argsort(-values)]
    else:
        vectors = _of_components(graph, degrees)[:, :dimensions]
        if vectors.shape[1] < dimensions:
            start = np.random.default_rng(seed).uniform(-1, 1, len(degrees))
            vectors = np.hstack([vectors, _smoothest(scaled, vectors, dimensions - vectors.shape[1], start)])
    rows = scale @ vectors
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(length > 0, length, 1)).astype(np.float32)


def _of_components(graph, degrees: np.ndarray) -> np.ndarray:
    """D^1/2 1 of each component, if there are several: the eigenvectors of μ = 0, the largest components first.

    Lanczos' method, which begins with one vector, misses some of an eigenvalue that is there several times.
    """
    from scipy.sparse.csgraph import connected_components

    number, of = connected_components(graph, directed=False)
    if number == 1:
        return np.zeros((len(degrees), 0))
    vectors = np.sqrt(degrees)[:, None] * (of[:, None] == np.argsort(-np.bincount(of), kind="stable"))
    vectors = vectors[:, vectors.any(axis=0)]  # a node without edges has no such vector
    return vectors / np.linalg.norm(vectors, axis=0)


def _smoothest(scaled, known: np.ndarray, dimensions: int, start: np.ndarray) -> np.ndarray:
    """The eigenvectors of the next smallest μ, the smallest first."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    # The largest eigenvalues of the scaled graph are the smallest of its Laplacian, and need products with the graph
    # only; solving with the Laplacian instead, as is often done, takes hours on 70,000 points.
    operator = scaled
    if known.shape[1]:  # their eigenvalue 1 becomes -1, the smallest that there may be
        operator = LinearOperator(scaled.shape, lambda x: scaled @ x - 2 * known @ (known.T @ x), dtype=scaled.dtype)
    values, vectors = eigsh(operator, k=dimensions, which="LA", v0=start)
    return vectors[:, np.argsort(-values)]


def normalized_cut(graph, labels: np.ndarray) -> float:
    """How much of each cluster's edges leave it, added up: small for a good clustering.

        Σ_k  (weight of edges from k to other clusters) / (weight of all edges of k)

    It needs no labels but the clustering's own, so it can rank clusterings of the same data into as many clusters of
    the same sizes.

    Args:
        graph: [n, n] symmetric sparse matrix.
        labels: [n].

    Returns:
        From 0 (no edge between clusters) to the number of clusters.
    """
    degrees = np.asarray(graph.sum(axis=1)).ravel()
    cut = 0.0
    for cluster in np.unique(labels):
        member = (np.asarray(labels) == cluster).astype(np.float64)
        volume = degrees @ member
        cut += 1 - member @ (graph @ member) / volume if volume > 0 else 0.0
    return float(cut)
