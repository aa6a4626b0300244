"""How many clusters? Three curves over K on the same graph, and one sentence of advice.

    gain(K) = L(K) − L(K − 1)          likelihood that one more part adds: falls where there is no further structure
    D(K)                               description length: smallest where a further part no longer pays for itself
    S(K) = mean over subsamples of  min over clusters a of  Σ_b n_ab (n_ab − 1) / (n_a (n_a − 1))

S is the prediction strength: n_a nodes of a subsample lie in cluster a of the whole, n_ab of them in cluster b of the
subsample clustered by itself. It is the chance that two nodes of the least stable cluster stay together.

References: Karrer & Newman (2011) for L; Tibshirani & Walther, "Cluster validation by prediction strength", Journal
of Computational and Graphical Statistics 14, 2005.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from jaxcluster.clusterers.block_model import as_graph, block_likelihood, length_from_likelihood
from jaxcluster.clusterers.refinement import refine_partition
from jaxcluster.clusterers.spectral import spectral_embedding

__all__ = ["Suggestion", "coarsen_graph", "prediction_strength", "suggest_n_clusters"]

STARTS = 3  # of k-means, for each number of spectral dimensions
WIDTHS = (1.0, 1.25, 1.5)  # spectral dimensions, in multiples of K
SWEEPS = 20  # of the refinement
SHARE = 0.75  # of the nodes in a subsample
NEAR = 0.05  # of what the description length falls from its first value: lengths that near count as equal
STABLE = 0.75  # prediction strength from which a peak counts as a valid resolution


class Suggestion(NamedTuple):
    """Result of `suggest_n_clusters`."""

    n_clusters: int
    counts: np.ndarray  # [m] int, the K that were tried
    likelihoods: np.ndarray  # [m] of the best partition of each K, nats per edge weight
    gains: np.ndarray  # [m] what the last part added; NaN for the first K unless it is 2
    description_lengths: np.ndarray  # [m] nats, up to a constant
    prediction_strengths: np.ndarray  # [m] from 0 to 1
    resolutions: tuple[int, ...]  # other K at which the clusters are stable
    sentence: str  # the advice, with its uncertainty


def suggest_n_clusters(
    key: jax.Array,
    graph,
    *,
    min_clusters: int = 2,
    max_clusters: int = 20,
    n_subsamples: int = 4,
    max_nodes: int = 3000,
    poll: Callable[[], None] | None = None,
    report: Callable[[int, int], None] | None = None,
) -> Suggestion:
    """Suggest a number of clusters for the nodes of a weighted graph, with other numbers that are valid too.

    For every K the graph is partitioned as in `partition_graph`, with fewer candidates. Of the K whose description
    length is the smallest or nearly so, the most stable one is suggested if it is stable, otherwise the one with the
    smallest length. It is a suggestion: the length tends to be least at a K that is too large where clusters have
    parts themselves, and stability favors few clusters.

    Args:
        key: random key of the starts and subsamples.
        graph: [n, n] symmetric sparse matrix of weights that are not negative.
        min_clusters: smallest K, at least 2.
        max_clusters: largest K; bounded by a third of the nodes.
        n_subsamples: for the prediction strength.
        max_nodes: a larger graph is coarsened to about as many groups of nodes (see `coarsen_graph`), which bounds the
            time to some 20 seconds of one core. Partitions of the groups have the likelihood that they have on the
            whole graph, but no partition can cut through a group.
        poll: called after every graph that was partitioned; may raise.
        report: called then with how many are done and how many there are.

    Returns:
        `Suggestion`. Whether structure at another K is real is for the user to say: a curve with several stable K
        describes clusters that consist of clusters.

    Raises:
        ValueError: min_clusters or max_clusters are out of range, or the graph is no symmetric matrix of weights.

    Differs from the paper in: prediction strength compares the clusters of a subsample of 75 % with those of the whole,
    on the graph; Tibshirani & Walther classify one half of the points by the centers of the other.
    """
    graph = as_graph(graph)
    n = graph.shape[0]
    largest = min(max_clusters, n // 3)
    if not 2 <= min_clusters <= largest:
        allowed = f"2..{largest} (max_clusters, at most a third of n = {n} nodes)"
        raise ValueError(f"min_clusters must lie in {allowed}, got {min_clusters}")
    if n_subsamples < 1 or max_nodes < 1:
        raise ValueError(f"n_subsamples and max_nodes must be positive, got {n_subsamples} and {max_nodes}")
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel())
    counts = np.arange(min_clusters, largest + 1)
    groups, coarse = coarsen_graph(rng, graph, max_nodes)
    sizes = np.bincount(groups, minlength=coarse.shape[0])

    def step(done: int) -> None:
        if poll is not None:
            poll()
        if report is not None:
            report(done, n_subsamples + 1)

    whole = _partitions(rng, coarse, counts)
    step(1)
    strengths = np.zeros((n_subsamples, len(counts)))
    for row in range(n_subsamples):
        size = math.ceil(SHARE * coarse.shape[0])
        nodes = np.sort(rng.choice(coarse.shape[0], size, replace=False))
        part = _partitions(rng, coarse[nodes][:, nodes], counts)
        strengths[row] = [prediction_strength(a[nodes], b, sizes[nodes]) for a, b in zip(whole, part, strict=True)]
        step(row + 2)
    likelihoods = np.array([block_likelihood(coarse, labels) for labels in whole])
    lengths = length_from_likelihood(likelihoods, coarse.sum() / 2, n, counts)
    return _suggestion(counts, likelihoods, lengths, strengths)


def coarsen_graph(rng: np.random.Generator, graph, max_nodes: int):
    """Join nodes to neighbors among a random subset, so that about `max_nodes` groups are left.

    Every node of the subset founds a group; the others join the group that most of their weight leads to, in as many
    rounds as it takes. Nodes that no path joins to the subset stay alone. The coarse graph adds up the weights between
    groups, with loops for those within, so that every partition of the groups has the block sums of the whole graph.

    Args:
        rng: NumPy's generator, for the subset.
        graph: [n, n] symmetric sparse matrix.
        max_nodes: size of the subset; a graph of no more nodes is returned as it is.

    Returns:
        (group of each node [n] int, coarse graph [m, m] sparse).
    """
    from scipy.sparse import csr_matrix

    graph = csr_matrix(graph)
    n = graph.shape[0]
    if n <= max_nodes:
        return np.arange(n), graph
    groups = np.full(n, -1)
    groups[rng.choice(n, max_nodes, replace=False)] = np.arange(max_nodes)
    while True:
        known, open_nodes = np.flatnonzero(groups >= 0), np.flatnonzero(groups < 0)
        members = csr_matrix((np.ones(len(known)), (known, groups[known])), (n, max_nodes))
        weights = (graph[open_nodes] @ members).tocsr()
        reached = np.diff(weights.indptr) > 0
        if not reached.any():
            break
        groups[open_nodes[reached]] = np.asarray(weights[reached].argmax(axis=1)).ravel()
    groups[groups < 0] = max_nodes + np.arange(np.sum(groups < 0))
    members = csr_matrix((np.ones(n), (np.arange(n), groups)))
    return groups, (members.T @ graph @ members).tocsr()


def prediction_strength(labels, other, sizes=None) -> float:
    """Chance that two samples of a cluster are together in another clustering too, in the worst cluster.

        min over clusters a of labels of   Σ_b n_ab (n_ab − 1) / (n_a (n_a − 1))

    Args:
        labels: [n] integers from 0 on.
        other: [n] integers from 0 on, the other clustering of the same samples.
        sizes: [n] positive integers, how many samples each entry stands for; None: one.

    Returns:
        From 0 to 1. A cluster of one sample counts as 0, since nothing tells whether it would be found again; clusters
        without samples are left out.
    """
    labels, other = np.asarray(labels), np.asarray(other)
    table = np.zeros((labels.max() + 1, other.max() + 1))
    np.add.at(table, (labels, other), 1 if sizes is None else sizes)
    table = table[table.sum(axis=1) > 0]
    total = table.sum(axis=1)
    return float(np.min(np.sum(table * (table - 1), axis=1) / np.maximum(total * (total - 1), 1)))


def _partitions(rng: np.random.Generator, graph, counts: np.ndarray) -> list[np.ndarray]:
    """The best partition found for each K, [nodes] int each."""
    n = graph.shape[0]
    embedding = spectral_embedding(graph, min(math.ceil(max(WIDTHS) * counts[-1]), n - 1))
    found = []
    for count in counts:
        widths = {min(math.ceil(factor * count), embedding.shape[1]) for factor in WIDTHS}
        candidates = [_kmeans(rng, embedding[:, :width], count) for width in sorted(widths)]
        refined = [refine_partition(graph, z, n_clusters=int(count), max_sweeps=SWEEPS) for z in candidates]
        found.append(max(refined, key=lambda refinement: refinement.likelihood).labels)
    return found


def _kmeans(rng: np.random.Generator, rows: np.ndarray, count: int) -> np.ndarray:
    # scikit-learn's: the package's own would compile anew for every K, which takes longer than all the clustering.
    from sklearn.cluster import KMeans

    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / np.where(length > 0, length, 1)
    return KMeans(int(count), n_init=STARTS, random_state=int(rng.integers(2**31))).fit_predict(rows)


def _suggestion(counts: np.ndarray, likelihoods, lengths, strengths) -> Suggestion:
    strength = strengths.mean(axis=0)
    # Lengths fall steeply up to a K and rise slowly after it: which of the lowest is the lowest is a matter of chance.
    near = lengths - lengths.min() <= NEAR * (lengths[0] - lengths.min())
    chosen = int(np.argmax(np.where(near, strength, -1)))
    if strength[chosen] < STABLE:
        chosen = int(np.argmin(lengths))
    beside = np.concatenate([[-np.inf], strength, [-np.inf]])
    peaks = (strength >= STABLE) & (strength >= beside[:-2]) & (strength >= beside[2:])
    resolutions = tuple(int(k) for k in counts[peaks] if k != counts[chosen])
    return Suggestion(
        n_clusters=int(counts[chosen]),
        counts=counts,
        likelihoods=likelihoods,
        gains=np.diff(likelihoods, prepend=0.0 if counts[0] == 2 else np.nan),
        description_lengths=lengths,
        prediction_strengths=strength,
        resolutions=resolutions,
        sentence=_sentence(counts, chosen, counts[near], strength, resolutions),
    )


def _sentence(counts, chosen: int, near, strength, resolutions: tuple[int, ...]) -> str:
    """What to do, how sure it is, and what else is valid."""
    text = f"Try {counts[chosen]} clusters: "
    if len(near) > 1:
        text += f"the graph's description is nearly as short for {near[0]} to {near[-1]}"
    else:
        text += "the graph's description is shortest there"
    if counts[chosen] == counts[-1]:
        text += ", perhaps also beyond, where nothing was tried"
    stable = strength[chosen] >= STABLE
    text += f", and {counts[chosen]} clusters are " if stable else f", but {counts[chosen]} clusters are not all "
    text += f"stable (prediction strength {strength[chosen]:.2f}, {STABLE:g} or more is stable)"
    if len(resolutions) == 1:
        return text + f"; {resolutions[0]} is another valid resolution."
    if resolutions:
        return text + f"; {', '.join(map(str, resolutions[:-1]))} and {resolutions[-1]} are other valid resolutions."
    return text + (
        "." if stable else f"; no number is ({strength.max():.2f} at best, for {counts[strength.argmax()]})."
    )
