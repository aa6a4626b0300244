"""K-means of embeddings, run as a group of settings says."""

from collections.abc import Callable

import jax

from jaxcluster import clusterers

__all__ = ["kmeans_as_set"]

Array = jax.Array
PAIRS = 2e8  # of points and centres, over all restarts, in one device call: about a second on two cores


def kmeans_as_set(settings, key: Array, points: Array, num_clusters: int, poll: Callable[[], None]):
    """`clusterers.kmeans` with what `settings.add_kmeans` has added to a group.

    Args:
        settings: the group.
        key: of the seeds.
        points: [n, d].
        num_clusters: k.
        poll: called between device calls; may raise.
    """
    pairs = settings.restarts * len(points) * num_clusters  # in one iteration
    return clusterers.kmeans(
        key,
        points,
        num_clusters,
        restarts=settings.restarts,
        max_iterations=settings.max_iterations,
        tolerance=settings.tolerance,
        slack=settings.slack,
        slice_iterations=max(1, int(PAIRS / pairs)),
        poll=poll,
    )
