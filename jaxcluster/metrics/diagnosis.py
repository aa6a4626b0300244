"""What looks wrong with a clustering; needs no labels.

The checks are cautious: what they report is plain to see in the figures that they state, and what they do not report
may still be wrong. In particular, training pulls its clusters apart in the
embedding, so that a class cut in two by the initial clustering can look like two well separated groups.
"""

from typing import NamedTuple

import numpy as np

from jaxcluster.metrics import clustering, gaps

__all__ = ["COLLAPSED_SHARE", "Diagnosis", "diagnose"]

COLLAPSED_SHARE = 0.95  # of all samples in one cluster
TINY_SHARE = 0.1  # of the average size n / K
UNSURE = 0.5  # mean confidence of a cluster; what confidence means differs, so also
UNSURE_SHARE = 0.75  # of the mean confidence of all samples
FEATURE_SAMPLES = 4000  # in which merged clusters are looked for
LISTED = 6  # clusters or pairs in one sentence


class Diagnosis(NamedTuple):
    """What looks wrong with a clustering; clusters by number, empty tuples where nothing was found."""

    sizes: np.ndarray
    """[k] samples of each cluster."""
    collapsed: bool
    """One cluster holds nearly all samples, or all embeddings are equal."""
    empty: tuple[int, ...]
    tiny: tuple[int, ...]
    """Not empty, and smaller than a tenth of the average size."""
    merged: tuple[int, ...]
    """Clusters with a gap inside, seen in the embedding: they look like two groups."""
    merged_in_features: tuple[int, ...]
    """The same, seen in the features; training cannot have closed a gap there."""
    split: tuple[tuple[int, int], ...]
    """Pairs of clusters without a gap between them: they look like one group."""
    unsure: tuple[int, ...]
    """Clusters whose mean confidence is below one half, and below three quarters of the mean of all samples."""
    joined: tuple[tuple[int, int, int], ...]
    """(a, b, c): most of the initial clusters a and b is in cluster c now."""
    change: float | None
    """Share of samples outside the best one-to-one matching with the initial clusters; None without them."""
    sentences: tuple[str, ...]
    """The same in words, each with how it was seen; empty if nothing looks wrong."""


def diagnose(
    labels, embedding, confidence, n_clusters: int, *, initial_labels=None, features=None, seed: int = 0
) -> Diagnosis:
    """Look for collapsed, empty, tiny, merged, split and unsure clusters.

    Gaps are looked for by `gaps.find`, which states how. Clusters are collapsed if one holds 95 % of the samples, tiny
    below a tenth of n / K, unsure if their mean confidence is below 1/2 and below 3/4 of that of all samples. Clusters
    a and b of the initial clustering are joined in c if more than half of either is there and makes up at least a
    fifth of c.

    Args:
      labels: [n] the clusters 0 to n_clusters - 1; -1 for samples left out.
      embedding: [n, d] the representation in which gaps are looked for.
      confidence: [n] in [0, 1].
      n_clusters: K, empty ones counted.
      initial_labels: [n] the clustering that training began from, or None.
      features: [n, ...] the samples as the first layer sees them, or None; what has a shape and gives rows by their
        positions is enough. Gaps within clusters are looked for in 20 principal components of at most 4,000 of them.
      seed: decides which samples of large clusters are looked at.

    Returns:
      A `Diagnosis`. With a collapsed clustering, or an embedding that is not finite, shapes are not looked at.

    Raises:
      ValueError: a shape or a label is not as stated.
    """
    labels, embedding, confidence = _checked(labels, embedding, confidence, n_clusters)
    assigned = labels >= 0
    sizes = np.bincount(labels[assigned], minlength=n_clusters)
    n = int(sizes.sum())
    finite = bool(np.isfinite(embedding).all())
    flat = finite and n > 1 and bool((embedding == embedding[0]).all())
    collapsed = n_clusters > 1 and n > 1 and (bool(sizes.max() >= COLLAPSED_SHARE * n) or flat)
    empty = tuple(np.flatnonzero(sizes == 0).tolist())
    tiny = tuple(np.flatnonzero((sizes > 0) & (sizes < TINY_SHARE * n / n_clusters)).tolist())
    means = np.array([_mean(confidence[labels == k]) for k in range(n_clusters)])
    unsure = tuple(np.flatnonzero(means < min(UNSURE, UNSURE_SHARE * _mean(confidence[assigned]))).tolist())
    collapsed_or_broken = collapsed or not finite
    merged, split = ((), ()) if collapsed_or_broken else gaps.find(labels, embedding, n_clusters, seed=seed)
    seen = () if collapsed or features is None else _merged_in(features, labels, n_clusters, seed)
    joined, change = ((), None) if initial_labels is None else _moved(np.asarray(initial_labels), labels)
    found = Diagnosis(sizes, collapsed, empty, tiny, merged, seen, split, unsure, joined, change, ())
    return found._replace(sentences=tuple(_sentences(found, means, finite, flat)))


def _checked(labels, embedding, confidence, n_clusters: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels, confidence = np.asarray(labels), np.asarray(confidence, np.float64)
    embedding = np.asarray(embedding)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or len(labels) == 0:
        raise ValueError(f"labels must be integers [n] and not empty, got {labels.dtype} {labels.shape}")
    if embedding.ndim != 2 or len(embedding) != len(labels):
        raise ValueError(f"embedding must have shape [{len(labels)}, d], got {embedding.shape}")
    if confidence.shape != labels.shape:
        raise ValueError(f"confidence must have shape [{len(labels)}], got {confidence.shape}")
    if labels.min() < -1 or labels.max() >= n_clusters:
        wrong = labels.min() if labels.min() < -1 else labels.max()
        raise ValueError(f"labels must be -1 to n_clusters - 1 = {n_clusters - 1}, got {wrong}")
    return labels.astype(np.int64), embedding, confidence


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _merged_in(features, labels: np.ndarray, n_clusters: int, seed: int) -> tuple[int, ...]:
    features = features if hasattr(features, "shape") else np.asarray(features)
    rows = np.sort(np.random.default_rng(seed).permutation(len(labels))[:FEATURE_SAMPLES])
    chosen = np.asarray(features[rows])
    if not np.isfinite(chosen).all():
        raise ValueError("features must be finite, got NaN or infinity among them")
    return gaps.find(labels[rows], gaps.principal(chosen, seed=seed), n_clusters, seed=seed)[0]


def _moved(initial: np.ndarray, labels: np.ndarray) -> tuple[tuple[tuple[int, int, int], ...], float]:
    table, before, after = clustering.contingency(initial, labels)
    home = table.argmax(1)
    strong = table.max(1) > 0.5 * table.sum(1)
    joined = []
    for k in range(len(after)):
        here = np.flatnonzero((home == k) & strong & (table[:, k] >= 0.2 * table[:, k].sum()))
        if after[k] >= 0 and len(here) > 1:
            first, second = here[np.argsort(-table[here, k], kind="stable")][:2]
            joined.append((int(before[first]), int(before[second]), int(after[k])))
    return tuple(joined), 1.0 - clustering.accuracy(initial, labels)


def _named(items, kind: str = "cluster") -> str:
    """'cluster 3', 'clusters 3 and 5', 'clusters 3, 5, 6 and 4 more'."""
    texts = [str(item) for item in items[:LISTED]]
    if len(items) > LISTED:
        texts.append(f"{len(items) - LISTED} more")
    joined = texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
    return f"{kind}{'s' if len(items) > 1 else ''} {joined}"


def _sentences(found: Diagnosis, means: np.ndarray, finite: bool, flat: bool) -> list[str]:
    sizes, n_clusters = found.sizes, len(found.sizes)
    average = sizes.sum() / n_clusters
    said = []
    if not finite:
        said.append("The embedding holds NaN or infinity: the network's outputs are not usable.")
    if found.collapsed and flat:
        said.append("The clustering has collapsed: the network gives every sample the same embedding.")
    elif found.collapsed:
        largest = int(sizes.argmax())
        said.append(
            f"The clustering has collapsed: cluster {largest} holds {sizes[largest]:,} of {sizes.sum():,} samples "
            f"({sizes[largest] / sizes.sum():.1%})."
        )
    if found.empty:
        verb = "is" if len(found.empty) == 1 else "are"
        largest = int(sizes.argmax())
        there = f" (cluster {largest}, the largest, has {sizes[largest] / average:.1f} times the average size)"
        said.append(
            f"{len(found.empty)} of {n_clusters} clusters {verb} empty ({_named(found.empty)}): n_clusters may be too "
            f"large, or training has merged clusters{there if sizes.max() >= 1.5 * average else ''}."
        )
    if found.tiny:
        verb, below = ("has", "its size is") if len(found.tiny) == 1 else ("have", "their sizes are")
        listed = ", ".join(f"{sizes[k]:,}" for k in found.tiny[:LISTED])
        said.append(
            f"{_named(found.tiny).capitalize()} {verb} few samples ({listed}): {below} below a tenth of the average "
            f"of {average:,.0f}."
        )
    places = (("embedding", found.merged), ("features", sorted(set(found.merged_in_features) - set(found.merged))))
    for where, clusters in places:
        if clusters:
            verb, whose = ("looks", "its") if len(clusters) == 1 else ("look", "their")
            said.append(
                f"{_named(clusters).capitalize()} {verb} like two groups merged: cut in two, {whose} samples leave a "
                f"gap between the halves, seen in the {where}."
            )
    if found.split:
        pairs = [f"{a} and {b}" for a, b in found.split[:LISTED]]
        more = f" and {len(found.split) - LISTED} more pairs" if len(found.split) > LISTED else ""
        which = f"Clusters {'; '.join(pairs)}{more}"
        said.append(
            f"{which} may be one group split: on the line between {'the two' if len(pairs) == 1 else 'each two'} "
            "centers there are as many samples at the border as at the centers."
        )
    if found.unsure:
        listed = ", ".join(f"{means[k]:.2f}" for k in found.unsure[:LISTED])
        which = _named(found.unsure).capitalize()
        verb, mean = ("is", "its mean confidence is") if len(found.unsure) == 1 else ("are", "their mean confidence is")
        said.append(f"{which} {verb} much less certain than the others: {mean} {listed}.")
    for a, b, c in found.joined[:LISTED]:
        said.append(
            f"More than half of cluster {a} and more than half of cluster {b} of the initial clustering are in cluster "
            f"{c} now: training may have merged them."
        )
    return said
