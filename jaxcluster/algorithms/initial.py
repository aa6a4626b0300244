"""The initial clustering of embeddings, by the clusterer that a group of settings names."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcluster import clusterers
from jaxcluster.algorithms.kmeans import kmeans_from_config
from jaxcluster.clusterers import nearest

__all__ = ["Initial", "initial_clustering"]

Array = jax.Array


class Initial(NamedTuple):
    """What training begins with."""

    centers: Array  # [k, d], means of the clusters
    labels: Array  # [n] int32
    weights: Array  # [n]: 0 for samples that the clusterer has left unassigned, else 1


def initial_clustering(settings, key: Array, points: Array, n_clusters: int, poll: Callable[[], None]) -> Initial:
    """Cluster embeddings by `settings.method`: "kmeans" or another of `clusterers.METHODS`.

    Args:
        settings: the group: `method`, and the fields of `groups.KMEANS`, which count for "kmeans" alone.
        key: random key.
        points: [n, d].
        n_clusters: k; "rcc" ignores it.
        poll: called between device calls of k-means; may raise.

    Returns:
        `Initial`. Where "rcc" leaves a sample unassigned, its label is that of the nearest center and its weight 0; if
        it finds no cluster at all, all samples are one.
    """
    if settings.method == "kmeans":
        found = kmeans_from_config(settings, key, points, n_clusters, poll)
        return Initial(found.centers, found.labels, jnp.ones(len(points), points.dtype))
    found = clusterers.cluster(settings.method, key, np.asarray(points), n_clusters)
    labels = jnp.asarray(found.labels)
    if labels.max() < 0:
        return Initial(points.mean(axis=0, keepdims=True), jnp.zeros_like(labels), jnp.ones(len(points), points.dtype))
    centers = jnp.asarray(found.centers, points.dtype)
    assigned = labels >= 0
    labels = jnp.where(assigned, labels, nearest(points, centers)[0].astype(labels.dtype))
    return Initial(centers, labels, assigned.astype(points.dtype))
