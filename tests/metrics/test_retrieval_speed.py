"""Time of 1,000 queries on 69,000 items, against a plain evaluator: ``pytest -m bench tests/metrics -s``."""

import resource
import time

import numpy as np
import pytest

from jaxcluster.metrics import retrieval
from tests.oracles.retrieval import labelled_codes


def plain(query_codes, query_labels, gallery_codes, gallery_labels, k):
    """A product of +-1 codes, a sort and a running sum for each query; ties in the order of the gallery."""
    queries, gallery = (2 * codes.astype(np.float32) - 1 for codes in (query_codes, gallery_codes))
    ranks = np.arange(1, len(gallery) + 1)
    rows = []
    for code, label in zip(queries, query_labels):
        relevant = (gallery_labels == label)[np.argsort(-(gallery @ code), kind="stable")]
        precision = np.cumsum(relevant) / ranks
        top = relevant[:k]
        rows.append(
            (
                top.mean(),
                (precision * relevant).sum() / relevant.sum(),
                (precision[:k] * top).sum() / top.sum(),
            )
        )
    return np.array(rows).T


@pytest.mark.bench
@pytest.mark.parametrize("bits", [32, 64])
def test_retrieval_against_a_plain_evaluator(bits):
    codes, labels = labelled_codes(0, n=70_000, bits=bits, classes=10)
    split = codes[:1000], labels[:1000], codes[1000:], labels[1000:]
    seconds = {}
    for ties in ("expected", "stable"):
        start = time.perf_counter()
        scores = retrieval.per_query(*split, k=1000, ties=ties)
        seconds[ties] = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    expected = plain(*split, k=1000)
    seconds["plain"] = time.perf_counter() - start
    np.testing.assert_allclose(scores[:3], expected, atol=1e-6)
    print(f"\n{bits} bits, 1,000 queries, 69,000 items; peak resident before the plain one {peak:.0f} MB")
    for name, value in seconds.items():
        print(f"  {name:<9}{value:6.2f} s   {seconds['plain'] / value:5.1f} times as fast as plain")
