"""k-means at its edges: values that are not finite, few distinct points, offsets, converged restarts."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import make_blobs

from jaxcluster import clusterers

KEY = jax.random.key(0)
distances = jax.jit(clusterers.squared_distances)
ROOM = importlib.import_module("jaxcluster.clusterers.kmeans")


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_points_that_are_not_finite_are_refused(value, kind):
    points = np.ones((6, 2), np.float32)
    points[[1, 4], [0, 1]] = value
    for call in (clusterers.kmeans, clusterers.balanced_kmeans):
        with pytest.raises(ValueError, match="points must be finite, got NaN or infinity in 2 of 6 rows"):
            call(KEY, kind(points), 2)


def test_under_jit_a_nan_is_not_called_converged():
    points = np.float32([[0], [1], [np.nan], [9]])
    found = jax.jit(lambda x: clusterers.kmeans(KEY, x, 2, restarts=2))(points)
    assert np.isnan(found.inertia)
    assert not bool(found.converged)


@pytest.mark.parametrize("offset", [0.0, 0.1, 1e4])
def test_fewer_distinct_points_than_clusters_converge(offset):
    spots = np.random.default_rng(0).normal(size=(3, 3)) + offset
    found = clusterers.kmeans(KEY, spots[np.arange(3000) % 3].astype(np.float32), 4)
    assert bool(found.converged)
    assert int(found.iterations) < 10
    labels = np.asarray(found.labels)
    assert [len(np.unique(labels[j::3])) for j in range(3)] == [1, 1, 1]
    assert len(np.unique(labels)) == 3
    assert np.isfinite(np.asarray(found.centers)).all()


def test_a_million_from_the_origin_in_float64_is_as_good_as_at_it():
    points, truth = make_blobs(3000, 3, centers=4, cluster_std=0.02, random_state=1)
    near = clusterers.kmeans(KEY, points, 4)
    far = clusterers.kmeans(KEY, points + 1e6, 4)
    np.testing.assert_array_equal(near.labels, far.labels)
    np.testing.assert_allclose(near.inertia, far.inertia, rtol=1e-4)
    pairs = {(a, b) for a, b in zip(truth.tolist(), np.asarray(far.labels).tolist(), strict=True)}
    assert len(pairs) == 4


def test_float32_far_from_the_origin_stops_no_earlier():
    """The limit of the moves is a share of the variance, which must not contain the rounding of the mean."""
    points = make_blobs(3000, 3, centers=4, cluster_std=1.5, random_state=0)[0]
    far = np.round(points * 16).astype(np.float32) + np.float32(2**19)  # exact in float32
    near = far - np.float32(2**19)
    one, other = (clusterers.kmeans(KEY, points, 4) for points in (near, far))
    np.testing.assert_allclose(one.inertia, other.inertia, rtol=1e-3)


@pytest.mark.parametrize("offset", [0, 100, 3000])
def test_squared_distances_do_not_depend_on_the_origin(offset):
    rng = np.random.default_rng(0)
    centers = (rng.normal(size=(10, 10)) + offset).astype(np.float32)
    points = (centers[rng.integers(0, 10, 500)] + rng.normal(0, 0.5, (500, 10))).astype(np.float32)
    exact = ((points[:, None].astype(float) - centers[None].astype(float)) ** 2).sum(-1)
    np.testing.assert_allclose(distances(points, centers), exact, rtol=1e-4)


def some_run():
    """Points about the origin, and six restarts at their seeds."""
    points = make_blobs(700, 6, centers=8, cluster_std=3.0, random_state=0)[0]
    points = (points - points.mean(0)).astype(np.float32)
    return points, ROOM._start(KEY, points, 8, 6)


def test_a_restart_goes_the_way_it_goes_alone():
    """What the others do, converged or not, changes no bit of it."""
    points, run = some_run()
    stop, limit = np.int32(60), np.float32(1e-3)
    together = ROOM._iterate(run, points, stop, limit)
    assert len(set(np.asarray(together.inertia).tolist())) > 1
    for r in range(6):
        alone = ROOM._Run(*(np.asarray(part)[r : r + 1] for part in run[:3]), run.iteration)
        alone = ROOM._iterate(alone, points, stop, limit)
        np.testing.assert_array_equal(alone.centers[0], np.asarray(together.centers)[r])


def test_a_converged_restart_is_left_as_it_is():
    points, run = some_run()
    active = np.array([True, False, True, True, False, True])
    after = ROOM._iterate(run._replace(active=active), points, np.int32(1), np.float32(0))
    moved = np.any(np.asarray(after.centers) != np.asarray(run.centers), axis=(1, 2))
    np.testing.assert_array_equal(moved, active)


def test_empty_clusters_take_the_farthest_points_the_farthest_first():
    points = np.float32([[0], [1], [3], [10]])  # all nearest to the first center, at 1, 0, 4 and 81
    moved, inertia, _ = jax.jit(ROOM._lloyd)(points, np.float32([[1], [100], [200]]), np.float32(0))
    np.testing.assert_array_equal(moved, [[3.5], [10.0], [3.0]])
    assert inertia == 86
