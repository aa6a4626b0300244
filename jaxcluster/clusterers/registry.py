"""All clusterers by name, called alike: (key, points, n_clusters, options) -> a result with labels and centers."""

from collections.abc import Callable
from typing import Any

import jax

from jaxcluster.clusterers.balanced import balanced_kmeans
from jaxcluster.clusterers.graph_parts import block_model
from jaxcluster.clusterers.kmeans import kmeans
from jaxcluster.clusterers.mixture import gaussian_mixture
from jaxcluster.clusterers.rcc import rcc
from jaxcluster.clusterers.spectral import spectral
from jaxcluster.clusterers.ward import ward

__all__ = ["METHODS", "cluster"]

# name -> function of (key, points, n_clusters, **options)
METHODS: dict[str, Callable[..., Any]] = {
    "kmeans": kmeans,
    "balanced_kmeans": balanced_kmeans,
    "spectral": spectral,
    "block_model": block_model,
    "ward": lambda key, points, n_clusters, **options: ward(points, n_clusters, **options),
    "mixture": gaussian_mixture,
    "rcc": lambda key, points, n_clusters, **options: rcc(points, **options),
}


def cluster(method: str, key: jax.Array, points, n_clusters: int | None, **options):
    """Cluster points by the method of a name.

    Args:
        method: one of `METHODS`.
        key: random key; "ward" and "rcc" leave nothing to chance.
        points: [n, d] float.
        n_clusters: k. "rcc" finds the number itself and ignores it.
        **options: of the method.

    Returns:
        The method's own NamedTuple, which has at least `labels` [n] int32 and `centers` [k, d]. "rcc" may leave points
        unassigned, with the label -1, and its k is the number of rows of `centers`.

    Raises:
        ValueError: there is no such method, or what the method itself raises.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    return METHODS[method](key, points, n_clusters, **options)
