"""Spectral clustering, Ward, Gaussian mixture and RCC: SciPy and scikit-learn as oracles, laws and edges."""

import inspect

import jax
import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage
from scipy.linalg import block_diag
from scipy.sparse import csr_matrix, diags
from sklearn.datasets import make_blobs, make_circles
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from jaxcluster import clusterers
from jaxcluster.clusterers.registry import METHODS

KEY = jax.random.key(0)
# The two k-means have their own tests of it, and "spectral" is one of them after its embedding.
FIXED_K = ["block_model", "mixture", pytest.param("spectral", marks=pytest.mark.long), "ward"]


def blobs(n=120, spread=0.3):
    # As many features as clusters: k-means of the points and of their spectral embedding is one compiled program.
    points, truth = make_blobs(n, 4, centers=4, cluster_std=spread, random_state=1)
    return points.astype(np.float32), truth


@pytest.mark.parametrize("name", METHODS)
def test_every_method_finds_blobs_and_has_labels_and_centers(name):
    points, truth = blobs()
    found = clusterers.cluster(name, KEY, points, 4)
    assert adjusted_rand_score(truth, found.labels) == 1
    assert np.asarray(found.labels).dtype == np.int32
    for k in range(4):
        members = points[np.asarray(found.labels) == k]
        np.testing.assert_allclose(found.centers[k], members.mean(0), atol=0.02)


# The block model sees the graph alone, which "spectral" sees too.
@pytest.mark.parametrize("name", [pytest.param(m, marks=[pytest.mark.long] * (m == "block_model")) for m in METHODS])
def test_every_method_is_blind_to_the_origin(name):
    points, _ = blobs(spread=1.0)
    near = clusterers.cluster(name, KEY, points.astype(np.float64), 4)
    far = clusterers.cluster(name, KEY, points.astype(np.float64) + 1e6, 4)
    assert adjusted_rand_score(near.labels, far.labels) > 0.99


@pytest.mark.parametrize("name", METHODS)
def test_every_method_refuses_what_is_not_finite_and_more_clusters_than_points(name):
    points, _ = blobs()
    points[3, 1] = np.nan
    with pytest.raises(ValueError, match="points must be finite, got NaN or infinity in 1 of 120 rows"):
        clusterers.cluster(name, KEY, points, 4)
    if name != "rcc":  # which finds the number itself
        with pytest.raises(ValueError, match=r"n_clusters must lie in 1..n = 12, got 13"):
            clusterers.cluster(name, KEY, points[-12:], 13)


@pytest.mark.parametrize("name", FIXED_K)
def test_edges_of_the_number_of_clusters(name):
    points, _ = blobs(12)
    one = clusterers.cluster(name, KEY, points, 1)
    np.testing.assert_array_equal(one.labels, np.zeros(12))
    np.testing.assert_allclose(np.asarray(one.centers)[0], points.mean(0), atol=1e-4)
    each = clusterers.cluster(name, KEY, points, 12)
    assert np.asarray(each.centers).shape == (12, 4)


@pytest.mark.parametrize("name", [name for name in METHODS if name != "mixture"])  # scikit-learn's asks for two
def test_one_point(name):
    assert np.asarray(clusterers.cluster(name, KEY, np.ones((1, 3)), 1).labels).tolist() == [0]


def test_the_registry_names_what_there_is():
    with pytest.raises(ValueError, match=r"method must be one of kmeans, .*, rcc, got 'dbscan'"):
        clusterers.cluster("dbscan", KEY, np.ones((3, 1)), 1)
    for function in METHODS.values():
        assert list(inspect.signature(function).parameters)[:3] == ["key", "points", "n_clusters"]


def test_ward_is_scipys():
    points = np.random.default_rng(0).normal(size=(150, 4))
    found = clusterers.ward(points, 7)
    theirs = linkage(points, "ward")
    np.testing.assert_allclose(np.sort(found.tree[:, 2]), np.sort(theirs[:, 2]), rtol=1e-6)
    # Half the square of a merge's height is what it adds to the sum of squares.
    np.testing.assert_allclose(found.cost, (theirs[:-6, 2] ** 2).sum() / 2, rtol=1e-6)
    assert (np.diff(np.bincount(found.labels)) <= 0).all()


def test_ward_gives_the_number_asked_for_where_merges_tie():
    points = np.repeat([[0.0], [1.0], [5.0]], 4, axis=0)
    for k in range(1, 13):
        assert len(np.unique(clusterers.ward(points, k).labels)) == k


def test_the_mixture_is_scikit_learns():
    points, _ = blobs(spread=2.5)
    found = clusterers.gaussian_mixture(KEY, points, 4, starts=3)
    theirs = GaussianMixture(4, n_init=10, random_state=0).fit(points.astype(np.float64))
    assert found.log_likelihood >= theirs.score(points) - 0.02
    np.testing.assert_allclose(found.responsibilities.sum(1), 1)
    np.testing.assert_array_equal(found.labels, found.responsibilities.argmax(1))
    assert found.converged
    assert not clusterers.gaussian_mixture(KEY, points, 4, max_iterations=1).converged  # said, not warned


def test_spectral_clustering_tells_rings_apart():
    points, truth = make_circles(200, factor=0.3, noise=0.03, random_state=0)
    found = clusterers.spectral(KEY, points, 2)
    assert adjusted_rand_score(truth, found.labels) == 1
    assert found.cut == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_parts_of_a_graph_without_edges_between_them_are_told_apart(seed):
    """An eigenvalue four times: a solver that begins with one vector finds some of its vectors only."""
    points, truth = make_blobs(120, 4, centers=4, cluster_std=0.3, random_state=seed)
    graph = clusterers.neighbor_graph(points)
    scale = diags(np.asarray(graph.sum(axis=1)).ravel() ** -0.5)
    values, vectors = np.linalg.eigh((scale @ graph @ scale).toarray())
    assert values[-4] == pytest.approx(1)
    assert values[-5] < 0.999
    expected = scale @ vectors[:, -6:]  # spans the same as ours, whose rows are of length 1
    for dimensions in (4, 6):
        rows = clusterers.spectral_embedding(graph, dimensions)
        ratio = np.linalg.norm(expected[:, -dimensions:], axis=1, keepdims=True)
        mine, theirs = rows @ rows.T, expected[:, -dimensions:] @ expected[:, -dimensions:].T / (ratio * ratio.T)
        np.testing.assert_allclose(mine, theirs, atol=1e-5)
    assert adjusted_rand_score(truth, clusterers.spectral(KEY, points, 4).labels) == 1


def test_with_fewer_dimensions_than_parts_the_largest_have_them():
    sizes = (3, 5, 1, 2)  # one node has no edges
    graph = csr_matrix(block_diag(*(np.ones((size, size)) - np.eye(size) for size in sizes)))
    rows = np.repeat([[0, 1], [1, 0], [0, 0], [0, 0]], sizes, axis=0)
    np.testing.assert_allclose(clusterers.spectral_embedding(graph, 2), rows, atol=1e-6)


def test_as_many_dimensions_as_points():
    graph = clusterers.neighbor_graph(np.random.default_rng(0).random((6, 3)), neighbors=3)
    whole, fewer = clusterers.spectral_embedding(graph, 6), clusterers.spectral_embedding(graph, 5)
    assert whole.shape == (6, 6)
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, rtol=1e-5)
    for rows in (whole, fewer):  # the constant vector leads; all others have both signs
        np.testing.assert_array_equal(np.abs(np.sign(rows).sum(axis=0)) == 6, np.arange(rows.shape[1]) == 0)
    assert fewer.shape == (6, 5)
    with pytest.raises(ValueError, match=r"dimensions must lie in 1..n = 6, got 7"):
        clusterers.spectral_embedding(graph, 7)
