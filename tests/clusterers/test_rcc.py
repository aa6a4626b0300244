"""Robust continuous clustering: a dense solve and hand-made graphs as oracles, laws and edges."""

import importlib
import itertools

import jax
import numpy as np
import pytest
from sklearn.datasets import make_blobs

from jaxcluster import clusterers

ROOM = importlib.import_module("jaxcluster.clusterers.rcc")


def random_graph(n=40, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 3))
    edges = ROOM.mutual_graph(points, neighbors=5)
    return points, edges, rng.uniform(0.1, 3, len(edges))


def laplacian(n, edges, strengths):
    dense = np.zeros((n, n))
    for (p, q), s in zip(edges, strengths, strict=True):
        dense[[p, q], [p, q]] += s
        dense[[p, q], [q, p]] -= s
    return dense


def test_the_linear_system_is_solved():
    points, edges, strengths = random_graph()
    exact = np.linalg.solve(np.eye(40) + laplacian(40, edges, strengths), points)
    x = points.astype(np.float32)
    found = jax.jit(ROOM._solve)(x, x, edges, strengths.astype(np.float32), tolerance=1e-6)
    found = np.asarray(found)
    np.testing.assert_allclose(found, exact, atol=1e-4)
    np.testing.assert_allclose(np.mean(found, axis=0), points.mean(0), atol=1e-4)  # the Laplacian keeps the mean
    largest = np.linalg.eigvalsh(laplacian(40, edges, strengths))[-1]
    assert ROOM._largest(40, edges, strengths) == pytest.approx(largest, rel=1e-3)


def test_the_graph_has_the_mutual_neighbors_and_is_in_one_piece_where_the_neighbors_are():
    points, edges, _ = random_graph()
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    order = np.argsort(1 - unit @ unit.T + 9 * np.eye(40), axis=1)[:, :5]
    pairs = {tuple(pair) for pair in edges.tolist()}
    mutual = {(i, j) for i in range(40) for j in order[i].tolist() if i < j and i in order[j]}
    assert mutual <= pairs
    assert all(i < j and (j in order[i] or i in order[j]) for i, j in pairs)
    assert set(range(40)) == set(edges.ravel().tolist())


def test_line_variables_make_the_robust_penalty():
    """l = (μ / (μ + y²))² turns l y² + μ (√l − 1)² into ρ(y) = μ y² / (μ + y²); weak edges move no point."""
    points, edges, _ = random_graph()
    x, weak = points.astype(np.float32), np.full(len(edges), 1e-9, np.float32)
    _, lines, value = ROOM._step(x, x, edges, weak, 0.5, 2.0)
    squares = ((points[edges[:, 0]] - points[edges[:, 1]]) ** 2).sum(1)
    np.testing.assert_allclose(lines, (0.5 / (0.5 + squares)) ** 2, rtol=1e-4)
    np.testing.assert_allclose(float(value) / 1e-9, (0.5 * squares / (0.5 + squares)).sum(), rtol=1e-3)


def test_an_alternation_never_raises_the_objective():
    points, edges, weights = random_graph()
    x = points.astype(np.float32)
    u, values = x, []
    for _ in range(6):
        u, _, value = ROOM._step(x, u, edges, weights.astype(np.float32), 0.5, 2.0)
        squares = ((np.asarray(u)[edges[:, 0]] - np.asarray(u)[edges[:, 1]]) ** 2).sum(1)
        reduced = 0.5 * ((points - np.asarray(u)) ** 2).sum() + (weights * 0.5 * squares / (0.5 + squares)).sum()
        assert reduced <= float(value) * (1 + 1e-5)  # the line variables' minimum is the robust penalty
        values.append(float(value))
    assert all(after <= before * (1 + 1e-3) for before, after in itertools.pairwise(values))


@pytest.mark.parametrize("k", [2, 5])
def test_it_finds_the_number_of_clusters(k):
    points, truth = make_blobs(60 * k, 8, centers=k, cluster_std=0.5, random_state=1)
    found = clusterers.rcc(points)
    assert len(found.centers) == k
    for j in range(k):
        assert len(np.unique(truth[found.labels == j])) == 1
    assert (found.labels >= 0).mean() > 0.95


def test_small_components_are_unassigned():
    points, _ = make_blobs(200, 4, centers=[[0, 5, 0, 5], [5, 0, 5, 0]], cluster_std=0.3, random_state=0)
    points = np.concatenate([points, [[100.0, 0, 0, 100], [100.1, 0, 0, 100], [100, 0.1, 0, 100]]])
    found = clusterers.rcc(points, neighbors=2, min_share=0.05)
    assert (found.labels[-3:] == -1).all()
    assert found.components > len(found.centers)
    every = clusterers.rcc(points, neighbors=2, min_share=0.0)
    assert len(every.centers) == every.components
    assert every.labels.min() == 0


@pytest.mark.parametrize("n", [1, 3])
def test_a_few_points_and_equal_ones(n):
    assert clusterers.rcc(np.eye(3)[:n]).labels.shape == (n,)
    np.testing.assert_array_equal(clusterers.rcc(np.ones((n + 3, 2))).labels, 0)


def test_options_out_of_range_are_named():
    with pytest.raises(ValueError, match="neighbors must be at least 1, got 0"):
        clusterers.rcc(np.ones((3, 2)), neighbors=0)
    with pytest.raises(ValueError, match=r"min_share must lie in 0..1, got 2"):
        clusterers.rcc(np.ones((3, 2)), min_share=2)
