"""From embeddings and centers to what a user gets."""

import jax
import jax.numpy as jnp

from jaxcluster.clusterers import squared_distances
from jaxcluster.protocol import Outputs

__all__ = ["nearest_center"]


def nearest_center(model: dict, features: dict) -> Outputs:
    """Nearest center of each sample ([P2] Eq. 15), and how clearly it is the nearest.

        confidence = 1 − (distance to the nearest center) / (distance to the second nearest)

    1 at a center, 0 on the border between two clusters.
    """
    embedding, centers = features["embedding"], model["centers"]
    distances = squared_distances(embedding, centers)
    two_nearest = -jax.lax.top_k(-distances, 2)[0]
    # Two equal centers leave 0/0 for a sample that sits on both: it lies on their border.
    ratio = jnp.where(two_nearest[:, 1] > 0, two_nearest[:, 0] / jnp.maximum(two_nearest[:, 1], 1e-30), 1)
    return Outputs(
        labels=jnp.argmin(distances, axis=1).astype(jnp.int32),
        confidence=1 - jnp.sqrt(ratio),
        embedding=embedding,
        centers=centers,
    )
