"""Pseudo-labels for the first part of training: a clustering of an autoencoder's embedding; not in the paper.

Adversarial training does not undo a bad initial partition (two classes merged into one block, one split over two):
emptying a block is punished by the prior, and moving a class by consistency. So training starts from pseudo-labels:
the spectral embedding of the nearest-neighbor graph, clustered into clusters of equal size, which is what the uniform
prior assumes; or the likeliest partition of that graph, whose sizes are free. No labels are involved.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcluster import clusterers, spl
from jaxcluster.protocol import telling

__all__ = ["Initial", "InitialSettings", "initial_clustering"]

Array = jax.Array
CLEARLY = 0.05  # share by which a cut must be smaller for more dimensions
UNEVEN = 0.25  # deviation of a cluster's size from the wanted one, as a share of that


class InitialSettings(NamedTuple):
    """How the pseudo-labels are found; see the table of settings."""

    n_clusters: int
    method: str
    n_neighbors: int
    dimensions: tuple[float, ...]
    n_init: int
    confident: str
    uniform: bool  # whether the clusters are taken for equally large


class Initial(NamedTuple):
    """The pseudo-labels."""

    labels: Array  # [n] int32
    confident: Array  # [n], 1 where the pseudo-label is used, else 0
    proportions: Array  # [c] of the prior


def initial_clustering(settings: InitialSettings, embedding: Array, key: Array, poll) -> Initial:
    """Cluster an embedding.

    Args:
        settings: see there.
        embedding: [n, d] of the autoencoder.
        key: of the seeds.
        poll: called between long calls; may raise.

    Returns:
        `Initial`. A sample's doubt is its distance to its own center over that to the next one; confident are the
        samples whose doubt is at most the mean, the first pace of adaptive self-paced learning. With `confident`
        "balanced" this is the mean of each cluster. With "surest" it is the mean of all samples, which may leave a
        loose cluster without a confident sample, and training free to give its block to another cluster. If the
        sizes are not uniform they are free, and become the prior's proportions.
    """
    if settings.method == "spectral":
        points, labels, centers = _spectral(settings, embedding, key, poll)
    elif settings.method == "block_model":
        k, neighbors = settings.n_clusters, settings.n_neighbors
        found = clusterers.block_model(
            key, np.asarray(embedding), k, neighbors=neighbors, poll=poll, report=telling(poll, "partition")
        )
        points, labels, centers = embedding, jnp.asarray(found.labels), jnp.asarray(found.centers, embedding.dtype)
    else:
        points = embedding
        labels, centers = _clusters(settings, points, key, poll)
    poll()
    return _initial(settings, points.astype(embedding.dtype), labels, centers)


@partial(jax.jit, static_argnums=0)
def _initial(settings: InitialSettings, points: Array, labels: Array, centers: Array) -> Initial:
    """Which samples are confident, and how large the clusters are taken to be."""
    clusters, dtype = settings.n_clusters, points.dtype
    proportions = jnp.full(clusters, 1 / clusters, dtype)
    if not settings.uniform:
        proportions = jnp.bincount(labels, length=clusters).astype(dtype) / len(points)
    distances = clusterers.squared_distances(points, centers)
    own = jnp.take_along_axis(distances, labels[:, None], axis=1)[:, 0]
    others = distances.at[jnp.arange(len(points)), labels].set(jnp.inf)
    doubt = jnp.sqrt(own / jnp.maximum(jnp.min(others, axis=1), jnp.finfo(dtype).tiny))
    # At most and not below: in a graph of separate components every sample lies at its center and all doubts are 0.
    if settings.confident == "balanced":
        sums, counts = (jax.ops.segment_sum(each, labels, clusters) for each in (doubt, jnp.ones_like(doubt)))
        means = sums / jnp.maximum(counts, 1)
        # Rounding may put a mean below the smallest doubt of its cluster.
        age = jnp.maximum(means, jax.ops.segment_min(doubt, labels, clusters))[labels]
    else:
        age = spl.adaptive_age(doubt, progress=0.0)
    return Initial(labels, (doubt <= age).astype(dtype), proportions)


def _spectral(settings: InitialSettings, embedding: Array, key: Array, poll) -> tuple[Array, Array, Array]:
    """The clustering of the neighbor graph with the smallest cut, over several dimensions of the spectral embedding.

    With as many dimensions as clusters, one dimension may show a part of a class or a few outliers, and two classes
    are merged. Each further dimension adds noise. The normalized cut tells which number is right.

    Returns:
        (points, labels, centers) of the first number of dimensions, or of the one with the smallest cut if that is
        clearly smaller.
    """
    n = len(embedding)
    graph = clusterers.neighbor_graph(np.asarray(embedding), neighbors=min(settings.n_neighbors, n - 1))
    found, cuts = [], []
    for dimensions in sorted({int(factor * settings.n_clusters) for factor in settings.dimensions}):
        poll()
        if found and dimensions >= n:
            break
        points = jnp.asarray(clusterers.spectral_embedding(graph, dimensions), embedding.dtype)
        found.append((points, *_clusters(settings, points, key, poll)))
        cuts.append(_cut(settings, graph, np.asarray(found[-1][1])))
    best = int(np.argmin(cuts))
    return found[best if cuts[best] < (1 - CLEARLY) * cuts[0] else 0]


def _cut(settings: InitialSettings, graph, labels: np.ndarray) -> float:
    """The normalized cut; its upper bound if the sizes are not those that were asked for.

    Equal points cannot be divided, and two classes in one point cut nothing.
    """
    shares = np.bincount(labels, minlength=settings.n_clusters) * settings.n_clusters / len(labels)
    if settings.uniform and np.abs(shares - 1).max() > UNEVEN:
        return float(settings.n_clusters)
    return clusterers.normalized_cut(graph, labels)


def _clusters(settings: InitialSettings, points: Array, key: Array, poll) -> tuple[Array, Array]:
    """Labels and centers: clusters of equal size, or of free sizes where these are to be estimated."""
    if settings.uniform:
        found = clusterers.balanced_kmeans(key, points, settings.n_clusters, restarts=settings.n_init, poll=poll)
    else:
        found = clusterers.kmeans(
            key, points, settings.n_clusters, restarts=settings.n_init, slice_iterations=10, poll=poll
        )
    return found.labels, found.centers
