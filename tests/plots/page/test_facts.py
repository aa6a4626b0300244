"""What the page says of clusters: exemplars, neighbors, borders and features by hand and by brute force."""

import numpy as np
import pytest

from jaxcluster.plots.page import drawings, facts, words


def test_exemplars():
    confidence = np.array([0.5, np.nan, 0.9, 0.1, 0.5, 0.7])
    most, least = facts.exemplars(np.arange(6), confidence, most=2, least=2)
    assert most.tolist() == [2, 5]
    assert least.tolist() == [1, 3]
    most, least = facts.exemplars(np.array([3, 0]), confidence, most=2, least=2)
    assert most.tolist() == [0, 3]
    assert least.tolist() == []


def test_nearest_clusters_skip_empty_ones():
    centers = np.array([[0.0], [1.0], [2.5], [9.0], [np.nan]])
    assert facts.nearest_clusters(centers, np.array([1, 0, 1, 1, 1])) == [2, None, 0, 2, None]
    assert facts.nearest_clusters(centers[:1], np.array([4])) == [None]


def test_borders_by_hand():
    # Centers at 0, 10 and 30; margins (b - a) / (a + b) of 4.9, 5.2, 19: .02, .04, .1; of the others .8 and more.
    embedding = np.array([[4.9], [5.2], [19.0], [0.5], [10.5], [30.0], [0.5], [0.5], [0.5], [0.5], [0.5], [0.5]])
    labels = np.array([0, 1, 1, 0, 1, 2, 0, 0, 0, 0, 0, 0])
    centers = np.array([[0.0], [10.0], [30.0]])
    found = facts.borders(labels, embedding, centers, None, pairs=9, per_pair=1)  # a quarter of 12: three samples
    assert [(b.first, b.second, b.count, b.rows.tolist()) for b in found] == [(0, 1, 2, [0]), (1, 2, 1, [2])]


def test_borders_by_probabilities_and_in_parts(monkeypatch):
    rng = np.random.default_rng(0)
    n, k = 500, 6
    probabilities = rng.dirichlet(np.ones(k), n)
    probabilities[:, 4] = 0.99  # of an empty cluster: nobody's neighbor
    labels = np.where(rng.random(n) < 0.1, -1, rng.choice([0, 1, 2, 3, 5], n))
    arguments = labels, np.zeros((n, 2)), np.zeros((k, 2)), probabilities
    whole = facts.borders(*arguments, pairs=3, per_pair=5)
    rest = probabilities.copy()
    rest[:, 4] = -1
    own = rest[np.arange(n), labels].copy()
    rest[np.arange(n), labels] = -1
    margins = np.where(labels < 0, np.inf, own - rest.max(1))
    near = np.argsort(margins)[:50]  # 50 of 450: more than 5 % of them
    pairs = [tuple(sorted((labels[i], rest[i].argmax()))) for i in near]
    for border in whole:
        pair = border.first, border.second
        assert border.count == pairs.count(pair)
        assert border.rows.tolist() == [i for i, other in zip(near, pairs, strict=True) if other == pair][:5]
    monkeypatch.setattr(facts, "ROWS", 7)
    for one, other in zip(facts.borders(*arguments, pairs=3, per_pair=5), whole, strict=True):
        assert one[:3] == other[:3]


def test_distinguishing_features_by_brute_force(monkeypatch):
    monkeypatch.setattr(facts, "ROWS", 13)
    rng = np.random.default_rng(0)
    samples = (rng.normal(size=(50, 2, 3)) + 1e6).astype(np.float64)
    samples[:, 1, 1] = 5  # constant: sets nothing apart
    labels = rng.integers(-1, 3, size=50)
    found = facts.distinguishing(samples, labels, 4, count=5)
    flat = samples.reshape(50, -1)
    for k in range(3):
        here, rest = flat[labels == k].mean(0), flat[labels != k].mean(0)
        difference = (here - rest) / np.where(flat.std(0) > 0, flat.std(0), np.inf)
        assert [f.position for f in found[k]] == np.argsort(-np.abs(difference))[:5].tolist()
        assert [f.difference for f in found[k]] == pytest.approx(difference[[f.position for f in found[k]]])
        assert [f.mean for f in found[k]] == pytest.approx(here[[f.position for f in found[k]]])
        assert [f.elsewhere for f in found[k]] == pytest.approx(rest[[f.position for f in found[k]]])
    assert found[3] == []
    assert facts.distinguishing(samples, 0 * labels, 1, count=5) == [[]]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0, 10, [0, 2, 4, 6, 8, 10]), (0.013, 0.021, [0.014, 0.016, 0.018, 0.02])],
)
def test_ticks(low, high, expected):
    assert drawings.ticks(low, high) == pytest.approx(expected)


def test_ticks_of_epochs_are_whole():
    assert drawings.ticks(1, 3, whole=True) == [1, 2, 3]
    assert drawings.ticks(4, 4, whole=True) == [4]


def test_curves_leave_gaps_and_survive_any_numbers():
    drawn = drawings.chart({"a": {1: 1.0, 2: float("nan"), 3: 2.0, 4: 3.0}}, alt="x")
    assert drawn[drawn.index('class="curve') :].split('d="')[1].split('"')[0].count("M") == 2
    assert drawings.chart({"a": {1: float("nan")}}, alt="x") == ""
    for values in ({1: 0.0}, {1: 5.0, 2: 5.0}, {1: -1e30, 2: 1e30}, {1: 1e-12, 2: 1.0}, {1: -3.0, 9: -3.0}):
        assert "nan" not in drawings.chart({"a": values}, alt="x")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"), (1234.5, "1,234"), (0.00123, "0.00123"), (1.1e-9, "1.10e-09"), (2e7, "2.00e+07"),
        (-0.5, "-0.500"), (0.0, "0.0"), (float("nan"), "–"), (None, "–"),
    ],
)  # fmt: skip
def test_numbers(value, text):
    assert words.number(value) == text


def test_shares():
    assert [words.share(*pair) for pair in ((0, 5), (1, 3), (1, 5000), (5, 5), (0, 0))] == [
        "0 %", "33.3 %", "< 0.1 %", "100.0 %", "–",
    ]  # fmt: skip
