"""Spectral embedding of the graph of nearest neighbors: points of one cluster come to lie on one ray.

    (I − D^-1/2 A D^-1/2) u = μ u,     rows of the first eigenvectors, scaled to length 1

The graph is scikit-learn's, its eigenvectors are SciPy's (NumPy, on the host).

Reference: Ng, Jordan & Weiss, "On Spectral Clustering", NIPS 2001; [P2] Table 6 uses a spectral initial clustering.
"""

import numpy as np

__all__ = ["neighbor_graph", "normalized_cut", "spectral_embedding"]


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
        graph: [n, n] symmetric sparse matrix, as `neighbor_graph` gives it. If it has several components they come
            apart by themselves, at the cost of dimensions.
        dimensions: of the embedding, below n.
        seed: of the eigensolver's start.

    Returns:
        [n, dimensions] float32.
    """
    from scipy.sparse import csr_matrix, diags
    from scipy.sparse.linalg import eigsh

    degrees = np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1e-12)
    scale = diags(degrees**-0.5)
    # The largest eigenvalues of the scaled graph are the smallest of its Laplacian, and need products with the graph
    # only; solving with the Laplacian instead, as is often done, takes hours on 70,000 points.
    start = np.random.default_rng(seed).uniform(-1, 1, len(degrees))
    values, vectors = eigsh(scale @ csr_matrix(graph) @ scale, k=dimensions, which="LA", v0=start)
    rows = vectors[:, np.argsort(-values)] * degrees[:, None] ** -0.5
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(length > 0, length, 1)).astype(np.float32)


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
