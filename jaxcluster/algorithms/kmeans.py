"""K-means of embeddings, run as a group of settings says."""

from collections.abc import Callable

import jax

from jaxcluster import clusterers

__all__ = ["kmeans_from_config"]

Array = jax.Array
PAIRS = 2e8  # of points and centers, over all runs, in one device call: about a second on two cores


def kmeans_from_config(settings, key: Array, points: Array, n_clusters: int, poll: Callable[[], None]):
    """`clusterers.kmeans` with the settings of `groups.KMEANS`.

    Args:
        settings: the group.
        key: of the seeds.
        points: [n, d].
        n_clusters: k.
        poll: called between device calls; may raise.
    """
    pairs = settings.n_init * len(points) * n_clusters  # in one iteration
    return clusterers.kmeans(
        key,
        points,
        n_clusters,
        restarts=settings.n_init,
        max_iterations=settings.max_iterations,
        tolerance=settings.tolerance,
        slack=settings.inertia_tolerance,
        slice_iterations=max(1, int(PAIRS / pairs)),
        poll=poll,
    )
