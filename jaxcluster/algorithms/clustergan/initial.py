"""What the blocks begin with: a clustering of an autoencoder's embedding, an extension of the paper's method.

The game keeps whatever partition its blocks take in the first epochs: two classes in one block and one class in two is
as stable as the right one, because emptying a block is punished by the prior and moving a class by consistency. So the
partition is given: the spectral embedding of the graph of nearest neighbours, clustered into clusters of equal size
(the uniform prior's own assumption). No labels are involved.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcluster import clusterers, spl

__all__ = ["Initial", "initial_clustering"]

Array = jax.Array


class Initial(NamedTuple):
    """The clustering that guides the first part of training."""

    labels: Array  # [n] int32
    trusted: Array  # [n], 1 where the clustering is sure, else 0
    proportions: Array  # [c] of the prior


def initial_clustering(config, embedding: Array, key: Array, poll) -> Initial:
    """Cluster an embedding.

    Args:
        config: with `initial`, `prior.proportions` and `n_clusters`.
        embedding: [n, d] of the autoencoder.
        key: of the seeds.
        poll: called between long calls; may raise.

    Returns:
        `Initial`. Trusted are the samples that are nearer to their centre, measured by the next nearest, than the
        mean: the first pace of adaptive self-paced learning. With proportions "estimated" the clusters' sizes are
        free and become the prior's proportions.
    """
    settings, clusters, dtype = config.initial, config.n_clusters, embedding.dtype
    points = embedding
    if settings.method == "spectral":
        graph = clusterers.neighbour_graph(np.asarray(embedding), neighbours=min(settings.neighbours, len(points) - 1))
        poll()
        points = jnp.asarray(clusterers.spectral_embedding(graph, clusters), dtype)
    poll()
    proportions = jnp.full(clusters, 1 / clusters, dtype)
    if config.prior.proportions == "uniform":
        found = clusterers.balanced_kmeans(key, points, clusters, restarts=settings.restarts, poll=poll)
    else:
        found = clusterers.kmeans(key, points, clusters, restarts=settings.restarts, slice_iterations=10, poll=poll)
        proportions = jnp.bincount(found.labels, length=clusters).astype(dtype) / len(points)
    poll()
    distances = clusterers.squared_distances(points, found.centers)
    own = jnp.take_along_axis(distances, found.labels[:, None], axis=1)[:, 0]
    others = distances.at[jnp.arange(len(points)), found.labels].set(jnp.inf)
    doubt = jnp.sqrt(own / jnp.maximum(jnp.min(others, axis=1), jnp.finfo(dtype).tiny))
    # At most and not below: where the graph's parts are apart, every sample lies at its centre and all doubts are 0.
    trusted = doubt <= spl.adaptive_age(doubt, progress=0.0)
    return Initial(found.labels, trusted.astype(dtype), proportions)
