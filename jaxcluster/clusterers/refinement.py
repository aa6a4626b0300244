"""Better partitions by moves of single nodes: greedy ascent of the block model's likelihood, exact to rounding.

`block_model` defines the likelihood.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jaxcluster.clusterers.block_model import block_shares, checked, likelihood_of_shares, xlogx

__all__ = ["Refinement", "refine_partition"]

TOLERANCE = 1e-12  # gains in L that are smaller count as rounding errors
AT_ONCE = 2**22  # numbers [nodes, parts] that one pass over the gains holds together


class Refinement(NamedTuple):
    """Result of `refine_partition`."""

    labels: np.ndarray  # [n] int32
    likelihood: float  # of the labels, nats per edge weight
    moves: tuple[int, ...]  # of every sweep
    converged: bool  # no move of a single node raises the likelihood


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
    graph, labels, n_clusters = checked(graph, labels, n_clusters)
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
    likelihood = likelihood_of_shares(block_shares(graph, labels, n_clusters))
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
        self.shares, self.shares_log = shares, xlogx(shares)  # [K, K]
        self.volumes = shares.sum(axis=1)  # [K]
        self.volumes_log = xlogx(self.volumes)
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
            self.shares_log[part] = self.shares_log[:, part] = xlogx(shares[part])
            self.volumes[part] = shares[part].sum()
            self.volumes_log[part] = xlogx(self.volumes[part])


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
    left = xlogx(blocks.diagonal[own] - 2 * own_weight - loops) - blocks.diagonal_log[own]
    left -= 2 * (xlogx(blocks.volumes[own] - degrees) - blocks.volumes_log[own])
    gains = left[:, None] + xlogx(blocks.diagonal + 2 * weights + loops[:, None]) - blocks.diagonal_log
    gains -= 2 * (xlogx(blocks.volumes + degrees[:, None]) - blocks.volumes_log)
    gains += 2 * (xlogx(blocks.shares[own] + own_weight[:, None] - weights) - blocks.shares_log[own])
    # The third parts in which a node has neighbors: few, so they are listed rather than taken from all parts.
    elsewhere = weights != 0
    elsewhere[rows, own] = False
    node, part = np.nonzero(elsewhere)
    if len(node):
        weight, source = weights[node, part], own[node]
        change = xlogx(blocks.shares[part] + weight[:, None]) - blocks.shares_log[part]
        change += (xlogx(blocks.shares[source, part] - weight) - blocks.shares_log[source, part])[:, None]
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
    from_own, to_each = xlogx(from_own), xlogx(to_each)
    third = to_each[3:] - blocks.shares_log[parts]
    third += (from_own[2:] - blocks.shares_log[own, parts])[:, None]
    third[np.arange(len(parts)), parts] = 0
    gains = third.sum(axis=0) + to_each[2] - blocks.shares_log[own] - to_each[1] + blocks.volumes_log
    gains *= 2
    gains += to_each[0] - blocks.diagonal_log
    gains += from_own[0] - blocks.shares_log[own, own] - 2 * (from_own[1] - blocks.volumes_log[own])
    gains[own] = 0
    return gains
