"""Partition of a graph: many candidates, the likelihood of the block model keeps the best and refines it.

    z* = argmax over candidates z of   L(z),   then single nodes move as long as L rises

with L of `block_likelihood`. Candidates are k-means and balanced k-means, from several seeds, of spectral embeddings
with several numbers of dimensions. Which of these finds the right partition differs from data to data (free or equal
sizes, few dimensions or many); L compares them all on the graph itself, without labels.

Limits: L weighs parts by their edges, so that telling two small clusters apart gains less than halving a large one.
Where the sizes of clusters differ by more than about five to one, prefer the candidate with the smallest cut
(`Candidate.normalized_cut`), or ask for more clusters.

Reference: Karrer & Newman (2011) for the likelihood; Ng, Jordan & Weiss (2001) for the embedding.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcluster.clusterers.balanced import balanced_kmeans
from jaxcluster.clusterers.block_model import as_graph, block_likelihood, modularity
from jaxcluster.clusterers.kmeans import kmeans
from jaxcluster.clusterers.refinement import refine_partition
from jaxcluster.clusterers.spectral import normalized_cut, spectral_embedding

__all__ = ["Candidate", "Partition", "candidate_table", "partition_graph"]

ROUNDS = 20  # of balanced k-means: what 20 more would change, the refinement does faster
SMALL_GRAPH = 3000  # nodes; up to here more starts cost little


class Candidate(NamedTuple):
    """One clustering of the spectral embedding and what it is worth on the graph."""

    kind: str  # "free" (k-means) or "balanced" (clusters of equal size)
    dimensions: int  # of the spectral embedding
    seed: int  # number of the start, from 0 on
    likelihood: float  # of the block model, nats per edge weight
    refined: float | None  # the likelihood after single moves; None: not refined
    normalized_cut: float
    modularity: float
    labels: np.ndarray  # [n] int32, before the refinement


class Partition(NamedTuple):
    """Result of `partition_graph`."""

    labels: np.ndarray  # [n] int32
    likelihood: float  # of the labels
    candidates: tuple[Candidate, ...]  # the one with the highest likelihood first


def partition_graph(
    key: jax.Array,
    graph,
    n_clusters: int,
    *,
    dimensions: Sequence[float] = (1.0, 1.25, 1.5, 2.0, 3.0),
    n_init: int = 4,
    n_balanced: int | None = None,
    n_refined: int | None = None,
    poll: Callable[[], None] | None = None,
    report: Callable[[int, int], None] | None = None,
) -> Partition:
    """Partition the nodes of a weighted graph by the degree-corrected block model.

    Args:
        key: random key of the seeds.
        graph: [n, n] symmetric sparse matrix of weights that are not negative.
        n_clusters: K, from 1 to n.
        dimensions: numbers of spectral dimensions that are tried, in multiples of K.
        n_init: starts of k-means for each of them.
        n_balanced: starts of balanced k-means for each of them; 0 for none. None: 8 for a small graph, of up to 3,000
            nodes, where a start takes no time and one alone often misses the best partition; 2 for a larger one.
        n_refined: how many candidates, those with the highest likelihoods, are refined; the best refined one is
            returned. None: all of a small graph, 5 of a larger one.
        poll: called after every candidate; may raise.
        report: called after every candidate with how many are done and how many there are.

    Returns:
        `Partition`. Of equal likelihoods the first wins. A node without edges gets an arbitrary part.

    Raises:
        ValueError: n_clusters, dimensions or the numbers of starts are out of range, or the graph is no symmetric
            matrix of weights.
    """
    graph = as_graph(graph)
    n = graph.shape[0]
    small = n <= SMALL_GRAPH
    n_balanced = (8 if small else 2) if n_balanced is None else n_balanced
    n_refined = (n if small else 5) if n_refined is None else n_refined
    if not 1 <= n_clusters <= n:
        raise ValueError(f"n_clusters must lie in 1..n = {n}, got {n_clusters}")
    if not dimensions or min(dimensions) <= 0:
        raise ValueError(f"dimensions must be positive multiples of n_clusters, got {tuple(dimensions)}")
    if n_init < 0 or n_balanced < 0 or n_init + n_balanced == 0 or n_refined < 0:
        raise ValueError(
            "n_init, n_balanced and n_refined must not be negative, and there must be a start, "
            f"got {n_init}, {n_balanced}, {n_refined}"
        )
    if n_clusters in (1, n):
        labels = np.arange(n, dtype=np.int32) if n_clusters == n else np.zeros(n, np.int32)
        return Partition(labels, block_likelihood(graph, labels), ())
    candidates = []
    starts = _starts(n, n_clusters, dimensions, n_init, n_balanced)
    embedding = spectral_embedding(graph, max(width for _, width, _ in starts))
    for done, (kind, width, seed) in enumerate(starts, 1):
        labels = _cluster(jax.random.fold_in(key, done), kind, _first_dimensions(embedding, width), n_clusters)
        candidates.append(
            Candidate(
                kind=kind,
                dimensions=width,
                seed=seed,
                likelihood=block_likelihood(graph, labels, n_clusters=n_clusters),
                refined=None,
                normalized_cut=normalized_cut(graph, labels),
                modularity=modularity(graph, labels),
                labels=labels,
            )
        )
        if poll is not None:
            poll()
        if report is not None:
            report(done, len(starts))
    candidates.sort(key=lambda candidate: -candidate.likelihood)
    return _refine_best(graph, candidates, n_clusters, n_refined, poll)


def candidate_table(partition: Partition, *, limit: int | None = None) -> str:
    """Lay out the candidates as lines of text, the best first.

    Args:
        partition: result of `partition_graph`.
        limit: number of candidates; None: all.

    Returns:
        A heading and one line for each candidate.
    """
    lines = [f"{'kind':<9}{'dim':>4}{'seed':>5}{'likelihood':>12}{'refined':>9}{'cut':>8}{'modularity':>12}"]
    for found in partition.candidates[:limit]:
        refined = "" if found.refined is None else f"{found.refined:.4f}"
        lines.append(
            f"{found.kind:<9}{found.dimensions:>4}{found.seed:>5}{found.likelihood:>12.4f}{refined:>9}"
            f"{found.normalized_cut:>8.4f}{found.modularity:>12.4f}"
        )
    return "\n".join(lines)


def _starts(n: int, n_clusters: int, dimensions: Sequence[float], n_init: int, n_balanced: int):
    """(kind, width, seed) of every candidate; widths that come out equal are taken once."""
    # The eigensolver finds fewer eigenvectors than there are nodes.
    widths = sorted({min(math.ceil(factor * n_clusters), n - 1) for factor in dimensions})
    kinds = (("free", n_init), ("balanced", n_balanced))
    return [(kind, width, seed) for width in widths for kind, number in kinds for seed in range(number)]


def _first_dimensions(embedding: np.ndarray, width: int) -> jax.Array:
    """Rows of the first dimensions, of length 1 again; the others are zero, so that one program fits all widths."""
    rows = embedding.copy()
    rows[:, width:] = 0
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return jnp.asarray(rows / np.where(length > 0, length, 1))


def _cluster(key: jax.Array, kind: str, rows: jax.Array, n_clusters: int) -> np.ndarray:
    if kind == "balanced":
        return np.asarray(balanced_kmeans(key, rows, n_clusters, restarts=1, rounds=ROUNDS).labels)
    return np.asarray(kmeans(key, rows, n_clusters, restarts=1).labels)


def _refine_best(graph, candidates: list[Candidate], n_clusters: int, n_refined: int, poll) -> Partition:
    """Refine the best candidates that differ, and return the best of all."""
    labels, likelihood, before = candidates[0].labels, candidates[0].likelihood, set()
    for i, candidate in enumerate(candidates):
        if len(before) == n_refined:
            break
        known = round(candidate.likelihood, 9)
        if known in before:
            continue
        before.add(known)
        found = refine_partition(graph, candidate.labels, n_clusters=n_clusters)
        candidates[i] = candidate._replace(refined=found.likelihood)
        if found.likelihood > likelihood:
            labels, likelihood = found.labels, found.likelihood
        if poll is not None:
            poll()
    return Partition(labels, likelihood, tuple(candidates))
