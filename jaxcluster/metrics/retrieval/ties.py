"""Precision and average precision of a ranking with ties, as the exact expectation over orders of ties.

A ranking with ties is a sequence of groups; all that matters of a group is how many items it has (n), how
many of them are relevant (r), and how many items (N) and relevant items (P) come before it. With the order
inside the group uniformly random, the item at place i is relevant with probability r / n, and if it is, (i -
1)(r - 1)/(n - 1) of the i - 1 items before it in the group are expected to be relevant too. Its part of the
average precision is

    (r / n) sum_{i <= n} (P + 1 + (i - 1)(r - 1)/(n - 1)) / (N + i)
        = (r / n) ((P + 1) A + (r - 1)/(n - 1) B),   A = H(N + n) - H(N),   B = n - (N + 1) A

with the harmonic numbers H, so a group costs a few operations whatever its size. All in float64.
"""

import numpy as np

__all__ = ["average_precision", "average_precision_at", "precision_at"]


def precision_at(counts, relevant, k: int) -> np.ndarray:
    """Expected share of relevant items among the first k.

    (1 / k) (sum over whole groups of r + r (k - N) / n of the group that k cuts)

    Args:
      counts: [q, groups] how many items each group has, nearest first; groups may be empty.
      relevant: [q, groups] how many of them are relevant.
      k: at most the number of items.

    Returns:
      [q] float64.
    """
    counts, relevant = _checked(counts, relevant)
    _check_k(counts, k)
    before = np.cumsum(counts, 1) - counts
    taken = np.clip(k - before, 0, counts)
    return np.sum(relevant * taken / np.maximum(counts, 1), 1) / k


def average_precision(counts, relevant) -> np.ndarray:
    """Expected average precision over the whole ranking.

    AP = (1 / R) sum over relevant places of the precision there

    Args:
      counts: [q, groups] how many items each group has, nearest first; groups may be empty.
      relevant: [q, groups] how many of them are relevant; R is their sum.

    Returns:
      [q] float64; 0 where nothing is relevant.
    """
    counts, relevant = _checked(counts, relevant)
    total = relevant.sum(1)
    return _sums(counts, relevant, counts).sum(1) / np.maximum(total, 1)


def average_precision_at(counts, relevant, k: int, *, divide_by: str = "hits") -> np.ndarray:
    """Expected average precision of the first k.

    AP@k = (1 / D) sum over relevant places up to k of the precision there

    Args:
      counts: [q, groups] how many items each group has, nearest first; groups may be empty.
      relevant: [q, groups] how many of them are relevant; R is their sum.
      k: at most the number of items.
      divide_by: 'hits': D is the number of relevant items among the first k. It depends on the order of the
        ties, so the expectation is taken over the hypergeometric number of hits in the group that k cuts.
        'min': D = min(R, k).

    Returns:
      [q] float64; 0 where nothing is relevant. By 'hits' it can exceed the precision at k, and a query with
      one hit at the top scores 1.
    """
    if divide_by not in ("hits", "min"):
        raise ValueError(f"divide_by must be 'hits' or 'min', got {divide_by!r}")
    counts, relevant = _checked(counts, relevant)
    _check_k(counts, k)
    before = np.cumsum(counts, 1) - counts
    taken = np.clip(k - before, 0, counts)
    parts = _sums(counts, relevant, taken)
    if divide_by == "min":
        return parts.sum(1) / np.maximum(np.minimum(relevant.sum(1), k), 1)
    whole = taken == counts
    hits = np.sum(relevant * whole, 1)
    score = np.sum(parts * whole, 1)
    harmonic = _harmonic(int(counts.sum(1).max()))
    result = np.where(hits > 0, score / np.maximum(hits, 1), 0.0)
    for q, g in zip(*np.nonzero((taken > 0) & ~whole), strict=True):  # at most one group a query
        n, r, t, above = (int(x[q, g]) for x in (counts, relevant, taken, before))
        h, probability = _hypergeometric(n, r, t)
        a = harmonic[above + t] - harmonic[above]
        b = t - (above + 1) * a
        within = h / t * ((hits[q] + 1) * a + (h - 1) / max(t - 1, 1) * b)
        result[q] = np.sum(probability * (score[q] + within) / np.maximum(hits[q] + h, 1))
    return result


def _sums(counts, relevant, taken) -> np.ndarray:
    """[q, groups] each group's part of the sum of precisions, over its first `taken` places."""
    harmonic = _harmonic(int(counts.sum(1).max(initial=0)))
    before = np.cumsum(counts, 1) - counts
    found = np.cumsum(relevant, 1) - relevant
    a = harmonic[before + taken] - harmonic[before]
    b = taken - (before + 1) * a
    share = relevant / np.maximum(counts, 1)
    return share * ((found + 1) * a + (relevant - 1) / np.maximum(counts - 1, 1) * b * (counts > 1))


def _harmonic(n: int) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, n + 1))])


def _hypergeometric(n: int, r: int, t: int) -> tuple[np.ndarray, np.ndarray]:
    """The hits when t of n items are drawn, r of them relevant: their possible numbers and probabilities."""
    h = np.arange(max(0, t - (n - r)), min(t, r) + 1)
    # p(h + 1) / p(h), summed in logarithms: no factorial is formed
    steps = np.log((r - h[:-1]) * (t - h[:-1])) - np.log((h[:-1] + 1) * (n - r - t + h[:-1] + 1))
    log = np.concatenate([[0.0], np.cumsum(steps)])
    probability = np.exp(log - log.max())
    return h, probability / probability.sum()


def _checked(counts, relevant) -> tuple[np.ndarray, np.ndarray]:
    counts, relevant = np.asarray(counts, np.int64), np.asarray(relevant, np.int64)
    if counts.ndim != 2 or counts.shape != relevant.shape:
        raise ValueError(
            f"counts and relevant must have the same shape [q, groups], got {counts.shape} and {relevant.shape}"
        )
    if (relevant < 0).any() or (relevant > counts).any():
        raise ValueError("relevant must lie between 0 and counts in every group")
    return counts, relevant


def _check_k(counts, k) -> None:
    least = int(counts.sum(1).min(initial=k))
    if not 1 <= k <= least:
        raise ValueError(f"k must lie between 1 and the {least} items of the ranking, got {k}")
