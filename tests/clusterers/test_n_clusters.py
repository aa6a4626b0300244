"""How many clusters: planted graphs, worked prediction strengths, the coarse graph's block sums, the words."""

import jax
import numpy as np
import pytest
from scipy import sparse

from jaxcluster import clusterers
from jaxcluster.clusterers import n_clusters

from .test_block_model import planted

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def five():
    graph, _ = planted((60, 50, 45, 40, 35), 0.3, 0.01)
    calls = []
    suggestion = clusterers.suggest_n_clusters(
        KEY, graph, max_clusters=8, n_subsamples=2, report=lambda *call: calls.append(call)
    )
    return graph, suggestion, calls


def test_planted_parts_are_counted(five):
    _, suggestion, calls = five
    assert suggestion.n_clusters == 5
    assert suggestion.prediction_strengths[3] > 0.9
    assert 5 not in suggestion.resolutions
    np.testing.assert_array_equal(suggestion.counts, np.arange(2, 9))
    np.testing.assert_allclose(np.cumsum(suggestion.gains), suggestion.likelihoods)
    # What the sixth part adds is chance.
    assert suggestion.gains[4] < suggestion.gains[3] / 3
    assert suggestion.sentence.startswith("Try 5 clusters: ")
    assert "5 clusters are stable (prediction strength" in suggestion.sentence
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_clusters_of_clusters_are_two_resolutions():
    """Three groups of two parts each: three is stable too."""
    rng = np.random.default_rng(1)
    parts = np.repeat(np.arange(6), 40)
    chance = np.where(parts[:, None] == parts, 0.4, np.where(parts[:, None] // 2 == parts // 2, 0.08, 0.005))
    upper = np.triu(rng.random(chance.shape) < chance, 1).astype(float)
    suggestion = clusterers.suggest_n_clusters(KEY, upper + upper.T, max_clusters=8, n_subsamples=2)
    assert suggestion.n_clusters == 6
    assert 3 in suggestion.resolutions


def test_the_prediction_strength_by_hand():
    """Cluster 0 is cut 3 : 1, of its 6 pairs 3 stay together; cluster 1 is found again."""
    labels, other = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 2, 2])
    assert clusterers.prediction_strength(labels, other) == pytest.approx(0.5)
    assert clusterers.prediction_strength(labels * 3, labels[::-1][::-1]) == pytest.approx(1)
    # An entry that stands for three samples is three entries.
    assert clusterers.prediction_strength([0, 0, 1], [0, 1, 2], [3, 1, 2]) == pytest.approx(0.5)
    assert clusterers.prediction_strength([0, 0, 1], [0, 0, 1]) == 0


def test_the_coarse_graph_keeps_block_sums():
    graph, parts = planted((90, 60), 0.15, 0.01)
    graph = sparse.block_diag([graph, np.zeros((1, 1)), np.ones((2, 2))]).tocsr()
    groups, coarse = n_clusters.coarsen_graph(np.random.default_rng(2), graph, 40)
    assert 40 <= coarse.shape[0] <= 43
    np.testing.assert_array_equal(np.unique(groups), np.arange(coarse.shape[0]))
    labels = np.random.default_rng(3).integers(0, 4, coarse.shape[0])
    coarse_value = clusterers.block_likelihood(coarse, labels, n_clusters=4)
    assert coarse_value == pytest.approx(clusterers.block_likelihood(graph, labels[groups], n_clusters=4))
    assert coarse.sum() == pytest.approx(graph.sum())
    # Nodes join where their edges lead: nearly all groups lie within one part.
    pure = [len(np.unique(parts[groups[:150] == group])) == 1 for group in np.unique(groups[:150])]
    assert np.mean(pure) > 0.6


def test_a_large_graph_is_coarsened():
    graph, _ = planted((150, 120, 90), 0.2, 0.005)
    found = clusterers.suggest_n_clusters(KEY, graph, max_clusters=5, n_subsamples=1, max_nodes=120)
    assert found.n_clusters == 3


def test_words_for_what_is_unsure():
    counts = np.arange(2, 6)
    likelihoods = np.array([0.5, 0.8, 0.9, 0.95])

    def suggest(lengths, strengths):
        return n_clusters._suggestion(counts, likelihoods, np.array(lengths), np.array([strengths]))

    nothing = suggest([100.0, 50, 0, 40], [0.5, 0.6, 0.3, 0.2])
    assert nothing.sentence == (
        "Try 4 clusters: the graph's description is shortest there, but 4 clusters are not all stable "
        "(prediction strength 0.30, 0.75 or more is stable); no number is (0.60 at best, for 3)."
    )
    tie = suggest([100.0, 2, 0, 40], [0.99, 0.9, 0.3, 0.2])
    assert (tie.n_clusters, tie.resolutions) == (3, (2,))
    assert "nearly as short for 3 to 4, and 3 clusters are stable" in tie.sentence
    assert tie.sentence.endswith("2 is another valid resolution.")
    last = suggest([100.0, 50, 20, 0], [0.9, 0.1, 0.9, 0.1])
    assert (last.n_clusters, last.resolutions) == (5, (2, 4))
    assert "perhaps also beyond" in last.sentence
    assert last.sentence.endswith("2 and 4 are other valid resolutions.")


def test_the_first_gain_is_unknown_where_the_count_before_was_not_tried():
    graph, _ = planted((20, 20, 20), 0.5, 0.02)
    found = clusterers.suggest_n_clusters(KEY, graph, min_clusters=3, max_clusters=4, n_subsamples=1)
    assert np.isnan(found.gains[0])
    assert found.gains[1] == pytest.approx(found.likelihoods[1] - found.likelihoods[0])


def test_what_suggest_n_clusters_refuses():
    graph, _ = planted((6, 6), 0.9, 0.3)
    with pytest.raises(ValueError, match=r"min_clusters must lie in 2..4 .*, got 5"):
        clusterers.suggest_n_clusters(KEY, graph, min_clusters=5)
    with pytest.raises(ValueError, match=r"min_clusters must lie in 2..4 .*, got 1"):
        clusterers.suggest_n_clusters(KEY, graph, min_clusters=1)
    with pytest.raises(ValueError, match="must be positive, got 0 and 3000"):
        clusterers.suggest_n_clusters(KEY, graph, n_subsamples=0)
