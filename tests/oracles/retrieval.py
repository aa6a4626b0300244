"""Retrieval scores by their definitions: one ranking item by item, and all orders of its ties."""

import itertools

import numpy as np


def scores(relevant, k):
    """precision@k, AP, AP@k by hits and by min(R, k) of one ranking without ties."""
    hits, precisions, top = 0, [], []
    for rank, is_relevant in enumerate(relevant, 1):
        if is_relevant:
            hits += 1
            precisions.append(hits / rank)
            if rank <= k:
                top.append(hits / rank)
    total = sum(relevant)
    return np.array(
        [
            sum(relevant[:k]) / k,
            sum(precisions) / total if total else 0.0,
            sum(top) / len(top) if top else 0.0,
            sum(top) / min(total, k) if total else 0.0,
        ]
    )


def expected_scores(counts, relevant, k):
    """Mean of `scores` over all places of the relevant items inside each group; all are equally likely."""
    groups = [
        [tuple(i in places for i in range(n)) for places in itertools.combinations(range(n), r)]
        for n, r in zip(counts, relevant)
    ]
    rankings = [sum(choice, ()) for choice in itertools.product(*groups)]
    return np.mean([scores(ranking, k) for ranking in rankings], axis=0)


def sampled_scores(counts, relevant, k, draws, rng):
    """[draws, 4] `scores` of rankings with random order of the ties."""
    rows = []
    for _ in range(draws):
        ranking = [rng.permutation(np.arange(n) < r) for n, r in zip(counts, relevant)]
        rows.append(scores(np.concatenate(ranking).tolist(), k))
    return np.array(rows)


def hamming(queries, gallery):
    return np.array([[sum(a != b for a, b in zip(query, item)) for item in gallery] for query in queries])


def labeled_codes(seed, n=300, bits=12, classes=4):
    """Codes that know something of their labels: a code a class, a quarter of the bits flipped."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=n)
    centers = rng.random((classes, bits)) < 0.5
    return centers[labels] ^ (rng.random((n, bits)) < 0.25), labels
