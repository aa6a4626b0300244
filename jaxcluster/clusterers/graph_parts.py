"""The likeliest partition of the graph of nearest neighbors, as a clusterer of feature vectors.

    points -> graph of nearest neighbors -> partition of the highest likelihood under a degree-corrected block model

Sizes are free, but parts of similar size are preferred: a class five times as large as others may be halved before two
small ones are told apart.

Reference: Karrer & Newman, Phys. Rev. E 83, 2011, for the block model; the rest is this package's, see `partition`.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from jaxcluster.clusterers.kmeans import check_points
from jaxcluster.clusterers.partition import partition_graph
from jaxcluster.clusterers.spectral import neighbor_graph
from jaxcluster.clusterers.ward import means_of

__all__ = ["GraphParts", "block_model"]


class GraphParts(NamedTuple):
    """Clusters that are parts of a graph."""

    labels: np.ndarray  # [n] int32
    centers: np.ndarray  # [k, d] means of the members
    likelihood: float  # of the partition, see `block_likelihood`


def block_model(
    key: jax.Array,
    points: np.ndarray,
    n_clusters: int,
    *,
    neighbors: int = 10,
    poll: Callable[[], None] = lambda: None,
    report: Callable[[int, int], None] | None = None,
) -> GraphParts:
    """Cluster points by the block model of the graph of their nearest neighbors.

    Args:
        key: random key of the starts.
        points: [n, d] float, finite, n >= n_clusters.
        n_clusters: k.
        neighbors: of each point in the graph; at most n − 1 are taken.
        poll: called between long calls; may raise.
        report: called after every start with how many are done and how many there are.

    Returns:
        `GraphParts`.

    Raises:
        ValueError: a shape is wrong, there are fewer points than clusters, or a point is not finite.

    The cost of the graph is that of `spectral`; the partition takes about a minute for 10,000 points and grows with n.
    """
    points = np.asarray(points)
    check_points(points, n_clusters)
    if len(points) == 1:
        return GraphParts(np.zeros(1, np.int32), points, 0.0)
    graph = neighbor_graph(points, neighbors=min(neighbors, len(points) - 1))
    poll()
    found = partition_graph(key, graph, n_clusters, poll=poll, report=report)
    labels = np.asarray(found.labels, np.int32)
    return GraphParts(labels, means_of(points, labels, n_clusters), float(found.likelihood))
