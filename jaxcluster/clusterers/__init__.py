"""Clusterers of feature vectors: features [n, d] -> (labels [n], centers [k, d])."""

from jaxcluster.clusterers.balanced import BalancedKMeans, balanced_kmeans
from jaxcluster.clusterers.kmeans import KMeans, kmeans, nearest, squared_distances
from jaxcluster.clusterers.spectral import neighbor_graph, normalized_cut, spectral_embedding

__all__ = [
    "BalancedKMeans",
    "KMeans",
    "balanced_kmeans",
    "kmeans",
    "nearest",
    "neighbor_graph",
    "normalized_cut",
    "spectral_embedding",
    "squared_distances",
]
