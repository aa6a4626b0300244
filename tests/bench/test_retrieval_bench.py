"""Time of 1,000 queries on 69,000 items, against a plain NumPy evaluator: ratios in one run.

    python -m pytest -m bench tests/bench/test_retrieval_bench.py -s

Ratios are of processor seconds, since other work on the machine changes those on the clock more. With
RETRIEVAL_BENCH=record the figures are written to configs/records/retrieval_bench.json.
"""

import os
import resource
import time

import numpy as np
import pytest

from jaxcluster.metrics import retrieval
from tests.bench.recording import record
from tests.oracles.retrieval import labeled_codes

QUERIES, ITEMS, K = 1000, 69_000, 1000


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
    load = os.getloadavg()[0]
    codes, labels = labeled_codes(0, n=QUERIES + ITEMS, bits=bits, classes=10)
    split = codes[:QUERIES], labels[:QUERIES], codes[QUERIES:], labels[QUERIES:]
    seconds, processor = {}, {}

    def timed(name, call):
        began = time.perf_counter(), time.process_time()
        result = call()
        seconds[name], processor[name] = time.perf_counter() - began[0], time.process_time() - began[1]
        return result

    for ties in ("expected", "stable"):
        scores = timed(ties, lambda ties=ties: retrieval.per_query(*split, k=K, ties=ties))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    expected = timed("plain", lambda: plain(*split, k=K))
    np.testing.assert_allclose(scores[:3], expected, atol=1e-6)
    print(f"\n{bits} bits, {QUERIES:,} queries, {ITEMS:,} items; peak resident before the plain one {peak:.0f} MB")
    ratios = {name: processor["plain"] / value for name, value in processor.items()}
    for name, value in seconds.items():
        print(
            f"  {name:<9}{value:6.2f} s, processor {processor[name]:6.2f} s;"
            f" {ratios[name]:5.1f} times as fast as plain by the processor's"
        )
    record(
        "retrieval",
        f"{bits} bits",
        {
            "load_average_before": round(load, 1),
            "peak_resident_mb_before_plain": round(peak),
            "seconds": {name: round(value, 2) for name, value in seconds.items()},
            "processor_seconds": {name: round(value, 2) for name, value in processor.items()},
            "times_as_fast_as_plain_by_processor_seconds": {name: round(value, 1) for name, value in ratios.items()},
        },
        cores_used=len(os.sched_getaffinity(0)),
        queries=QUERIES,
        items=ITEMS,
        k=K,
    )
