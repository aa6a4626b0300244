"""K-means of embeddings, run as a group of settings says."""

from collections.abc import Callable

import jax

from jaxcluster import clusterers

__all__ = ["kmeans_as_set"]

Array = jax.Array
SLICE = 10  # iterations in one device call: a signal is heard between two


def kmeans_as_set(settings, key: Array, points: Array, num_clusters: int, poll: Callable[[], None]):
    """`clusterers.kmeans` with what `settings.add_kmeans` has added to a group.

    Args:
        settings: the group.
        key: of the seeds.
        points: [n, d].
        num_clusters: k.
        poll: called between device calls; may raise.
    """
    return clusterers.kmeans(
        key,
        points,
        num_clusters,
        restarts=settings.restarts,
        max_iterations=settings.max_iterations,
        tolerance=settings.tolerance,
        slack=settings.slack,
        slice_iterations=SLICE,
        poll=poll,
    )
