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
    if len(centers) == 1:
        distances = jnp.pad(distances, ((0, 0), (0, 1)), constant_values=jnp.inf)  # nothing else is near
    two_nearest = -jax.lax.top_k(-distances, 2)[0]
    # Two equal centers leave 0/0 for a sample that sits on both: it lies on their border.
    ratio = jnp.where(two_nearest[:, 1] > 0, two_nearest[:, 0] / jnp.maximum(two_nearest[:, 1], 1e-30), 1)
    return Outputs(
        labels=jnp.argmin(distances, axis=1).astype(jnp.int32),
        confidence=1 - jnp.sqrt(ratio),
        embedding=embedding,
        centers=centers,
    )


def empty_clusters(labels: jax.Array, n_clusters: int) -> jax.Array:
    """How many clusters have no sample."""
    return n_clusters - jnp.sum(jnp.bincount(labels, length=n_clusters) > 0)


def empty_clusters_warning(info: dict[str, float], n_clusters: int) -> str:
    """Name the empty clusters of an epoch whose figures have `empty_clusters`, or return an empty string."""
    empty = int(info["empty_clusters"])
    if not empty:
        return ""
    return f"{empty} of {n_clusters} clusters {'is' if empty == 1 else 'are'} empty; n_clusters may be too large"
