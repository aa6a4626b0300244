"""The degree-corrected stochastic block model: how well a partition explains a weighted graph, with no labels.

    L(z) = Σ_rs p_rs log ( p_rs / (p_r p_s) ),     p_rs = m_rs / Σ m,   p_r = Σ_s p_rs

where m_rs is the weight of the edges from part r to part s (edges within a part count from both ends) and z the
partition. L is the mutual information between the parts at the two ends of an edge drawn by weight: 0 for one part or
for edges that ignore the parts, log K for K separate parts of equal weight.

Reference: Karrer & Newman, "Stochastic blockmodels and community structure in networks", Physical Review E 83, 2011.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["Refinement", "block_likelihood", "description_length", "modularity", "refine_partition"]

TOLERANCE = 1e-12  # gains in L that are smaller count as rounding errors
AT_ONCE = 2**22  # numbers [nodes, parts] that one pass over the gains holds together


class Refinement(NamedTuple):
    """Result of `refine_partition`."""

    labels: np.ndarray  # [n] int32
    likelihood: float  # of the labels, nats per edge weight
    moves: tuple[int, ...]  # of every sweep
    converged: bool  # no move of a single node raises the likelihood


def block_likelihood(graph, labels, *, n_clusters: int | None = None) -> float:
    """Profile log-likelihood of the degree-corrected block model, per edge weight and up to a constant.

        L = Σ_rs p_rs log ( p_rs / (p_r p_s) )

    Derivation. The model draws the weight between nodes i and j from a Poisson distribution with mean
    θ_i θ_j ω_{z_i z_j}; a node's θ lets it have any degree, so that the parts explain who is joined to whom and not who
    has many edges. With Σ_{i in r} θ_i = 1, D_i the degree of node i, and what depends on the graph alone left out,

        2 log P = 2 Σ_i D_i log θ_i + Σ_rs ( m_rs log ω_rs − ω_rs ).

    It is largest at θ_i = D_i / d_{z_i} and ω_rs = m_rs, with d_r = Σ_s m_rs. There Σ_rs ω_rs is the graph's total
    2E, the same for every partition, and the first sum is a constant minus 2 Σ_r d_r log d_r. What depends on the
    partition is Σ_rs m_rs log m_rs / (d_r d_s). Divided by 2E, with log 2E added, it is L; hence log P = E L + constant
    for a graph of E edges.

    It compares partitions of one graph. More parts never lower it: see `description_length`.

    Args:
        graph: [n, n] symmetric sparse (or dense) matrix of weights that are not negative. Loops count once.
        labels: [n] integers from 0 on, each node's part.
        n_clusters: K, for the check of the labels; None: their maximum plus 1. Empty parts change nothing.

    Returns:
        Nats per unit of edge weight, from 0 to log K. Every graph without edges gets 0.

    Raises:
        ValueError: the graph is not square, symmetric, finite and non-negative, or the labels do not fit it.

    Reference: Karrer & Newman (2011), Section III.
    """
    graph, labels, n_clusters = _checked(graph, labels, n_clusters)
    return _likelihood(block_shares(graph, labels, n_clusters))


def modularity(graph, labels) -> float:
    """Modularity: the share of the weight within parts, beyond what the degrees alone would put there.

        Q = Σ_r ( p_rr − p_r² )

    Args:
        graph: as for `block_likelihood`.
        labels: [n] integers from 0 on.

    Returns:
        From -1/2 to 1; 0 for one part or a graph without edges.

    Reference: Newman & Girvan, "Finding and evaluating community structure in networks", Physical Review E 69, 2004.
    """
    graph, labels, n_clusters = _checked(graph, labels, None)
    shares = block_shares(graph, labels, n_clusters)
    return float(np.trace(shares) - np.sum(shares.sum(axis=1) ** 2))


def description_length(graph, labels, *, n_clusters: int | None = None) -> float:
    """Length of the graph's shortest description with the help of a partition, up to a constant of the graph.

        −E L(z) + n log K + K (K + 1) / 2 log E

    The first term is the log-likelihood's, the second names the part of every node, the third states the K (K + 1) / 2
    weights between parts, each to within one edge. More parts shorten the first and lengthen the others: the K with the
    smallest sum is the one that the edges support.

    E is half the sum of the matrix: a weight of 1 counts as one edge, one of .3 as .3 edges. Unlike the likelihood it
    depends on the unit of the weights, which should therefore not exceed 1.

    Args:
        graph: as for `block_likelihood`.
        labels: [n] integers from 0 on.
        n_clusters: K; None: the number of parts that are not empty.

    Returns:
        Nats. Only differences between partitions of the same graph have a meaning. The edges of a neighbor graph are
        not independent draws as in the model: even points without any clusters give parts with few edges between
        them, so the K with the smallest sum is rather too large than too small.
    """
    if n_clusters is None:
        labels = np.unique(labels, return_inverse=True)[1]
    graph, labels, n_clusters = _checked(graph, labels, n_clusters)
    likelihood = _likelihood(block_shares(graph, labels, n_clusters))
    return float(length_from_likelihood(likelihood, graph.sum() / 2, len(labels), n_clusters))


def length_from_likelihood(likelihood, edges: float, n: int, n_clusters):
    """Description length of partitions with these likelihoods and numbers of parts (numbers or arrays)."""
    parameters = n_clusters * (n_clusters + 1) / 2
    return -edges * likelihood + n * np.log(n_clusters) + parameters * np.log(max(edges, 1.0))


def refine_partition(
    graph,
    labels,
    *,
    n_clusters: int | None = None,
    max_sweeps: int = 100,
    poll: Callable[[], None] | None = None,
) -> Refinement:
    """Move single nodes to other parts as long as that raises the likelihood of the block model.

    A sweep computes the gain of every move of one node, visits the nodes that have a positive one, from the largest
    gain to the smallest, computes their gains anew, and makes each node's best move if it still raises the likelihood.
    The sweeps end when no move does: the result is a local maximum over all n (K − 1) moves, also those to parts in
    which a node has no neighbors (these can pay too, where parts are joined to each other rather than within).
    The gains are exact: moving i from r to s changes the rows r and s of the block sums by the weights between i and
    the parts that its neighbors lie in, and nothing else, so a node costs K terms for each of those parts.

    Args:
        graph: as for `block_likelihood`.
        labels: [n] integers from 0 on.
        n_clusters: K; None: the maximum of the labels plus 1. A part that is empty is filled, since a split never
            lowers the likelihood; a part is never emptied.
        max_sweeps: bound on the sweeps.
        poll: called after every sweep; may raise.

    Returns:
        `Refinement`. It does not depend on the order of the nodes or the numbers of the parts, unless two gains are
        equal; then the first node and the first part win. Nodes without edges keep their parts.

    Raises:
        ValueError: as for `block_likelihood`, or max_sweeps is negative.

    Differs from the paper in: Karrer & Newman make the best of all moves each time, also where it lowers the
    likelihood, and go back to the best state on the way; their refinement is slower and less local.
    """
    if max_sweeps < 0:
        raise ValueError(f"max_sweeps must not be negative, got {max_sweeps}")
    graph, labels, n_clusters = _checked(graph, labels, n_clusters)
    labels, moves, converged = labels.copy(), [], False
    total = graph.sum()
    if total > 0:
        graph = graph / total
        graph.sort_indices()
    while not converged and len(moves) < max_sweeps:
        moves.append(_sweep(graph, labels, n_clusters))
        converged = moves[-1] == 0
        if poll is not None:
            poll()
    likelihood = _likelihood(block_shares(graph, labels, n_clusters))
    return Refinement(labels.astype(np.int32), likelihood, tuple(moves), converged)


def _sweep(graph, labels: np.ndarray, n_clusters: int) -> int:
    """One sweep over a graph of total weight 1; changes the labels, returns how many nodes moved."""
    blocks = _Blocks(block_shares(graph, labels, n_clusters))
    degrees, loops = np.asarray(graph.sum(axis=1)).ravel(), graph.diagonal()
    best = _best_gains(graph, labels, degrees, loops, blocks)
    waiting = np.flatnonzero(best > TOLERANCE)
    moved = 0
    for i in waiting[np.argsort(-best[waiting], kind="stable")]:
        near = slice(graph.indptr[i], graph.indptr[i + 1])
        weights = np.bincount(labels[graph.indices[near]], graph.data[near], minlength=n_clusters)
        weights[labels[i]] -= loops[i]
        gains = _gains_of_one(weights, labels[i], degrees[i], loops[i], blocks)
        target = gains.argmax()
        if gains[target] > TOLERANCE:
            blocks.move(labels[i], target, weights, loops[i])
            labels[i] = target
            moved += 1
    return moved


class _Blocks:
    """The block sums, and x log x of each, kept up to date while nodes move."""

    def __init__(self, shares: np.ndarray):
        self.shares, self.shares_log = shares, _xlogx(shares)  # [K, K]
        self.volumes = shares.sum(axis=1)  # [K]
        self.volumes_log = _xlogx(self.volumes)
        # Views: they follow the matrices.
        self.diagonal, self.diagonal_log = np.diagonal(self.shares), np.diagonal(self.shares_log)

    def move(self, source: int, target: int, weights: np.ndarray, loop: float) -> None:
        """Let a node with these weights to the others of each part leave one part for another."""
        shares = self.shares
        for part, sign in ((source, -1), (target, 1)):
            shares[part] += sign * weights
            shares[:, part] += sign * weights
            shares[part, part] += sign * loop
        for part in (source, target):
            np.maximum(shares[part], 0, out=shares[part])
            shares[:, part] = shares[part]
            self.shares_log[part] = self.shares_log[:, part] = _xlogx(shares[part])
            self.volumes[part] = shares[part].sum()
            self.volumes_log[part] = _xlogx(self.volumes[part])


def _best_gains(graph, labels, degrees, loops, blocks: _Blocks) -> np.ndarray:
    """Largest gain in likelihood that a move of each node has, [n]."""
    from scipy.sparse import csr_matrix

    n, n_clusters = len(labels), len(blocks.volumes)
    members = csr_matrix((np.ones(n), labels, np.arange(n + 1)), shape=(n, n_clusters))
    best = np.empty(n)
    step = max(AT_ONCE // n_clusters, 1)
    for start in range(0, n, step):
        rows = slice(start, start + step)
        weights = (graph[rows] @ members).toarray()
        weights[np.arange(len(weights)), labels[rows]] -= loops[rows]
        best[rows] = _gains(weights, labels[rows], degrees[rows], loops[rows], blocks).max(axis=1)
    return best


def _gains(weights, own, degrees, loops, blocks: _Blocks) -> np.ndarray:
    """Change of the likelihood if a node moves, [nodes, parts]; 0 for its own part.

    weights [nodes, parts] from each node to the others of each part, own part [nodes], degrees and loops [nodes].
    """
    rows = np.arange(len(own))
    own_weight = weights[rows, own]
    left = _xlogx(blocks.diagonal[own] - 2 * own_weight - loops) - blocks.diagonal_log[own]
    left -= 2 * (_xlogx(blocks.volumes[own] - degrees) - blocks.volumes_log[own])
    gains = left[:, None] + _xlogx(blocks.diagonal + 2 * weights + loops[:, None]) - blocks.diagonal_log
    gains -= 2 * (_xlogx(blocks.volumes + degrees[:, None]) - blocks.volumes_log)
    gains += 2 * (_xlogx(blocks.shares[own] + own_weight[:, None] - weights) - blocks.shares_log[own])
    # The third parts in which a node has neighbors: few, so they are listed rather than taken from all parts.
    elsewhere = weights != 0
    elsewhere[rows, own] = False
    node, part = np.nonzero(elsewhere)
    if len(node):
        weight, source = weights[node, part], own[node]
        change = _xlogx(blocks.shares[part] + weight[:, None]) - blocks.shares_log[part]
        change += (_xlogx(blocks.shares[source, part] - weight) - blocks.shares_log[source, part])[:, None]
        change[np.arange(len(node)), part] = 0
        first = np.flatnonzero(np.diff(node, prepend=-1))
        gains[node[first]] += 2 * np.add.reduceat(change, first, axis=0)
    gains[rows, own] = 0
    return gains


def _gains_of_one(weights, own: int, degree: float, loop: float, blocks: _Blocks) -> np.ndarray:
    """The same for one node, [parts], in few calls: a sweep makes it for every node that may move."""
    parts = weights.nonzero()[0]
    parts = parts[parts != own]
    weight, own_weight = weights[parts], weights[own]
    from_own = np.empty(2 + len(parts))
    from_own[0] = blocks.shares[own, own] - 2 * own_weight - loop
    from_own[1] = blocks.volumes[own] - degree
    from_own[2:] = blocks.shares[own, parts] - weight
    to_each = np.empty((3 + len(parts), len(weights)))
    to_each[0] = blocks.diagonal + (2 * weights + loop)
    to_each[1] = blocks.volumes + degree
    to_each[2] = blocks.shares[own] + (own_weight - weights)
    to_each[3:] = blocks.shares[parts] + weight[:, None]
    from_own, to_each = _xlogx(from_own), _xlogx(to_each)
    third = to_each[3:] - blocks.shares_log[parts]
    third += (from_own[2:] - blocks.shares_log[own, parts])[:, None]
    third[np.arange(len(parts)), parts] = 0
    gains = third.sum(axis=0) + to_each[2] - blocks.shares_log[own] - to_each[1] + blocks.volumes_log
    gains *= 2
    gains += to_each[0] - blocks.diagonal_log
    gains += from_own[0] - blocks.shares_log[own, own] - 2 * (from_own[1] - blocks.volumes_log[own])
    gains[own] = 0
    return gains


def block_shares(graph, labels: np.ndarray, n_clusters: int) -> np.ndarray:
    """Share of the graph's weight between each two parts, [K, K]; zeros for a graph without edges."""
    edges = graph.tocoo()
    pairs = labels[edges.row].astype(np.int64) * n_clusters + labels[edges.col]
    sums = np.bincount(pairs, edges.data, minlength=n_clusters**2).reshape(n_clusters, n_clusters)
    total = sums.sum()
    return sums / total if total > 0 else sums


def _likelihood(shares: np.ndarray) -> float:
    return float(_xlogx(shares).sum() - 2 * _xlogx(shares.sum(axis=1)).sum())


def _xlogx(x: np.ndarray) -> np.ndarray:
    """Return x log x, and 0 where rounding has left nothing or less."""
    x = np.maximum(x, 1e-300)  # adds nothing that double precision could hold
    return x * np.log(x)


def as_graph(graph):
    """Return the graph as a float64 CSR matrix, or raise an error that says what is wrong with it."""
    from scipy.sparse import csr_matrix

    graph = csr_matrix(graph, dtype=np.float64)
    if graph.shape[0] != graph.shape[1] or graph.shape[0] == 0:
        raise ValueError(f"graph must be [n, n] with n > 0, got {graph.shape}")
    graph.sum_duplicates()
    if not np.isfinite(graph.data).all() or (graph.data < 0).any():
        raise ValueError("graph must have finite weights that are not negative")
    difference = abs(graph - graph.T)
    if difference.nnz and difference.max() > 1e-6 * graph.data.max():
        raise ValueError(f"graph must be symmetric, got entries that differ by {difference.max():.3g}")
    return graph


def _checked(graph, labels, n_clusters: int | None):
    """(graph as float64 CSR matrix, labels as integers, number of parts), or an error that names the argument."""
    graph = as_graph(graph)
    labels = np.asarray(labels)
    if labels.shape != (graph.shape[0],) or labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be [{graph.shape[0]}] integers, got {labels.dtype} {labels.shape}")
    parts = int(labels.max()) + 1 if n_clusters is None else n_clusters
    if labels.min() < 0 or labels.max() >= parts:
        raise ValueError(f"labels must lie in 0..{parts - 1}, got {labels.min()}..{labels.max()}")
    return graph, labels.astype(np.intp), parts
