"""Cheapest assignment of points to centers with given cluster sizes, exactly.

    min over assignments s of   Σ_i c_{i s_i}     with   #{i : s_i = k} = sizes_k   for every k

Labels that are the cheapest for *their own* sizes, argmin_k (c_ik − π_k) for any potentials π, are repaired: one point
after another moves along the cheapest path of exchanges from a cluster that has too many to one that has too few. The
successive-shortest-path argument keeps the assignment the cheapest for its sizes at every step, so that the last one is
the exact solution.

Reference: Ahuja, Magnanti & Orlin, "Network Flows", 1993, section 9.7, for successive shortest paths.
"""

import heapq
import itertools

import numpy as np

__all__ = ["assign_with_sizes", "whole_sizes"]


def whole_sizes(n: int, proportions: np.ndarray) -> np.ndarray:
    """Integer sizes that add up to n: n p_k rounded down, and one more for the largest remainders.

    Args:
        n: number of samples.
        proportions: [k] p, at least 0, with sum 1.

    Returns:
        [k] integers.
    """
    wanted = n * np.asarray(proportions, np.float64) / np.sum(proportions, dtype=np.float64)
    sizes = np.floor(wanted + 1e-6).astype(np.int64)  # n p_k a rounding below a whole number is that number
    sizes[np.argsort(sizes - wanted, kind="stable")[: n - sizes.sum()]] += 1
    return sizes


def assign_with_sizes(costs: np.ndarray, sizes: np.ndarray, potentials: np.ndarray | None = None) -> np.ndarray:
    """Assign every point to a cluster so that the sizes are met and the sum of the costs is the smallest.

    Args:
        costs: [n, k].
        sizes: [k] integers that add up to n.
        potentials: [k] guess of the solution's potentials, for speed only; None: zeros.

    Returns:
        [n] int32 labels. Of several cheapest assignments, one.

    Raises:
        ValueError: the sizes do not add up to n, or one is negative.

    It costs O(n k log n) and, for each point that the guess puts into a wrong cluster, O(k³ + k² log n).
    """
    costs, sizes = np.asarray(costs, np.float64), np.asarray(sizes)
    n, k = costs.shape
    if sizes.shape != (k,) or sizes.sum() != n or sizes.min() < 0:
        raise ValueError(f"sizes must be [{k}], at least 0, and add up to n = {n}, got {sizes.tolist()}")
    labels = np.argmin(costs - (0 if potentials is None else np.asarray(potentials, np.float64)), axis=1)
    excess = np.bincount(labels, minlength=k) - sizes
    moves = _Moves(costs, labels)
    while excess.any():
        path = _cheapest_path(moves.price, excess)
        moves.along(path)
        excess[path[0]] -= 1
        excess[path[-1]] += 1
    return labels.astype(np.int32)


class _Moves:
    """What it costs to move one member of a cluster to another one, kept up to date while points move.

    The members that a cluster begins with are sorted once for each other cluster, and those that come later lie in a
    heap. A point that has left is skipped when it is met.
    """

    price: np.ndarray
    """[k, k], of the cheapest member of a for b; inf where a is empty, and for a itself."""

    def __init__(self, costs: np.ndarray, labels: np.ndarray):
        self.costs, self.labels, k = costs, labels, costs.shape[1]
        self.price, self.mover = np.full((k, k), np.inf), np.zeros((k, k), np.int64)
        self.waiting = []  # for each cluster the extra costs [k, m] and the members [k, m], cheapest first
        for a in range(k):
            members = np.flatnonzero(labels == a)
            extra = (costs[members] - costs[members, a][:, None]).T
            order = np.argsort(extra, axis=1, kind="stable")
            self.waiting.append((np.take_along_axis(extra, order, axis=1), members[order]))
        self.passed = np.zeros((k, k), np.int64)  # how many of those that wait have left
        self.joined: list[list[list[tuple[float, int]]]] = [[[] for _ in range(k)] for _ in range(k)]
        for a in range(k):
            self._look(a)

    def along(self, path: list[int]) -> None:
        """Move the cheapest member of each cluster of a path into the next one."""
        points = [int(self.mover[a, b]) for a, b in itertools.pairwise(path)]
        for point, b in zip(points, path[1:], strict=True):
            self.labels[point] = b
            for c, extra in enumerate((self.costs[point] - self.costs[point, b]).tolist()):
                heapq.heappush(self.joined[b][c], (extra, point))
        for a in path:
            self._look(a)

    def _look(self, a: int) -> None:
        """Find the cheapest member of a for each other cluster."""
        extras, members = self.waiting[a]
        for b in range(len(self.price)):
            at, heap = int(self.passed[a, b]), self.joined[a][b]
            while at < members.shape[1] and self.labels[members[b, at]] != a:
                at += 1
            while heap and self.labels[heap[0][1]] != a:
                heapq.heappop(heap)
            self.passed[a, b] = at
            first = (extras[b, at], members[b, at]) if at < members.shape[1] else (np.inf, 0)
            self.price[a, b], self.mover[a, b] = min(first, heap[0]) if heap else first
        self.price[a, a] = np.inf


def _cheapest_path(price: np.ndarray, excess: np.ndarray) -> list[int]:
    """Cheapest path between clusters from one with too many points to one with too few (Bellman and Ford)."""
    k = len(excess)
    length, before = np.where(excess > 0, 0.0, np.inf), np.full(k, -1)
    # By how much a path must be cheaper: cycles of length 0 must not look negative by rounding.
    least = 1e-12 * max(np.max(np.abs(price), where=np.isfinite(price), initial=0), 1e-300)
    for _ in range(k - 1):
        through = length[:, None] + price
        via = through.argmin(axis=0)
        shorter = through[via, np.arange(k)] < length - least
        if not shorter.any():
            break
        length[shorter] = through[via, np.arange(k)][shorter]
        before[shorter] = via[shorter]
    path = [int(np.argmin(np.where(excess < 0, length, np.inf)))]
    while before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return path[::-1]
