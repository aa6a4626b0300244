"""Clusterers of feature vectors: features [n, d] -> (labels [n], centers [k, d])."""

from jaxcluster.clusterers.balanced import BalancedKMeans, balanced_kmeans
from jaxcluster.clusterers.block_model import block_likelihood, description_length, modularity
from jaxcluster.clusterers.descriptors import PrincipalAxes, orientation_descriptors, principal_axes, unit_pixels
from jaxcluster.clusterers.graph_parts import GraphParts, block_model
from jaxcluster.clusterers.kmeans import KMeans, kmeans, nearest, squared_distances
from jaxcluster.clusterers.mixture import Mixture, gaussian_mixture
from jaxcluster.clusterers.n_clusters import Suggestion, prediction_strength, suggest_n_clusters
from jaxcluster.clusterers.neighbors import (
    Neighbors,
    graph_of_neighbors,
    jaccard_weights,
    nearest_neighbors,
    self_tuned_weights,
)
from jaxcluster.clusterers.partition import Candidate, Partition, candidate_table, partition_graph
from jaxcluster.clusterers.rcc import RCC, rcc
from jaxcluster.clusterers.refinement import Refinement, refine_partition
from jaxcluster.clusterers.registry import METHODS, cluster
from jaxcluster.clusterers.sizes import assign_with_sizes, whole_sizes
from jaxcluster.clusterers.spectral import Spectral, neighbor_graph, normalized_cut, spectral, spectral_embedding
from jaxcluster.clusterers.view_graph import (
    anchor_graph,
    anchor_vote,
    vector_graph,
    vector_neighbors,
    view_graph,
    view_neighbors,
)
from jaxcluster.clusterers.views import AffineView, affine_views, view_matrices
from jaxcluster.clusterers.ward import Ward, ward

__all__ = [
    "METHODS",
    "RCC",
    "AffineView",
    "BalancedKMeans",
    "Candidate",
    "GraphParts",
    "KMeans",
    "Mixture",
    "Neighbors",
    "Partition",
    "PrincipalAxes",
    "Refinement",
    "Spectral",
    "Suggestion",
    "Ward",
    "affine_views",
    "anchor_graph",
    "anchor_vote",
    "assign_with_sizes",
    "balanced_kmeans",
    "block_likelihood",
    "block_model",
    "candidate_table",
    "cluster",
    "description_length",
    "gaussian_mixture",
    "graph_of_neighbors",
    "jaccard_weights",
    "kmeans",
    "modularity",
    "nearest",
    "nearest_neighbors",
    "neighbor_graph",
    "normalized_cut",
    "orientation_descriptors",
    "partition_graph",
    "prediction_strength",
    "principal_axes",
    "rcc",
    "refine_partition",
    "self_tuned_weights",
    "spectral",
    "spectral_embedding",
    "squared_distances",
    "suggest_n_clusters",
    "unit_pixels",
    "vector_graph",
    "vector_neighbors",
    "view_graph",
    "view_matrices",
    "view_neighbors",
    "ward",
    "whole_sizes",
]
