"""What the blocks begin with: a clustering of an autoencoder's embedding, an extension of the paper's method.

The game keeps whatever partition its blocks take in the first epochs: two classes in one block and one class in two is
as stable as the right one, because emptying a block is punished by the prior and moving a class by consistency. So the
partition is given: the spectral embedding of the graph of nearest neighbors, clustered into clusters of equal size
(the uniform prior's own assumption). No labels are involved.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcluster import clusterers, spl

__all__ = ["Initial", "initial_clustering"]

Array = jax.Array
CLEARLY = 0.05  # share by which a cut must be smaller for more dimensions
UNEVEN = 0.25  # deviation of a cluster's size from the wanted one, as a share of that


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
        `Initial`. Trusted are the samples that are nearer to their center, measured by the next nearest, than the
        mean: the first pace of adaptive self-paced learning. With `initial.confident` "balanced" this is the mean of
        each cluster; with "surest" that of all, which may leave a loose cluster without a single sample, and the game
        free to give its block to another. With proportions "estimated" the clusters' sizes are free and become the
        prior's proportions.
    """
    if config.initial.method == "spectral":
        points, labels, centers = _spectral(config, embedding, key, poll)
    else:
        points = embedding
        labels, centers = _clusters(config, points, key, poll)
    poll()
    clusters, dtype = config.n_clusters, embedding.dtype
    proportions = jnp.full(clusters, 1 / clusters, dtype)
    if config.prior.proportions == "estimated":
        proportions = jnp.bincount(labels, length=clusters).astype(dtype) / len(points)
    distances = clusterers.squared_distances(points, centers)
    own = jnp.take_along_axis(distances, labels[:, None], axis=1)[:, 0]
    others = distances.at[jnp.arange(len(points)), labels].set(jnp.inf)
    doubt = jnp.sqrt(own / jnp.maximum(jnp.min(others, axis=1), jnp.finfo(dtype).tiny))
    # At most and not below: where the graph's parts are apart, every sample lies at its center and all doubts are 0.
    if config.initial.confident == "balanced":
        sums, counts = (jax.ops.segment_sum(each, labels, clusters) for each in (doubt, jnp.ones_like(doubt)))
        means = sums / jnp.maximum(counts, 1)
        age = jnp.maximum(means, jax.ops.segment_min(doubt, labels, clusters))[labels]  # never below all, by rounding
    else:
        age = spl.adaptive_age(doubt, progress=0.0)
    return Initial(labels, (doubt <= age).astype(dtype), proportions)


def _spectral(config, embedding: Array, key: Array, poll) -> tuple[Array, Array, Array]:
    """The clustering of the neighbors' graph that cuts least of it, over several dimensions of the embedding.

    As many dimensions as clusters are too few where one of them shows a part of a class or a few outliers: two classes
    are one then. Each further dimension adds noise. How much of the graph a clustering cuts tells which it was.

    Returns:
        (points, labels, centers) of the first dimensions, or of those that cut least if that is clearly less.
    """
    settings, n = config.initial, len(embedding)
    graph = clusterers.neighbor_graph(np.asarray(embedding), neighbors=min(settings.n_neighbors, n - 1))
    found, cuts = [], []
    for dimensions in sorted({int(factor * config.n_clusters) for factor in settings.dimensions}):
        poll()
        if found and dimensions >= n:
            break
        points = jnp.asarray(clusterers.spectral_embedding(graph, dimensions), embedding.dtype)
        found.append((points, *_clusters(config, points, key, poll)))
        cuts.append(_cut(config, graph, np.asarray(found[-1][1])))
    best = int(np.argmin(cuts))
    return found[best if cuts[best] < (1 - CLEARLY) * cuts[0] else 0]


def _cut(config, graph, labels: np.ndarray) -> float:
    """How much of the graph is cut; all of it if the sizes are not those that were asked for.

    Points that lie on one spot cannot be divided, and two classes on one spot cut nothing.
    """
    shares = np.bincount(labels, minlength=config.n_clusters) * config.n_clusters / len(labels)
    if config.prior.proportions == "uniform" and np.abs(shares - 1).max() > UNEVEN:
        return float(config.n_clusters)
    return clusterers.normalized_cut(graph, labels)


def _clusters(config, points: Array, key: Array, poll) -> tuple[Array, Array]:
    """Labels and centers: clusters of equal size, or of free sizes where these are to be estimated."""
    clusters, restarts = config.n_clusters, config.initial.n_init
    if config.prior.proportions == "uniform":
        found = clusterers.balanced_kmeans(key, points, clusters, restarts=restarts, poll=poll)
    else:
        found = clusterers.kmeans(key, points, clusters, restarts=restarts, slice_iterations=10, poll=poll)
    return found.labels, found.centers
