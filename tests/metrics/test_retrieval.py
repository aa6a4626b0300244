"""Retrieval: distances, closed forms against all orders of ties, by laws and at the edges."""

from fractions import Fraction

import numpy as np
import pytest

from jaxcluster.metrics import retrieval
from jaxcluster.metrics.retrieval import codes as coding
from tests.oracles import retrieval as oracle
from tests.oracles.retrieval import labeled_codes


def closed_forms(counts, relevant, k):
    counts, relevant = np.atleast_2d(counts), np.atleast_2d(relevant)
    return np.stack(
        [
            retrieval.precision_at(counts, relevant, k),
            retrieval.average_precision(counts, relevant),
            retrieval.average_precision_at(counts, relevant, k),
            retrieval.average_precision_at(counts, relevant, k, divide_by="min"),
        ],
        -1,
    )


# --- codes


@pytest.mark.parametrize("bits", [1, 8, 10, 32, 63, 64, 65, 128, 200, 255, 256, 300])
def test_packing_and_distances(bits):
    rng = np.random.default_rng(bits)
    codes = rng.random((20, bits)) < 0.5
    codes[0], codes[1] = False, True
    packed = retrieval.pack(codes)
    assert packed.shape == (20, -(-bits // 64))
    np.testing.assert_array_equal(retrieval.unpack(packed, bits), codes)
    expected = oracle.hamming(codes[:5], codes)
    np.testing.assert_array_equal(retrieval.hamming(packed[:5], packed), expected)
    assert expected[0, 1] == bits


def test_popcount_by_table_is_the_same():
    words = np.random.default_rng(0).integers(0, 2**64, (30, 7), np.uint64)
    words[0, 0], words[0, 1] = 0, 2**64 - 1
    expected = np.array([[bin(int(word)).count("1") for word in row] for row in words])
    np.testing.assert_array_equal(coding._popcount(words), expected)
    np.testing.assert_array_equal(coding._popcount_by_table(words), expected)


def test_outputs_become_bits():
    expected = [[False, True], [True, False]]
    for codes in ([[0.5, 0.51], [1.0, 0.0]], np.array([[0, 1], [1, 0]], np.uint8), np.array(expected)):
        np.testing.assert_array_equal(retrieval.binarize(codes), expected)
    np.testing.assert_array_equal(retrieval.binarize([[-1.0, 1.0]], threshold=0.0), [[False, True]])


def test_the_ranking_is_by_distance_and_stable():
    codes, labels = labeled_codes(0, n=50)
    packed = retrieval.pack(codes)
    ranked = list(retrieval.ranked_relevance(packed[:3], labels[:3], packed, labels))
    for q, (order, relevant) in enumerate(ranked):
        distance = oracle.hamming(codes[q : q + 1], codes)[0]
        np.testing.assert_array_equal(order, sorted(range(50), key=lambda i, d=distance: (d[i], i)))
        np.testing.assert_array_equal(relevant, labels[order] == labels[q])


def test_histograms_do_not_depend_on_the_chunk(monkeypatch):
    codes, labels = labeled_codes(1, n=100)
    packed = retrieval.pack(codes)
    everything, relevant = retrieval.histograms(packed[:30], labels[:30], packed, labels, 12)
    distance = oracle.hamming(codes[:30], codes)
    for q in range(30):
        np.testing.assert_array_equal(everything[q], np.bincount(distance[q], minlength=13))
        same = labels == labels[q]
        np.testing.assert_array_equal(relevant[q], np.bincount(distance[q][same], minlength=13))
    from jaxcluster.metrics.retrieval import ranking

    monkeypatch.setattr(ranking, "_DISTANCES_AT_ONCE", 1)
    again = retrieval.histograms(packed[:30], labels[:30], packed, labels, 12)
    np.testing.assert_array_equal(again, (everything, relevant))


# --- ties: by hand, by all orders, by Monte Carlo


def test_by_hand():
    # Two items at distance 0, one of them relevant; then two irrelevant ones; then one relevant one. R = 2.
    got = closed_forms([2, 2, 0, 1], [1, 0, 0, 1], 1)[0]
    ap = ((1 + 2 / 5) / 2 + (1 / 2 + 2 / 5) / 2) / 2
    np.testing.assert_allclose(got, [1 / 2, ap, 1 / 2, 1 / 2])
    # At k = 2 the hit is at rank 1 or 2: AP@2 is 1 or 1/2; divided by min(R, 2) = 2 half of it.
    np.testing.assert_allclose(closed_forms([2, 2, 0, 1], [1, 0, 0, 1], 2)[0], [1 / 2, ap, 3 / 4, 3 / 8])


@pytest.mark.parametrize("seed", range(40))
def test_equal_to_the_mean_over_all_orders(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 5, size=4)
    counts[0] += counts.sum() == 0
    relevant = rng.integers(0, counts + 1)
    for k in range(1, counts.sum() + 1):
        np.testing.assert_allclose(
            closed_forms(counts, relevant, k)[0], oracle.expected_scores(counts, relevant, k), atol=1e-12
        )


@pytest.mark.parametrize("n", range(1, 8))
def test_one_group_equal_to_the_mean_over_all_orders(n):
    for r in range(n + 1):
        for k in range(1, n + 1):
            np.testing.assert_allclose(closed_forms([n], [r], k)[0], oracle.expected_scores([n], [r], k), atol=1e-12)


def test_equal_to_monte_carlo_with_large_groups():
    counts, relevant = [30, 400, 900, 70], [20, 150, 100, 3]
    draws = oracle.sampled_scores(counts, relevant, 200, 3000, np.random.default_rng(0))
    error = draws.std(0) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(0) - closed_forms(counts, relevant, 200)[0]) < 4.5 * error).all()


def test_float64_suffices_for_a_gallery_of_70_000():
    # Against exact fractions, for a small group far down the ranking, where harmonic numbers cancel.
    for counts, relevant in [([60_000, 2, 5], [0, 2, 4]), ([1, 69_000, 999], [1, 1, 7])]:
        above, found, total = 0, 0, Fraction(0)
        for n, r in zip(counts, relevant):
            rise = Fraction(r - 1, n - 1) if n > 1 else 0
            if r:
                a = sum(Fraction(1, above + i) for i in range(1, n + 1)) if n < 2000 else None
                if a is None:
                    wide = np.arange(1, n + 1, dtype=np.longdouble)
                    part = float(((found + 1 + (wide - 1) * float(rise)) / (above + wide)).sum() * r / n)
                else:
                    b = n - (above + 1) * a
                    part = float(Fraction(r, n) * ((found + 1) * a + rise * b))
                total += Fraction(part)
            above, found = above + n, found + r
        expected = float(total / sum(relevant))
        np.testing.assert_allclose(retrieval.average_precision([counts], [relevant])[0], expected, rtol=1e-6)


def test_hits_of_a_cut_group_follow_scipy():
    from scipy.stats import hypergeom

    from jaxcluster.metrics.retrieval.ties import _hypergeometric

    for n, r, t in [
        (10, 4, 3),
        (10, 8, 7),
        (1, 1, 1),
        (5, 0, 3),
        (5, 5, 3),
        (60_000, 6_000, 1_000),
        (7, 3, 7),
    ]:
        h, probability = _hypergeometric(n, r, t)
        np.testing.assert_allclose(probability, hypergeom(n, r, t).pmf(h), atol=1e-11)
        np.testing.assert_allclose(probability @ h, r * t / n)


# --- laws


def test_without_ties_it_is_the_plain_ranking():
    rng = np.random.default_rng(0)
    relevant = (rng.random((6, 40)) < 0.3).astype(int)
    relevant[0] = 0
    for k in (1, 7, 40):
        expected = [oracle.scores(row.tolist(), k) for row in relevant]
        np.testing.assert_allclose(closed_forms(np.ones_like(relevant), relevant, k), expected, atol=1e-12)


def test_empty_groups_do_not_matter():
    plain = closed_forms([3, 4, 2], [1, 3, 0], 4)
    np.testing.assert_allclose(closed_forms([0, 3, 0, 0, 4, 2, 0], [0, 1, 0, 0, 3, 0, 0], 4), plain)


def test_nothing_and_everything_relevant():
    np.testing.assert_array_equal(closed_forms([3, 2], [0, 0], 4), np.zeros((1, 4)))
    np.testing.assert_allclose(closed_forms([3, 2], [3, 2], 4), np.ones((1, 4)))


def test_at_the_full_depth_all_average_precisions_agree():
    _, whole, by_hits, by_min = closed_forms([5, 9, 2], [2, 4, 1], 16)[0]
    np.testing.assert_allclose([by_hits, by_min], whole)


def test_expected_is_between_the_best_and_the_worst_order():
    best, worst = [1] * 9, [1] * 9
    first, last = [1, 1, 1, 0, 0, 0, 1, 0, 0], [0, 0, 0, 1, 1, 1, 0, 0, 1]
    for k in (2, 5, 8):
        middle = closed_forms([6, 3], [3, 1], k)
        assert (closed_forms(best, first, k) >= middle - 1e-12).all()
        assert (closed_forms(worst, last, k) <= middle + 1e-12).all()


def test_more_relevant_items_never_lower_the_precision():
    values = [retrieval.precision_at([[4, 6]], [[r, 2]], 5)[0] for r in range(5)]
    assert values == sorted(values)


def test_bad_input_names_the_argument():
    with pytest.raises(ValueError, match="integer codes must be 0 or 1, got values from 0 to 7"):
        retrieval.binarize([[0, 7]])
    with pytest.raises(ValueError, match="codes must be finite, got NaN"):
        retrieval.binarize([[0.0, np.nan]])
    with pytest.raises(ValueError, match="codes must hold booleans, integers or floats, got dtype <U1"):
        retrieval.binarize([["a"]])
    with pytest.raises(ValueError, match=r"bits must be bool of shape \[n, bits\], got int64 of shape \(1, 2\)"):
        retrieval.pack(np.array([[0, 1]], np.int64))
    with pytest.raises(ValueError, match="queries and gallery must have the same words a code, got 1 and 2"):
        retrieval.hamming(np.zeros((2, 1), np.uint64), np.zeros((2, 2), np.uint64))
    with pytest.raises(ValueError, match=r"counts and relevant must have the same shape .* \(1, 2\) and \(1, 1\)"):
        retrieval.precision_at([[1, 2]], [[1]], 1)
    with pytest.raises(ValueError, match="relevant must lie between 0 and counts"):
        retrieval.average_precision([[1, 2]], [[2, 0]])
    with pytest.raises(ValueError, match="k must lie between 1 and the 3 items of the ranking, got 4"):
        retrieval.precision_at([[1, 2]], [[1, 0]], 4)
    with pytest.raises(ValueError, match="divide_by must be 'hits' or 'min', got 'R'"):
        retrieval.average_precision_at([[1, 2]], [[1, 0]], 1, divide_by="R")
