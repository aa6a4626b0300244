"""The diagnosis of a clustering: each fault made on purpose, and a good clustering that must pass."""

import numpy as np
import pytest

from jaxcluster import metrics

K, SIZE = 5, 400


@pytest.fixture
def blobs():
    """(points, labels, confidence): five groups ten standard deviations apart."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(K), SIZE)
    points = rng.normal(size=(K * SIZE, 8)) + 10 * np.eye(8)[labels]
    return points, labels, np.full(K * SIZE, 0.9)


def test_a_good_clustering_has_nothing_to_say(blobs):
    points, labels, confidence = blobs
    found = metrics.diagnose(labels, points, confidence, K, initial_labels=(labels + 1) % K, features=points)
    assert found.sentences == ()
    assert not found.collapsed
    assert found.change == 0
    assert found.sizes.tolist() == [SIZE] * K


def test_collapsed(blobs):
    points, labels, confidence = blobs
    found = metrics.diagnose(0 * labels, points, confidence, K)
    assert found.collapsed
    assert found.empty == (1, 2, 3, 4)
    assert found.sentences[0] == ("The clustering has collapsed: cluster 0 holds 2,000 of 2,000 samples (100.0%).")
    assert not metrics.diagnose(0 * labels, points, confidence, 1).collapsed  # one was asked for
    flat = metrics.diagnose(labels, 0 * points, confidence, K)
    assert flat.collapsed
    assert "same embedding" in flat.sentences[0]


def test_two_groups_in_one_cluster_leave_one_empty_and_show_a_gap(blobs):
    points, labels, confidence = blobs
    merged = np.where(labels == 4, 1, labels)
    found = metrics.diagnose(merged, points, confidence, K, initial_labels=labels)
    assert found.empty == (4,)
    assert found.merged == (1,)
    assert found.joined == ((1, 4, 1),)
    assert found.change == pytest.approx(1 / K)
    text = " ".join(found.sentences)
    assert "1 of 5 clusters is empty (cluster 4)" in text
    assert "cluster 1, the largest, has 2.0 times the average size" in text
    assert "Cluster 1 looks like two groups merged" in text
    assert "More than half of cluster 1 and more than half of cluster 4 of the initial clustering are in" in text


def test_a_gap_that_training_has_closed_is_seen_in_the_features(blobs):
    points, labels, confidence = blobs
    merged = np.where(labels == 4, 1, labels)
    closed = np.random.default_rng(1).normal(size=points.shape) + 10 * np.eye(8)[merged]
    found = metrics.diagnose(merged, closed, confidence, K, features=points)
    assert found.merged == ()
    assert found.merged_in_features == (1,)
    assert any("seen in the features" in sentence for sentence in found.sentences)


def test_one_group_in_two_clusters():
    points = np.random.default_rng(0).normal(size=(4000, 8))
    points[2000:, 1] += 8
    labels = np.where(points[:, 1] > 4, 0, np.where(points[:, 0] > 0, 2, 5))
    found = metrics.diagnose(labels, points, np.ones(4000), 6)
    assert found.split == ((2, 5),)
    assert found.sentences[1:] == (
        "Clusters 2 and 5 may be one group split: on the line between the two centers there are as many samples at the "
        "border as at the centers.",
    )


def test_tiny_and_unsure(blobs):
    points, labels, confidence = blobs
    labels, confidence = labels.copy(), confidence.copy()
    labels[3 * SIZE + 40 : 4 * SIZE] = -1  # 40 are left: a tenth of the average is 32.8
    assert metrics.diagnose(labels, points, confidence, K).tiny == ()
    labels[3 * SIZE + 10 : 4 * SIZE] = -1
    confidence[labels == 0] = 0.3
    found = metrics.diagnose(labels, points, confidence, K)
    assert found.tiny == (3,)
    assert found.unsure == (0,)
    assert len(found.sentences) == 2
    assert metrics.diagnose(labels, points, 0 * confidence + 0.3, K).unsure == ()  # a low scale, not a low cluster


def test_an_embedding_that_is_not_finite_is_named_and_nothing_raised(blobs):
    points, labels, confidence = blobs
    points[7, 2] = np.nan
    found = metrics.diagnose(labels, points, confidence, K)
    assert found.sentences == ("The embedding holds NaN or infinity: the network's outputs are not usable.",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.array([0, 5])}, r"labels must be -1 to n_clusters - 1 = 1, got 5"),
        ({"labels": np.array([0.0, 1.0])}, r"labels must be integers"),
        ({"embedding": np.zeros((3, 2))}, r"embedding must have shape \[2, d\]"),
        ({"confidence": np.zeros(3)}, r"confidence must have shape \[2\]"),
    ],
)
def test_wrong_arguments(change, message):
    given = {"labels": np.array([0, 1]), "embedding": np.zeros((2, 2)), "confidence": np.ones(2)} | change
    with pytest.raises(ValueError, match=message):
        metrics.diagnose(**given, n_clusters=2)
