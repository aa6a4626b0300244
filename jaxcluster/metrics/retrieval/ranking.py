"""Ranking a gallery by Hamming distance: what lies at each distance, or one definite order."""

import numpy as np

from jaxcluster.metrics.retrieval import codes

__all__ = ["histograms", "ranked_relevance"]

_DISTANCES_AT_ONCE = 1 << 20  # query-gallery pairs; 8 MB of words, which a cache holds


def histograms(query_codes, query_labels, gallery_codes, gallery_labels, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Count, for each query, the gallery items at each distance, and those of them with the query's label.

    Args:
      query_codes: [q, words] uint64, packed.
      query_labels: [q] labels.
      gallery_codes: [n, words] uint64, packed.
      gallery_labels: [n] labels.
      bits: how many bits a code has.

    Returns:
      (all [q, bits + 1], relevant [q, bits + 1]) int64. Memory stays bounded whatever q is.
    """
    shape = len(query_codes), bits + 1
    everything, relevant = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for q, distance in _distances(query_codes, gallery_codes):
        everything[q] = np.bincount(distance, minlength=bits + 1)
        relevant[q] = np.bincount(distance[gallery_labels == query_labels[q]], minlength=bits + 1)
    return everything, relevant


def ranked_relevance(query_codes, query_labels, gallery_codes, gallery_labels):
    """Rank the gallery for each query by distance, ties in the order of the gallery.

    Args:
      query_codes: [q, words] uint64, packed.
      query_labels: [q] labels.
      gallery_codes: [n, words] uint64, packed.
      gallery_labels: [n] labels.

    Yields:
      (order [n], relevant [n] bool) for each query: gallery positions, nearest first, and which have its
      label.
    """
    for q, distance in _distances(query_codes, gallery_codes):
        order = np.argsort(distance, kind="stable")
        yield order, gallery_labels[order] == query_labels[q]


def _distances(query_codes, gallery_codes):
    at_once = max(1, _DISTANCES_AT_ONCE // len(gallery_codes))
    for start in range(0, len(query_codes), at_once):
        block = codes.hamming(query_codes[start : start + at_once], gallery_codes)
        yield from enumerate(block, start)
