"""Whether training has made a clustering worse: the initial clustering against the final one; needs no labels."""

from typing import NamedTuple

import numpy as np

from jaxcluster.metrics.clustering import contingency
from jaxcluster.metrics.diagnosis import COLLAPSED_SHARE

__all__ = ["Choice", "better_of", "edge_information", "neighbor_information"]

COMPARED_SAMPLES = 4000  # in the graph of neighbors
NEIGHBORS = 10
FEWEST = 3  # samples that have neighbors to speak of


class Choice(NamedTuple):
    """Which of two clusterings to keep, and why."""

    keep: str
    """'final' or 'initial'."""
    reason: str
    """One or two sentences."""
    figures: dict[str, float]
    """'initial' and 'final': edge information in nats; 'margin', 'error': what the difference was held against."""


def edge_information(labels, neighbors) -> tuple[float, np.ndarray]:
    """Mutual information of the clusters at the two ends of an edge of a graph of neighbors.

    L = sum_rs p_rs log(p_rs / (p_r p_s)),   p_rs the share of edge ends that join clusters r and s

    It is, up to a constant, the profile log-likelihood of the degree-corrected block model for one edge. It is 0
    if all samples are in one cluster or labels are random, log K if no edge leaves K clusters with equally many edges.

    Args:
      labels: [m] the clusters.
      neighbors: [m, k] positions of the neighbors of each sample; edges count in both directions.

    Returns:
      (L in nats, [m] the contribution of each sample's edges; their mean is L).

    Reference: Karrer and Newman (2011), Stochastic blockmodels and community structure in networks, Eq. 15.
    """
    names, labels = np.unique(np.asarray(labels), return_inverse=True)
    neighbors = np.asarray(neighbors)
    n_groups = len(names)
    ends = labels[neighbors]
    starts = np.broadcast_to(labels[:, None], ends.shape)
    table = np.bincount((starts * n_groups + ends).ravel(), minlength=n_groups**2).reshape(n_groups, n_groups)
    joint = (table + table.T) / (2 * table.sum())
    row = joint.sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(joint > 0, np.log(joint) - np.log(row[:, None]) - np.log(row), 0.0)
    parts = logs[starts, ends].mean(1)
    return float(parts.mean()), parts


def better_of(initial_labels, final_labels, features, *, n_clusters: int, seed: int = 0) -> Choice:
    """Decide, without labels, whether the final clustering of a run is clearly worse than its initial one.

    The final one is kept unless a rule below says otherwise; the first that applies decides.

    1. The two are the same up to the numbering of clusters: final.
    2. Final has collapsed (one cluster holds 95 % of the samples) and initial has not: initial.
    3. L(final) < L(initial) - max(margin, 3 standard errors), with L the `edge_information` of a graph of ten nearest
       neighbors of the *features*, less that of the same labels in random order: initial. The margin is log(2) / K,
       which is half of what joining two of K equal clusters costs; it is 0 if final leaves more of the K clusters
       empty than initial does. The standard error is that of the mean of paired differences, sample by sample.
    4. Otherwise final.

    Why so: a comparison in the embedding of either side would judge each clustering by the space that was made for
    it, so both are judged on one graph that no training has touched. Distances to cluster means (silhouette and
    its relatives) prefer round clusters, and therefore the k-means that most runs begin with, to a better one along
    the shape of the data; a graph asks only whether neighbors stay together. The share of such neighbors alone would
    prefer one cluster for all, which L, being corrected for chance, puts last. Where neighbors in the features mean
    little (pixels of photographs), L is small for both, the margin is not reached, and the final one is kept.

    Args:
      initial_labels: [n] the clustering that training began from.
      final_labels: [n] the clustering after it.
      features: [n, ...] the samples as the first layer sees them, or their principal components; what has a shape
        and gives rows by their positions is enough.
      n_clusters: K.
      seed: decides which 4,000 samples are compared if there are more.

    Returns:
      A `Choice`.

    Raises:
      ValueError: lengths differ, or features are not finite.
    """
    initial, final = np.asarray(initial_labels), np.asarray(final_labels)
    features = features if hasattr(features, "shape") else np.asarray(features)
    if initial.ndim != 1 or initial.shape != final.shape or len(features) != len(final):
        raise ValueError(
            f"initial_labels, final_labels and features must have one row for each sample, got {initial.shape}, "
            f"{final.shape} and {len(features)}"
        )
    if _same(initial, final):
        return Choice("final", "The final clustering is the initial one, up to the numbering of the clusters.", {})
    largest = {name: _largest(labels) for name, labels in (("initial", initial), ("final", final))}
    if n_clusters > 1 and largest["final"] >= COLLAPSED_SHARE > largest["initial"]:
        reason = (
            f"The final clustering has collapsed: one cluster holds {largest['final']:.1%} of the samples, and "
            f"{largest['initial']:.1%} before training. The initial clustering is kept."
        )
        return Choice("initial", reason, {})
    if len(final) < FEWEST:
        return Choice("final", "There are too few samples to compare the two clusterings.", {})
    rows, neighbors = _some_neighbors(features, seed)
    before, before_parts = _beyond_chance(initial[rows], neighbors, seed)
    after, after_parts = _beyond_chance(final[rows], neighbors, seed)
    error = float(np.std(after_parts - before_parts) / np.sqrt(len(rows)))
    fewer = len(np.unique(final)) < len(np.unique(initial))
    margin = 0.0 if fewer else float(np.log(2) / n_clusters)
    figures = {"initial": before, "final": after, "margin": margin, "error": error}
    limit = max(margin, 3 * error)
    worse = before - after > limit
    reason = (
        "How well nearest neighbors in the features stay together (mutual information of the clusters at the two ends "
        f"of an edge): {before:.3f} nats for the initial clustering, {after:.3f} for the final one. "
    )
    if worse:
        reason += f"The loss is larger than the {limit:.3f} that would be let pass"
        reason += ", and more clusters are empty" if fewer else ""
        reason += "; the initial clustering is kept."
    else:
        reason += f"That is not worse by more than {limit:.3f}; the final clustering is kept."
    return Choice("initial" if worse else "final", reason, figures)


def neighbor_information(labels, features, *, seed: int = 0) -> float:
    """How much of the clusters nearest neighbors in the features tell: whether the features show such groups at all.

    (L - L_chance) / H,   H = -sum_r p_r log p_r

    with L the `edge_information` of a graph of ten nearest neighbors, L_chance that of the same labels in random order
    and p_r the share of the samples in cluster r: 0 for random labels, 1 if neighbors always share their cluster.
    What it takes for granted is that near samples belong together: a line cut in pieces has a value near 1 as well.

    Args:
      labels: [n] the clusters.
      features: [n, ...] as for `better_of`.
      seed: decides which 4,000 samples are looked at if there are more.

    Returns:
      The share; NaN with one cluster or fewer than 3 samples.

    Raises:
      ValueError: features are not finite.
    """
    labels = np.asarray(labels)
    if len(labels) < FEWEST:
        return float("nan")
    rows, neighbors = _some_neighbors(features, seed)
    _, counts = np.unique(labels[rows], return_counts=True)
    shares = counts / counts.sum()
    entropy = float(-(shares * np.log(shares)).sum())
    return _beyond_chance(labels[rows], neighbors, seed)[0] / entropy if entropy > 0 else float("nan")


def _some_neighbors(features, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(positions of the samples that are looked at, their neighbors among each other)."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(features))[:COMPARED_SAMPLES])
    return rows, _neighbors(np.asarray(features[rows]), min(NEIGHBORS, len(rows) - 1))


def _beyond_chance(labels: np.ndarray, neighbors: np.ndarray, seed: int) -> tuple[float, np.ndarray]:
    """`edge_information` less that of the same labels in random order, which grows with the number of clusters."""
    rng = np.random.default_rng(seed)
    chance = np.mean([edge_information(rng.permutation(labels), neighbors)[0] for _ in range(4)])
    value, parts = edge_information(labels, neighbors)
    return value - float(chance), parts


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    table, _, _ = contingency(a, b)
    return bool(((table > 0).sum(0) == 1).all() and ((table > 0).sum(1) == 1).all())


def _largest(labels: np.ndarray) -> float:
    return float(np.unique(labels, return_counts=True)[1].max() / len(labels))


def _neighbors(features: np.ndarray, k: int) -> np.ndarray:
    """[m, k] the nearest other samples, by exact distances of centered features."""
    features = features.reshape(len(features), -1)
    if not np.isfinite(features).all():
        raise ValueError("features must be finite, got NaN or infinity among them")
    features = features - features.mean(0, dtype=np.float64).astype(np.result_type(features, np.float32))
    gram = features @ features.T
    squares = np.diag(gram).copy()
    distances = squares[:, None] + squares - 2 * gram
    np.fill_diagonal(distances, np.inf)
    return np.argpartition(distances, k - 1, axis=1)[:, :k]
