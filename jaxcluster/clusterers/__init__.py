"""Clusterers of feature vectors: features [n, d] -> (labels [n], centers [k, d])."""

from jaxcluster.clusterers.balanced import BalancedKMeans, balanced_kmeans
from jaxcluster.clusterers.kmeans import KMeans, kmeans, nearest, squared_distances
from jaxcluster.clusterers.mixture import Mixture, gaussian_mixture
from jaxcluster.clusterers.rcc import RCC, rcc
from jaxcluster.clusterers.registry import METHODS, cluster
from jaxcluster.clusterers.sizes import assign_with_sizes, whole_sizes
from jaxcluster.clusterers.spectral import Spectral, neighbor_graph, normalized_cut, spectral, spectral_embedding
from jaxcluster.clusterers.ward import Ward, ward

__all__ = [
    "METHODS",
    "RCC",
    "BalancedKMeans",
    "KMeans",
    "Mixture",
    "Spectral",
    "Ward",
    "assign_with_sizes",
    "balanced_kmeans",
    "cluster",
    "gaussian_mixture",
    "kmeans",
    "nearest",
    "neighbor_graph",
    "normalized_cut",
    "rcc",
    "spectral",
    "spectral_embedding",
    "squared_distances",
    "ward",
    "whole_sizes",
]
