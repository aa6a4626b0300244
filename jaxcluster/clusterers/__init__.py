"""Clusterers of feature vectors: features [n, d] -> (labels [n], centers [k, d])."""

from jaxcluster.clusterers.balanced import BalancedKMeans, balanced_kmeans
from jaxcluster.clusterers.block_model import (
    Refinement,
    block_likelihood,
    description_length,
    modularity,
    refine_partition,
)
from jaxcluster.clusterers.kmeans import KMeans, kmeans, nearest, squared_distances
from jaxcluster.clusterers.partition import Candidate, Partition, candidate_table, partition_graph
from jaxcluster.clusterers.spectral import neighbor_graph, normalized_cut, spectral_embedding

__all__ = [
    "BalancedKMeans",
    "Candidate",
    "KMeans",
    "Partition",
    "Refinement",
    "balanced_kmeans",
    "block_likelihood",
    "candidate_table",
    "description_length",
    "kmeans",
    "modularity",
    "nearest",
    "neighbor_graph",
    "normalized_cut",
    "partition_graph",
    "refine_partition",
    "spectral_embedding",
    "squared_distances",
]
