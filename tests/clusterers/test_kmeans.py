"""k-means: brute force over all partitions, scikit-learn as oracle, laws and edges."""

import importlib
import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans as SklearnKMeans
from sklearn.datasets import load_digits, load_wine, make_blobs

from jaxcluster import clusterers
from jaxcluster.clusterers import sums

KEY = jax.random.key(0)
fit = jax.jit(partial(clusterers.kmeans, KEY), static_argnums=1, static_argnames="restarts")
nearest = jax.jit(clusterers.nearest)
ROOM = importlib.import_module("jaxcluster.clusterers.kmeans")  # `clusterers.kmeans` is the function


def normal(seed):
    """The shape with which most tests call the function as users do; the others call it under one jit."""
    return np.random.default_rng(seed).normal(size=(500, 4)).astype(np.float32)


def best_inertia(points, k):
    """The smallest sum of squares: the points' own less, for each cluster, the square of its sum over its size."""
    member = np.eye(k)[np.array([*itertools.product(range(k), repeat=len(points))])]  # [partitions, n, k]
    sums, sizes = member.swapaxes(1, 2) @ points.astype(float), member.sum(1)
    return (points.astype(float) ** 2).sum() - ((sums**2).sum(2) / np.maximum(sizes, 1)).sum(1).max()


@pytest.mark.parametrize("seed", range(5))
def test_finds_the_best_of_all_partitions(seed):
    points = np.random.default_rng(seed).normal(size=(8, 2)).astype(np.float32)
    found = fit(points, 3, restarts=30)
    np.testing.assert_allclose(found.inertia, best_inertia(points, 3), rtol=1e-4)
    assert found.inertias.shape == (30,)


def blobs():
    return make_blobs(1000, 10, centers=12, cluster_std=2.0, random_state=0)[0]


@pytest.mark.parametrize(
    ("data", "k"),
    [
        (lambda: load_digits().data[:600] / 16, 10),
        pytest.param(lambda: load_wine().data / load_wine().data.std(0), 3, marks=pytest.mark.long),
        (blobs, 12),
    ],
    ids=["digits", "wine", "blobs"],
)
def test_best_of_20_restarts_is_as_good_as_scikit_learns(data, k):
    points = data().astype(np.float32)
    ours = fit(points, k, restarts=20)
    theirs = SklearnKMeans(k, n_init=20, random_state=0).fit(points)
    assert float(ours.inertia) <= theirs.inertia_ * (1 + 1e-3)
    assert bool(ours.converged)


@pytest.mark.parametrize("away", [1e3, 1e4])
def test_points_far_from_the_origin_are_clustered_as_well(away):
    points = make_blobs(500, 4, centers=5, cluster_std=0.3, random_state=0)[0]
    far = (points + away).astype(np.float32)
    found = clusterers.kmeans(KEY, jnp.asarray(far), 5, restarts=20)
    theirs = SklearnKMeans(5, n_init=20, random_state=0).fit(far.astype(np.float64))
    # A coordinate near 10^4 is rounded to 10^-3.
    np.testing.assert_allclose(found.inertia, theirs.inertia_, rtol=1e-2)
    distances = cdist(far, np.asarray(found.centers, np.float64), "sqeuclidean")
    np.testing.assert_array_equal(found.labels, distances.argmin(1))
    labels, squares = nearest(far, found.centers)
    np.testing.assert_array_equal(labels, distances.argmin(1))
    np.testing.assert_allclose(squares.sum(), theirs.inertia_, rtol=1e-2)


def test_result_is_consistent():
    points = normal(1)
    found = clusterers.kmeans(KEY, points, 5)
    distances = cdist(points, found.centers, "sqeuclidean")
    np.testing.assert_array_equal(found.labels, distances.argmin(1))
    np.testing.assert_allclose(found.inertia, distances.min(1).sum(), rtol=1e-5)
    assert found.inertias.shape == (20,)
    assert float(found.inertia) == float(found.inertias.min())


def test_slack_prefers_the_clearer_of_nearly_equal_restarts():
    """Many optima: with slack the one kept has the best silhouette of those near enough, as counted by hand."""
    points = normal(7)
    plain, wide = (clusterers.kmeans(KEY, points, 5, slack=slack) for slack in (0.0, 0.005))
    inertias, silhouettes = np.asarray(plain.inertias), np.asarray(plain.silhouettes)
    near = inertias <= 1.005 * inertias.min()
    assert float(plain.inertia) == inertias.min()
    best = np.where(near, silhouettes, -1).argmax()
    assert float(wide.inertia) == inertias[best] > inertias.min()
    assert silhouettes[best] < silhouettes.max()  # of a restart that is not near enough
    two = np.sort(cdist(points, wide.centers), axis=1)[:, :2]
    np.testing.assert_allclose(silhouettes[best], np.mean(1 - two[:, 0] / two[:, 1]), rtol=1e-4)


def test_more_iterations_never_raise_the_inertia():
    points = normal(2)
    inertias = [
        np.asarray(clusterers.kmeans(KEY, points, 5, max_iterations=i, tolerance=0.0).inertias) for i in range(1, 12)
    ]
    for before, after in itertools.pairwise(inertias):
        assert (after <= before * (1 + 1e-6)).all()


def test_slices_give_what_one_call_gives():
    points = normal(3)
    polls = []
    whole = clusterers.kmeans(KEY, points, 5)
    sliced = clusterers.kmeans(KEY, points, 5, slice_iterations=2, poll=lambda: polls.append(1))
    for other in (sliced, fit(points, 5)):
        np.testing.assert_array_equal(whole.labels, other.labels)
        np.testing.assert_allclose(whole.centers, other.centers, rtol=1e-5)
    assert len(polls) >= 2


def test_restarts_a_few_at_a_time_give_what_all_at_once_give(monkeypatch):
    points = normal(4)
    at_once = clusterers.kmeans(KEY, points, 5)
    monkeypatch.setattr(ROOM, "AT_ONCE", 3 * 500 * 5)
    ROOM._iterate.clear_cache()
    ROOM._finish.clear_cache()
    by_threes = clusterers.kmeans(KEY, points, 5)
    # Where two restarts end in the same partition, rounding decides which is kept, and so the numbers of its clusters.
    assert len(set(zip(at_once.labels.tolist(), by_threes.labels.tolist(), strict=True))) == 5
    for name in ("inertia", "inertias", "silhouettes", "iterations", "converged"):
        np.testing.assert_allclose(getattr(at_once, name), getattr(by_threes, name), rtol=1e-5)


def test_memory_does_not_grow_with_the_restarts():
    """20,000 points, 1,000 clusters: a restart has 80 MB of distances."""
    points = jax.ShapeDtypeStruct((20_000, 4), jnp.float32)
    run = jax.eval_shape(lambda p: ROOM._start(KEY, p, 1000, 40), points)
    scalar = jax.ShapeDtypeStruct((), jnp.float32)
    for step, arguments in ((ROOM._iterate, (jnp.int32(1), scalar)), (ROOM._finish, (scalar,))):
        needed = step.lower(run, points, *arguments).compile().memory_analysis().temp_size_in_bytes
        assert needed < 15 * 80e6


def test_a_poll_that_raises_stops_the_work():
    def stop():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        clusterers.kmeans(KEY, normal(3), 5, slice_iterations=1, poll=stop)


def test_edges():
    few = np.float32([[0], [1], [5]])
    assert float(fit(few, 3).inertia) == 0  # as many clusters as points
    assert float(fit(few, 1).centers[0, 0]) == 2
    equal = fit(np.ones_like(few), 3)  # nothing to tell the clusters apart
    assert float(equal.inertia) == 0
    assert np.isfinite(np.asarray(equal.centers)).all()
    sizes = [1, 1, 98, 150, 250]
    doubled = clusterers.kmeans(KEY, np.repeat(9 * np.eye(5, 4, dtype=np.float32), sizes, axis=0), 5)
    assert sorted(np.bincount(doubled.labels)) == sizes


def test_nearest_takes_the_first_of_equally_near_centers():
    labels, distances = nearest(np.float32([[0], [3]]), np.float32([[1], [-1], [1]]))
    np.testing.assert_array_equal(labels, [0, 0])
    np.testing.assert_allclose(distances, [1, 4])


def test_distances_stay_above_zero_far_from_the_origin():
    points = np.full((4, 3), 1000.1, np.float32)
    assert (np.asarray(jax.jit(clusterers.squared_distances)(points, points)) >= 0).all()


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"points must be \[n, d\], got \(3,\)"):
        clusterers.kmeans(KEY, np.zeros(3), 2)
    with pytest.raises(ValueError, match=r"n_clusters must lie in 1..n = 3, got 4"):
        clusterers.kmeans(KEY, np.zeros((3, 1)), 4)


@pytest.mark.parametrize("of", [sums.by_product, sums.by_adding], ids=["product", "adding"])
def test_sums_of_clusters_are_those_of_a_plain_loop(of):
    """More points than are added in one sum, an empty cluster, and numbers that one long float32 sum would round."""
    rng = np.random.default_rng(0)
    points, labels = (1 + 1e-3 * rng.random((5000, 3))).astype(np.float32), rng.choice([0, 2, 3], 5000)
    found, counts = jax.jit(of(4))(points, labels)
    expected = np.stack([points[labels == j].sum(axis=0, dtype=np.float64) for j in range(4)])
    np.testing.assert_allclose(found, expected, rtol=3e-7)
    np.testing.assert_array_equal(counts, np.bincount(labels, minlength=4))
