"""From embeddings and centers to what a user gets, and the warning of empty clusters."""

import jax
import jax.numpy as jnp

from jaxcluster.clusterers import squared_distances
from jaxcluster.protocol import Outputs

__all__ = ["empty_clusters", "empty_clusters_warning", "nearest_center"]


def nearest_center(model: dict, features: dict) -> Outputs:
    """Nearest center of each sample ([P2] Eq. 15), and how clearly it is the nearest.

        confidence = 1 − (distance to the nearest center) / (distance to the second nearest)

    1 at a center, 0 on the border between two clusters.
    """
    embedding, centers = features["embedding"], model["centers"]
    distances = squared_distances(embedding, centers)
    return Outputs(
        labels=jnp.argmin(distances, axis=1).astype(jnp.int32),
        confidence=jnp.ones(len(embedding)) if len(centers) == 1 else _clearness(embedding, centers, distances),
        embedding=embedding,
        centers=centers,
    )


def _clearness(embedding: jax.Array, centers: jax.Array, distances: jax.Array) -> jax.Array:
    """1 − d1 / d2 of each sample; the two distances anew, because those by products lose digits near a center."""
    two = jax.lax.top_k(-distances, 2)[1]
    first, second = (jnp.sum((embedding - centers[two[:, i]]) ** 2, axis=1) for i in range(2))
    # Two equal centers leave 0/0 for a sample that sits on both: it lies on their border.
    ratio = jnp.where(second > 0, jnp.minimum(first, second) / jnp.maximum(second, 1e-30), 1)
    return 1 - jnp.sqrt(ratio)


def empty_clusters(labels: jax.Array, n_clusters: int) -> jax.Array:
    """How many clusters have no sample."""
    return n_clusters - jnp.sum(jnp.bincount(labels, length=n_clusters) > 0)


def empty_clusters_warning(info: dict[str, float], n_clusters: int | None) -> str:
    """Name the empty clusters of an epoch whose figures have `empty_clusters`, or return an empty string.

    `n_clusters` is None where nobody has chosen it.
    """
    empty = int(info["empty_clusters"])
    if not empty:
        return ""
    verb = "is" if empty == 1 else "are"
    if n_clusters is None:
        return f"{empty} {'cluster' if empty == 1 else 'clusters'} {verb} empty"
    return f"{empty} of {n_clusters} clusters {verb} empty; n_clusters may be too large"
