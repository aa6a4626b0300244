"""Balanced k-means and the spectral embedding: the assignment problem, scipy and worked graphs as oracles."""

import jax
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.datasets import make_circles

from jaxcluster import clusterers

KEY = jax.random.key(0)


def blobs(sizes, spread=1.0):
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    centers = np.array([[0, 0], [12, 0], [0, 12], [14, 14]])[: len(sizes)]
    return (centers[truth] + spread * rng.normal(size=(len(truth), 2)) + 100).astype(np.float32), truth


def partition(labels):
    return {frozenset(np.flatnonzero(np.asarray(labels) == k)) for k in np.unique(labels)}


def test_equal_sizes_decide_where_plain_k_means_merges_and_splits():
    """One wide blob and two that touch: the least squares split the wide one, equal sizes forbid it."""
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(100, 2)) * [12, 1]
    left, right = rng.normal(size=(100, 2)) * 0.5 + [0, 15], rng.normal(size=(100, 2)) * 0.5 + [5, 15]
    points = np.concatenate([wide, left, right]).astype(np.float32)
    truth = partition(np.repeat([0, 1, 2], 100))
    assert partition(KMeans(3, n_init=20, random_state=0).fit(points).labels_) != truth
    assert partition(clusterers.balanced_kmeans(KEY, points, 3).labels) == truth


def test_the_assignment_is_the_cheapest_for_its_centers_and_sizes():
    points, _ = blobs((150, 100, 50), spread=5.0)
    proportions = np.array([0.5, 1 / 3, 1 / 6])
    found = clusterers.balanced_kmeans(KEY, points, 3, proportions=proportions.astype(np.float32))
    np.testing.assert_allclose(found.sizes, 300 * proportions, atol=1)
    seats = np.repeat(np.arange(3), found.sizes)
    cost = cdist(points, np.asarray(found.centers), "sqeuclidean")[:, seats]
    rows, columns = linear_sum_assignment(cost)
    np.testing.assert_allclose(found.cost, cost[rows, columns].sum(), rtol=1e-3)
    np.testing.assert_allclose(found.cost, np.min(found.costs))
    for k in range(3):
        np.testing.assert_allclose(
            np.asarray(found.centers)[k], points[np.asarray(found.labels) == k].mean(0), atol=0.2
        )


def test_balanced_refuses_what_it_cannot_cluster():
    points = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"points must be \[n, d\], got \(3,\)"):
        clusterers.balanced_kmeans(KEY, np.zeros(3), 2)
    with pytest.raises(ValueError, match=r"n_clusters must lie in 1..n = 3, got 4"):
        clusterers.balanced_kmeans(KEY, points, 4)
    with pytest.raises(ValueError, match=r"proportions must be \[2\], got \(3,\)"):
        clusterers.balanced_kmeans(KEY, points, 2, proportions=np.ones(3))


def test_a_restart_can_be_interrupted_between_calls():
    polls = []
    points, _ = blobs((100, 100, 100))
    clusterers.balanced_kmeans(KEY, points, 3, restarts=4, poll=lambda: polls.append(1))
    assert len(polls) == 4


def test_the_graph_of_four_points_by_hand():
    graph = clusterers.neighbor_graph(np.array([[0.0], [1.0], [3.0], [3.5]]), neighbors=1)
    expected = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]], float)
    np.testing.assert_allclose(graph.toarray(), expected)
    one_sided = clusterers.neighbor_graph(np.array([[0.0], [1.0], [3.0]]), neighbors=1).toarray()
    np.testing.assert_allclose(one_sided, [[0, 1, 0], [1, 0, 0.5], [0, 0.5, 0]])
    with pytest.raises(ValueError, match="n > neighbors = 3"):
        clusterers.neighbor_graph(np.zeros((3, 1)), neighbors=3)


def test_the_normalized_cut_by_hand():
    """A path with weights 1, 2, 1: cutting the middle leaves 2 of 4 on each side, cutting an end 1 of 1 and 1 of 7."""
    path = np.zeros((4, 4))
    for i, weight in enumerate((1, 2, 1)):
        path[i, i + 1] = path[i + 1, i] = weight
    assert clusterers.normalized_cut(path, np.array([0, 0, 1, 1])) == pytest.approx(2 / 4 + 2 / 4)
    assert clusterers.normalized_cut(path, np.array([0, 1, 1, 1])) == pytest.approx(1 + 1 / 7)
    assert clusterers.normalized_cut(path, np.zeros(4)) == pytest.approx(0)


def test_the_embedding_is_the_one_of_the_dense_eigenproblem():
    points, _ = blobs((20, 20, 20), spread=3.0)
    graph = clusterers.neighbor_graph(points, neighbors=6)
    degrees = np.asarray(graph.sum(1)).ravel()
    values, vectors = np.linalg.eigh(np.diag(degrees**-0.5) @ graph.toarray() @ np.diag(degrees**-0.5))
    vectors = vectors[:, np.argsort(-values)[:3]] * degrees[:, None] ** -0.5
    expected = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found = clusterers.spectral_embedding(graph, 3)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    # Each eigenvector is free in its sign; what all signs share are the angles within the first, the second, ...
    for j in range(3):
        sign = np.sign(np.sum(found[:, j] * expected[:, j]))
        np.testing.assert_allclose(sign * found[:, j], expected[:, j], atol=2e-3)


@pytest.mark.long  # as spectral clustering's rings in test_methods.py
def test_rings_come_apart():
    points, truth = make_circles(200, factor=0.3, noise=0.03, random_state=0)
    rows = clusterers.spectral_embedding(clusterers.neighbor_graph(points), 2)
    assert partition(clusterers.balanced_kmeans(KEY, rows, 2).labels) == partition(truth)
    assert partition(KMeans(2, n_init=20, random_state=0).fit(points).labels_) != partition(truth)
