"""What the page says of each cluster: its exemplars, its nearest cluster, its borders, its features."""

from typing import Any, NamedTuple

import numpy as np

__all__ = ["Border", "Feature", "borders", "distinguishing", "exemplars", "nearest_clusters"]

ROWS = 8192  # taken at once, where all samples are looked at
BORDER_SHARE = 0.05  # of the samples are near a border


class Border(NamedTuple):
    """Samples between two clusters."""

    first: int
    second: int
    count: int
    rows: np.ndarray
    """Positions, those nearest to the border first."""


class Feature(NamedTuple):
    """How one feature sets a cluster apart."""

    position: int
    mean: float
    elsewhere: float
    difference: float
    """(mean - elsewhere) / standard deviation over all samples."""


def exemplars(members: np.ndarray, confidence: np.ndarray, *, most: int, least: int) -> tuple[np.ndarray, np.ndarray]:
    """The most and the least certain samples of a cluster, none in both.

    Args:
      members: [m] positions.
      confidence: [n]; NaN counts as least certain.
      most: how many of the most certain, at most; a small cluster is given to them first.
      least: how many of the least certain, at most.

    Returns:
      (positions of the most certain, the surest first; positions of the least certain, the most doubtful first).
    """
    values = np.nan_to_num(confidence[members], nan=-np.inf)
    order = members[np.argsort(-values, kind="stable")]
    rest = order[most:]
    return order[:most], rest[max(len(rest) - least, 0) :][::-1]


def nearest_clusters(centers: np.ndarray, sizes: np.ndarray) -> list[int | None]:
    """For each cluster the non-empty one whose center is nearest; None for empty clusters and if there is none."""
    filled = np.flatnonzero((sizes > 0) & np.isfinite(centers).all(1))
    nearest: list[int | None] = [None] * len(centers)
    if len(filled) < 2:
        return nearest
    points = centers[filled].astype(np.float64)
    for position, k in enumerate(filled):
        distances = ((points - points[position]) ** 2).sum(1)
        distances[position] = np.inf
        nearest[k] = int(filled[distances.argmin()])
    return nearest


def borders(
    labels: np.ndarray,
    embedding: np.ndarray,
    centers: np.ndarray,
    probabilities: np.ndarray | None,
    *,
    pairs: int,
    per_pair: int,
) -> list[Border]:
    """Pairs of clusters with the most samples between them.

    The margin of a sample is the difference of its cluster's probability and the largest other one; without
    probabilities (b - a) / (a + b), a and b the distances to its own center and to the nearest other one. The 5 % of
    samples with the smallest margins (of few samples at least 50, and at most a quarter) are near a border.

    Args:
      labels: [n], -1 for samples left out.
      embedding: [n, d].
      centers: [k, d].
      probabilities: [n, k] or None.
      pairs: how many pairs, at most.
      per_pair: how many samples of each, at most.

    Returns:
      Pairs, those with the most samples near their border first.
    """
    sizes = np.bincount(labels[labels >= 0], minlength=len(centers))
    filled = np.flatnonzero((sizes > 0) & np.isfinite(centers).all(1))
    if len(filled) < 2:
        return []
    margins, others = _margins(labels, embedding, centers, probabilities, filled)
    known = np.flatnonzero(np.isfinite(margins))
    near = known[np.argsort(margins[known], kind="stable")][
        : max(int(BORDER_SHARE * len(known)), min(50, len(known) // 4), 1)
    ]
    ends = np.sort(np.stack([labels[near], others[near]], 1), 1)
    found, group, counts = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
    chosen = np.argsort(-counts, kind="stable")[:pairs]
    group = group.ravel()
    return [
        Border(int(found[p, 0]), int(found[p, 1]), int(counts[p]), near[group == p][:per_pair]) for p in chosen.tolist()
    ]


def _margins(labels, embedding, centers, probabilities, filled) -> tuple[np.ndarray, np.ndarray]:
    """([n] margins, NaN for samples left out, [n] the other cluster)."""
    margins, others = np.full(len(labels), np.nan), np.full(len(labels), -1)
    columns = np.full(len(centers), -1)
    columns[filled] = np.arange(len(filled))
    rows = np.flatnonzero((columns[labels] >= 0) & (labels >= 0) & np.isfinite(embedding).all(1))
    step = max(1, min(ROWS, 16_000_000 // len(filled)))
    shift = centers[filled].mean(0, dtype=np.float64)
    places = centers[filled] - shift
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        if probabilities is not None:
            closeness = probabilities[some][:, filled].astype(np.float64)
        else:
            points = embedding[some] - shift
            squares = (points**2).sum(1)[:, None] + (places**2).sum(1) - 2 * points @ places.T
            closeness = -np.sqrt(np.maximum(squares, 0.0))
        own = columns[labels[some]]
        line = np.arange(len(some))
        mine = closeness[line, own]
        closeness[line, own] = -np.inf
        other = closeness.argmax(1)
        best = closeness[line, other]
        scale = 1.0 if probabilities is not None else np.maximum(-(mine + best), 1e-300)
        margins[some] = (mine - best) / scale
        others[some] = filled[other]
    return margins, others


def distinguishing(samples: Any, labels: np.ndarray, n_clusters: int, *, count: int) -> list[list[Feature]]:
    """The features in which each cluster differs most from the other samples.

    difference = (mean in the cluster - mean of all other samples) / standard deviation over all samples

    Args:
      samples: [n, ...], flattened; rows are taken some at a time.
      labels: [n], -1 for samples left out.
      n_clusters: k.
      count: features for each cluster, the largest differences first; those without any difference are left out.

    Returns:
      k lists; empty for an empty cluster and for one that holds all samples.
    """
    n = len(labels)
    parts = [np.arange(start, min(start + ROWS, n)) for start in range(0, n, ROWS)]

    def rows(some: np.ndarray) -> np.ndarray:
        return np.asarray(samples[some], np.float64).reshape(len(some), -1)

    center = sum(rows(some).sum(0) for some in parts) / n
    sums, squares = np.zeros((n_clusters, len(center))), np.zeros(len(center))
    for some in parts:
        part = rows(some) - center
        squares += (part**2).sum(0)
        order = np.argsort(labels[some], kind="stable")
        names, starts = np.unique(labels[some][order], return_index=True)
        totals = np.add.reduceat(part[order], starts, axis=0)
        sums[names[names >= 0]] += totals[names >= 0]
    sizes = np.bincount(labels[labels >= 0], minlength=n_clusters)
    spread = np.sqrt(squares / n)
    found = []
    for k in range(n_clusters):
        if not 0 < sizes[k] < n:
            found.append([])
            continue
        mean, elsewhere = sums[k] / sizes[k], -sums[k] / (n - sizes[k])  # centered: all sums together are 0
        difference = np.divide(mean - elsewhere, spread, out=np.zeros_like(mean), where=spread > 0)
        best = np.argsort(-np.abs(difference), kind="stable")[:count]
        found.append(
            [
                Feature(j, float(center[j] + mean[j]), float(center[j] + elsewhere[j]), float(difference[j]))
                for j in best.tolist()
                if difference[j] != 0
            ]
        )
    return found
