"""Gaps between and within clusters: a pair without one looks like one group, a cluster with one like two."""

import numpy as np

__all__ = ["find", "principal"]

CHECKED_SAMPLES = 1000  # of a cluster
SMALLEST = 40  # samples of a cluster that is looked at
PAIRS_PER_CLUSTER = 3  # nearest clusters that are compared with each


def find(labels, embedding, n_clusters: int, *, seed: int = 0) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Find clusters that look like two groups, and pairs of clusters that look like one.

    Two sets of points A, B are judged by the density along the line through their means, with the means at -1 and +1.
    Let c be the smaller of the two counts within 1/4 of a mean, and v the smallest count in a window of the same
    width whose middle lies in [-1/2, 1/2]; A and B weigh the same. There is a gap if v + 2 sqrt(v + 1) < c / 2, and
    none if v >= c. A cluster looks like two groups if there is a gap between the halves that 2-means gives (neither
    below a fifth); two clusters look like one group if there is none between them. For two Gaussians of the same size
    D standard deviations apart, v / c is about .75 at D = 3 and .3 at D = 4; a uniform cluster cut in two has v = c,
    a Gaussian one v > c.

    Args:
      labels: [n] the clusters 0 to n_clusters - 1; others are left out.
      embedding: [n, d] finite.
      n_clusters: K.
      seed: decides which samples of large clusters are looked at.

    Returns:
      (clusters that look like two groups, pairs of clusters that look like one), by number, sorted.

    Ties and limits: at most 1,000 samples of a cluster and, for each cluster, its three nearest ones are looked at;
    clusters of fewer than 40 samples are not. Three groups in one cluster, and groups of very different sizes in one,
    can be missed; so can one small group cut in two, since v is the smallest of several counts.
    """
    rng = np.random.default_rng(seed)
    center = embedding.mean(0, dtype=np.float64)
    points = {}
    for k in range(n_clusters):
        members = np.flatnonzero(labels == k)
        if len(members) >= SMALLEST:
            points[k] = embedding[rng.permutation(members)[:CHECKED_SAMPLES]] - center
    merged = tuple(k for k, cluster in points.items() if _has_gap(*_halves(cluster, rng)))
    known = list(points)
    if len(known) < 2:
        return merged, ()
    means = np.array([points[k].mean(0) for k in known])
    pairs = set()
    for position, mean in enumerate(means):
        near = np.argsort(((means - mean) ** 2).sum(1), kind="stable")
        near = near[near != position][:PAIRS_PER_CLUSTER]
        pairs |= {tuple(sorted((known[position], known[other]))) for other in near}
    return merged, tuple(pair for pair in sorted(pairs) if _is_one(points[pair[0]], points[pair[1]]))


def principal(points, dimensions: int = 20, *, seed: int = 0) -> np.ndarray:
    """Leading principal coordinates by subspace iteration: cheap where samples have many values.

    Args:
      points: [m, ...] finite.
      dimensions: how many; fewer come back where m or the values of a sample offer fewer.
      seed: of the subspace that the iteration begins with.

    Returns:
      [m, at most dimensions] float64, up to a rotation.
    """
    points = np.asarray(points)
    points = points.reshape(len(points), -1)
    points = points - points.mean(0, dtype=np.float64)
    basis = np.random.default_rng(seed).standard_normal((points.shape[1], min(dimensions, *points.shape)))
    for _ in range(8):
        basis = np.linalg.qr(points.T @ (points @ basis))[0]
    return points @ basis


def _halves(points: np.ndarray, rng) -> tuple[np.ndarray, np.ndarray]:
    """2-means, begun on either side of the leading principal axis."""
    centered = points - points.mean(0)
    axis = rng.standard_normal(centered.shape[1])
    for _ in range(30):  # power iteration: an approximate axis is enough to begin from
        axis = centered.T @ (centered @ axis)
        axis /= max(np.linalg.norm(axis), 1e-300)
    side = centered @ axis > 0
    for _ in range(30):
        if side.all() or not side.any():
            break
        a, b = centered[side].mean(0), centered[~side].mean(0)
        new = (centered - (a + b) / 2) @ (a - b) > 0
        if (new == side).all():
            break
        side = new
    return points[side], points[~side]


def _counts(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """(v, c) of `diagnose`: the emptiest window between the means, and the emptier window around a mean."""
    direction = b.mean(0) - a.mean(0)
    length = np.linalg.norm(direction)
    if length == 0:
        return 1.0, 1.0  # the same place: certainly no gap
    middle = (a.mean(0) + b.mean(0)) / 2
    # Both sides weigh the same, whatever their sizes: else a small group beside a large one has no center.
    values = [((side - middle) @ direction) * 2 / length**2 for side in (a, b)]
    size = min(len(a), len(b))
    weights = [size / len(side) for side in values]

    def count(center: float) -> float:
        inside = (np.count_nonzero(np.abs(side - center) <= 0.25) for side in values)
        return sum(weight * number for weight, number in zip(weights, inside, strict=True))

    return min(count(center) for center in np.linspace(-0.5, 0.5, 9)), min(count(-1.0), count(1.0))


def _has_gap(a: np.ndarray, b: np.ndarray) -> bool:
    if min(len(a), len(b)) < 0.2 * (len(a) + len(b)):
        return False
    valley, center = _counts(a, b)
    return valley + 2 * np.sqrt(valley + 1) < center / 2


def _is_one(a: np.ndarray, b: np.ndarray) -> bool:
    valley, center = _counts(a, b)
    return valley >= center
