"""Clusterers of feature vectors: features [n, d] -> (labels [n], centers [k, d])."""

from jaxcluster.clusterers.kmeans import KMeans, kmeans, nearest, squared_distances

__all__ = ["KMeans", "kmeans", "nearest", "squared_distances"]
