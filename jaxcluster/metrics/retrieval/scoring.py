"""The retrieval protocol: draw queries, rank the rest for each of them, average the scores."""

from typing import NamedTuple

import numpy as np

from jaxcluster.metrics.retrieval import codes, ranking
from jaxcluster.metrics.retrieval.ties import average_precision, average_precision_at, precision_at

__all__ = ["Scores", "evaluate", "per_query", "split"]


class Scores(NamedTuple):
    """Means over the queries (`evaluate`, floats), or one value for each (`per_query`, [q] float64).

    Attributes:
      precision_at_k: share of relevant items among the first k.
      mean_ap: average precision over the whole gallery, divided by the number of relevant items.
      mean_ap_at_k: average precision over the first k, divided by the hits among them.
      mean_ap_at_k_min: the same divided by min(number of relevant items, k).
    """

    precision_at_k: np.ndarray | float
    mean_ap: np.ndarray | float
    mean_ap_at_k: np.ndarray | float
    mean_ap_at_k_min: np.ndarray | float


def split(labels, n_queries: int, *, seed: int = 0, stratified: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Draw the queries; the gallery is the rest.

    Args:
      labels: [n] labels.
      n_queries: how many queries.
      seed: decides the draw.
      stratified: the same number from each class (`n_queries` must divide by their number), else uniformly.

    Returns:
      (queries [n_queries], gallery [n - n_queries]) positions. The queries come in random order; the gallery
      keeps its order.
    """
    labels = np.asarray(labels)
    n = len(labels)
    if not 1 <= n_queries < n:
        raise ValueError(f"n_queries must lie between 1 and {n - 1} for {n} samples, got {n_queries}")
    rng = np.random.default_rng(seed)
    if stratified:
        classes = np.unique(labels)
        if n_queries % len(classes):
            raise ValueError(f"n_queries must divide by the {len(classes)} classes, got {n_queries}")
        each = n_queries // len(classes)
        members = [np.flatnonzero(labels == name) for name in classes]
        least = min(map(len, members))
        if least < each:
            raise ValueError(f"n_queries = {n_queries} takes {each} of each class, but one has only {least}")
        queries = rng.permutation(np.concatenate([rng.choice(m, each, replace=False) for m in members]))
    else:
        queries = rng.permutation(n)[:n_queries]
    return queries, np.setdiff1d(np.arange(n), queries)


def per_query(query_codes, query_labels, gallery_codes, gallery_labels, *, k: int = 1000, ties: str = "expected"):
    """Score each query's ranking of the gallery.

    Args:
      query_codes: [q, bits] bool, 0/1 or floats (cut at 0.5).
      query_labels: [q] labels.
      gallery_codes: [n, bits] likewise.
      gallery_labels: [n] labels; relevant is what has the query's label.
      k: depth of precision@k and AP@k, at most n.
      ties: 'expected': the exact expectation over all orders of equally distant items; 'stable': the order of
        the gallery. The latter is fair only if the gallery is in random order.

    Returns:
      Scores of [q] arrays, float64.

    Reference: ClusterGAN (CVPR 2019), Table 3. For the division by hits in AP@k see
      `ties.average_precision_at`.
    """
    if ties not in ("expected", "stable"):
        raise ValueError(f"ties must be 'expected' or 'stable', got {ties!r}")
    query_bits, gallery_bits = codes.binarize(query_codes), codes.binarize(gallery_codes)
    if query_bits.shape[1] != gallery_bits.shape[1]:
        raise ValueError(
            f"query_codes and gallery_codes must have the same bits, got {query_bits.shape[1]} and "
            f"{gallery_bits.shape[1]}"
        )
    query_labels = _labels("query_labels", query_labels, len(query_bits))
    gallery_labels = _labels("gallery_labels", gallery_labels, len(gallery_bits))
    if not 1 <= k <= len(gallery_bits):
        raise ValueError(f"k must lie between 1 and the {len(gallery_bits)} items of the gallery, got {k}")
    inputs = codes.pack(query_bits), query_labels, codes.pack(gallery_bits), gallery_labels
    if ties == "stable":
        return _in_gallery_order(inputs, k)
    counts, relevant = ranking.histograms(*inputs, query_bits.shape[1])
    return Scores(
        precision_at(counts, relevant, k),
        average_precision(counts, relevant),
        average_precision_at(counts, relevant, k, divide_by="hits"),
        average_precision_at(counts, relevant, k, divide_by="min"),
    )


def evaluate(
    all_codes,
    labels,
    *,
    n_queries: int = 1000,
    seed: int = 0,
    stratified: bool = False,
    k: int = 1000,
    ties: str = "expected",
) -> Scores:
    """Draw queries from coded samples, rank the others for each query, and average the scores.

    Args:
      all_codes: [n, bits] bool, 0/1 or floats (cut at 0.5).
      labels: [n] labels; relevant is what has the query's label.
      n_queries: how many samples are queries; the rest is the gallery.
      seed: decides which.
      stratified: draw the same number of queries from each class.
      k: depth of precision@k and mAP@k.
      ties: as in `per_query`.

    Returns:
      Scores of Python floats in [0, 1].
    """
    bits = codes.binarize(all_codes)
    labels = _labels("labels", labels, len(bits))
    queries, gallery = split(labels, n_queries, seed=seed, stratified=stratified)
    scores = per_query(bits[queries], labels[queries], bits[gallery], labels[gallery], k=k, ties=ties)
    return Scores(*(float(values.mean()) for values in scores))


def _in_gallery_order(inputs, k: int) -> Scores:
    rows = []
    ranks = np.arange(1, len(inputs[2]) + 1)
    for _, relevant in ranking.ranked_relevance(*inputs):
        places = np.flatnonzero(relevant)
        precision = np.arange(1, len(places) + 1) / ranks[places]
        hits = np.searchsorted(places, k)
        top = precision[:hits].sum()
        total = len(places)
        rows.append((hits / k, precision.sum() / max(total, 1), top / max(hits, 1), top / max(min(total, k), 1)))
    return Scores(*np.array(rows, np.float64).reshape(-1, 4).T)


def _labels(argument: str, values, n: int) -> np.ndarray:
    values = np.asarray(values)
    if values.shape != (n,):
        raise ValueError(f"{argument} must have shape [{n}] like the codes, got {values.shape}")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(f"{argument} must be known for all samples, got NaN or infinity among them")
    return values
