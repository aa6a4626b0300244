"""The graph and the initial partition that training starts from, made on the host before the first step."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from jaxcluster import clusterers
from jaxcluster.protocol import telling

__all__ = ["Start", "make_start"]

Array = jax.Array


class Start(NamedTuple):
    """What is known of the data before there is a network."""

    index: np.ndarray  # [n, m] int32, neighbors
    weights: np.ndarray  # [n, m], their weights, adding up to 1 for each sample
    labels: np.ndarray  # [n] int32, the initial partition
    n_clusters: int  # k
    cut: float  # normalized cut of the partition over k


def make_start(config, key: Array, samples: np.ndarray, poll: Callable[[], None]) -> Start:
    """Build the graph of similar samples and partition it.

    Args:
        config: the settings, of which `graph`, `partition` and `n_clusters` count here.
        key: of the starts of the partition's candidates, and of the draw of anchors.
        samples: [n, h, w, c] images, or [n, d] feature vectors in the unit in which each feature should count.
        poll: called between device calls; may raise.
    """
    settings = config.graph
    options = {
        "anchors": settings.anchors,
        "seed": int(jax.random.randint(jax.random.fold_in(key, 1), (), 0, 2**31 - 1)),
        "poll": poll,
    }
    if samples.ndim == 4:
        found = clusterers.view_neighbors(
            samples,
            n_neighbors=min(settings.n_neighbors, len(samples) - 1),
            views=settings.views,
            representation=settings.representation,
            report=telling(poll, "graph"),
            **options,
        )
        symmetric = "mean"
    else:
        found = clusterers.vector_neighbors(
            samples,
            n_neighbors=min(settings.n_vector_neighbors, len(samples) - 1),
            report=telling(poll, "graph"),
            **options,
        )
        symmetric = "larger"
    graph = clusterers.anchor_graph(found, symmetric=symmetric)
    n_clusters = config.n_clusters
    if n_clusters == 0:
        most = config.partition.most_clusters
        n_clusters = clusterers.suggest_n_clusters(
            jax.random.fold_in(key, 2), graph, max_clusters=most, poll=poll, report=telling(poll, "numbers of clusters")
        ).n_clusters
    partition = clusterers.partition_graph(
        jax.random.fold_in(key, 0),
        graph,
        n_clusters,
        n_init=config.partition.n_init,
        poll=poll,
        report=telling(poll, "partition"),
    )
    total = found.weights.sum(axis=1, keepdims=True)
    return Start(
        index=found.index,
        weights=found.weights / np.where(total > 0, total, 1),
        labels=clusterers.anchor_vote(found, partition.labels, n_clusters),
        n_clusters=n_clusters,
        cut=clusterers.normalized_cut(graph, partition.labels) / n_clusters,
    )
