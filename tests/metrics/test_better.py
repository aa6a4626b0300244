"""Initial or final clustering: the information of edges by hand and by laws, and worked cases of the choice."""

import collections

import numpy as np
import pytest

from jaxcluster import metrics

K, SIZE = 6, 100


@pytest.fixture
def blobs():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(K), SIZE)
    return rng.normal(size=(K * SIZE, 8)) + 5 * np.eye(8)[labels], labels


def mixed(labels, share, seed=0):
    rng = np.random.default_rng(seed)
    some = rng.permutation(len(labels))[: int(share * len(labels))]
    changed = labels.copy()
    changed[some] = rng.integers(K, size=len(some))
    return changed


def test_edge_information_by_hand():
    pairs = np.array([[1], [0], [3], [2]])  # 0-1 and 2-3
    assert metrics.edge_information([0, 0, 1, 1], pairs)[0] == pytest.approx(np.log(2))
    assert metrics.edge_information([0, 1, 0, 1], pairs)[0] == pytest.approx(np.log(2))  # always across: as informative
    assert metrics.edge_information([0, 0, 0, 0], pairs)[0] == 0
    # p_00 = 1/2, p_01 = p_10 = 1/4, so p_0 = 3/4 and p_1 = 1/4.
    value, parts = metrics.edge_information([0, 0, 0, 1], pairs)
    assert value == pytest.approx(0.5 * np.log(8 / 9) + 0.5 * np.log(4 / 3))
    assert parts == pytest.approx(np.log([8 / 9, 8 / 9, 4 / 3, 4 / 3]))


def test_edge_information_against_entropies():
    def entropy(items):
        shares = np.array(list(collections.Counter(items).values())) / len(items)
        return -np.sum(shares * np.log(shares))

    rng = np.random.default_rng(0)
    labels, neighbors = rng.integers(4, size=50), rng.integers(50, size=(50, 3))
    starts, ends = np.repeat(labels, 3), labels[neighbors.ravel()]
    first, second = np.r_[starts, ends].tolist(), np.r_[ends, starts].tolist()
    expected = entropy(first) + entropy(second) - entropy(list(zip(first, second, strict=True)))
    assert metrics.edge_information(labels * 7 - 3, neighbors)[0] == pytest.approx(expected)


def test_all_in_one_cluster(blobs):
    points, labels = blobs
    choice = metrics.better_of(mixed(labels, 0.5), 0 * labels, points, n_clusters=K)
    assert choice.keep == "initial"
    assert "collapsed" in choice.reason
    assert metrics.better_of(0 * labels, 0 * labels, points, n_clusters=K).keep == "final"
    assert metrics.better_of(0 * labels, labels, points, n_clusters=K).keep == "final"


def test_final_is_initial_with_other_numbers(blobs):
    points, labels = blobs
    choice = metrics.better_of(labels, (labels + 2) % K, points, n_clusters=K)
    assert choice.keep == "final"
    assert choice.figures == {}


def test_final_merges_two_groups_and_leaves_one_empty(blobs):
    points, labels = blobs
    choice = metrics.better_of(labels, np.where(labels == 3, 1, labels), points, n_clusters=K)
    assert choice.keep == "initial"
    assert "more clusters are empty" in choice.reason
    assert choice.figures["margin"] == 0
    # What joining two of K equal, well separated clusters costs.
    assert choice.figures["initial"] - choice.figures["final"] == pytest.approx(2 / K * np.log(2), rel=0.05)


def test_final_merges_two_groups_and_splits_a_third(blobs):
    points, labels = blobs
    final = np.where(labels == 3, 1, labels)
    final[(labels == 0) & (points[:, 7] > 0)] = 3
    assert metrics.better_of(labels, final, points, n_clusters=K).keep == "initial"
    assert metrics.better_of(final, labels, points, n_clusters=K).keep == "final"


def test_one_empty_cluster_does_not_condemn_a_better_clustering(blobs):
    points, labels = blobs
    final = np.where(labels == 3, 1, labels)
    assert metrics.better_of(mixed(labels, 0.3), final, points, n_clusters=K).keep == "final"


def test_a_little_worse_is_let_pass_and_much_worse_is_not(blobs):
    points, labels = blobs
    assert metrics.better_of(labels, mixed(labels, 0.01), points, n_clusters=K).keep == "final"
    assert metrics.better_of(labels, mixed(labels, 0.4), points, n_clusters=K).keep == "initial"


@pytest.mark.parametrize("fewer", [0, 3])
def test_where_neighbors_mean_nothing_final_is_kept(blobs, fewer):
    points, labels = blobs
    noise = np.random.default_rng(1).normal(size=points.shape)
    final = np.where(labels < fewer, 5, labels)
    assert metrics.better_of(labels, final, noise, n_clusters=K).keep == "final"


def test_a_long_group_is_not_taken_for_a_bad_one():
    # Two parallel lines: cut across (smaller distances to the means) at first, along the lines in the end.
    rng = np.random.default_rng(0)
    line = np.repeat([0, 1], 300)
    points = np.stack([rng.random(600) * 20, line * 2 + rng.normal(size=600) * 0.1], 1)
    across = (points[:, 0] > 10).astype(int)
    assert metrics.better_of(line, across, points, n_clusters=2).keep == "final"  # neighbors agree in either
    assert metrics.better_of(across, line, points, n_clusters=2).keep == "final"


def test_position_scale_and_shape_of_the_features_do_not_matter(blobs):
    points, labels = blobs
    final = mixed(labels, 0.2)
    expected = metrics.better_of(labels, final, points, n_clusters=K)
    moved = metrics.better_of(labels, final, (points / 1024 + 4096).reshape(-1, 2, 4), n_clusters=K)
    assert moved.figures == pytest.approx(expected.figures, rel=1e-6)


def test_wrong_arguments(blobs):
    points, labels = blobs
    with pytest.raises(ValueError, match="one row for each sample"):
        metrics.better_of(labels, labels[:-1], points, n_clusters=K)
    points[3, 3] = np.inf
    with pytest.raises(ValueError, match="features must be finite"):
        metrics.better_of(labels, mixed(labels, 0.1), points, n_clusters=K)


def test_many_random_clusters_are_not_better_than_few():
    rng = np.random.default_rng(0)
    noise, many = rng.normal(size=(600, 4)), rng.integers(60, size=600)
    choice = metrics.better_of(many, many % 20, noise, n_clusters=60)
    assert choice.keep == "final"
    assert choice.figures["initial"] == pytest.approx(0, abs=0.05)  # .4 of it are chance


def test_neighbors_tell_clusters_that_lie_apart_and_nothing_of_random_labels_or_noise(blobs):
    points, labels = blobs
    assert metrics.neighbor_information(labels, points) > 0.98
    # Sizes do not matter: one cluster of ten samples among a hundred is told as well.
    some = np.r_[np.arange(SIZE), SIZE + np.arange(12)]
    assert metrics.neighbor_information(labels[some], points[some]) > 0.9
    assert abs(metrics.neighbor_information(np.random.default_rng(1).permutation(labels), points)) < 0.02
    noise = np.random.default_rng(2).random((600, 8, 8))
    halves = (noise.reshape(600, -1) @ np.random.default_rng(3).normal(size=64) > 0).astype(int)
    assert metrics.neighbor_information(halves, noise) < 0.2
    # Names do not matter, and of one cluster there is nothing to tell.
    assert metrics.neighbor_information(7 - 2 * labels, points) == pytest.approx(
        metrics.neighbor_information(labels, points), abs=0.01
    )
    assert np.isnan(metrics.neighbor_information(np.zeros(600, int), points))
