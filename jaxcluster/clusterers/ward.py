"""Ward's agglomerative clustering: the two clusters whose union adds least to the sum of squares are merged.

    cost of merging a and b  =  n_a n_b / (n_a + n_b) ‖m_a − m_b‖²

The merges are fastcluster's; no matrix of distances is held.

Reference: Ward, JASA 1963; Müllner, "fastcluster", Journal of Statistical Software 2013; [P2] Table 6.
"""

from typing import NamedTuple

import numpy as np

from jaxcluster.clusterers.kmeans import check_points

__all__ = ["Ward", "by_size", "means_of", "ward"]


class Ward(NamedTuple):
    """A cut of the tree of merges into k clusters, and the tree."""

    labels: np.ndarray  # [n] int32, clusters by falling size
    centers: np.ndarray  # [k, d] means of the members, of the points' type
    cost: float  # sum of squared distances to the centers
    tree: np.ndarray  # [n - 1, 4] as SciPy's `linkage`: merged, merged, height, size


def ward(points: np.ndarray, n_clusters: int) -> Ward:
    """Cluster points by Ward's criterion.

    Args:
        points: [n, d] float, finite, n >= n_clusters.
        n_clusters: k.

    Returns:
        `Ward`, with exactly k clusters also where merges tie.

    Raises:
        ValueError: a shape is wrong, there are fewer points than clusters, or a point is not finite.

    Time grows as n² d and memory as n d. There is no chance in it.
    """
    points = np.asarray(points)
    check_points(points, n_clusters)
    tree = _tree(points.astype(np.float64))
    labels = _cut(tree, len(points), n_clusters)
    centers = means_of(points, labels, n_clusters)
    cost = float(((points - centers[labels].astype(np.float64)) ** 2).sum())
    return Ward(labels, centers, cost, tree)


def _tree(points: np.ndarray) -> np.ndarray:
    if len(points) == 1:
        return np.zeros((0, 4))
    from fastcluster import linkage_vector

    return linkage_vector(points - points.mean(axis=0), method="ward")


def _cut(tree: np.ndarray, n: int, n_clusters: int) -> np.ndarray:
    """Labels after the first n − k merges."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    merges = n - n_clusters
    parents = np.arange(n, n + merges)
    children = tree[:merges, :2].astype(np.int64).T
    edges = np.concatenate(children), np.tile(parents, 2)
    forest = coo_matrix((np.ones(2 * merges), edges), shape=(n + merges, n + merges))
    return by_size(connected_components(forest, directed=False)[1][:n])


def by_size(labels: np.ndarray) -> np.ndarray:
    """Number clusters 0, 1, ... by falling size, equal ones by their first member; negative labels stay -1."""
    assigned = labels >= 0
    found, first, inverse, counts = np.unique(
        labels[assigned], return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.empty(len(found), np.int32)
    rank[np.lexsort((first, -counts))] = np.arange(len(found))
    numbered = np.full(len(labels), -1, np.int32)
    numbered[assigned] = rank[inverse]
    return numbered


def means_of(points: np.ndarray, labels: np.ndarray, n_clusters: int) -> np.ndarray:
    """Mean of the members of each cluster, [k, d], summed in float64; labels of -1 count nowhere."""
    from scipy.sparse import csr_matrix

    assigned = np.flatnonzero(labels >= 0)
    members = csr_matrix((np.ones(len(assigned)), (labels[assigned], assigned)), shape=(n_clusters, len(points)))
    counts = np.maximum(np.asarray(members.sum(axis=1)), 1)
    means = (members @ points.astype(np.float64)) / counts
    return means.astype(points.dtype if np.issubdtype(points.dtype, np.floating) else np.float32)
