"""Assignment with given sizes: SciPy's assignment problem as oracle; balanced k-means gives the sizes asked for."""

import jax
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from jaxcluster import clusterers

KEY = jax.random.key(0)


@pytest.mark.parametrize("seed", range(12))
def test_the_assignment_is_the_cheapest_of_all(seed):
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(1, 60)), int(rng.integers(1, 7))
    costs = rng.gamma(2, 1, (n, k)) if seed % 2 else rng.integers(0, 4, (n, k)).astype(float)  # ties
    sizes = rng.multinomial(n, rng.dirichlet(np.ones(k)))
    labels = clusterers.assign_with_sizes(costs, sizes, potentials=rng.normal(size=k))
    np.testing.assert_array_equal(np.bincount(labels, minlength=k), sizes)
    rows, columns = linear_sum_assignment(costs[:, np.repeat(np.arange(k), sizes)])
    cheapest = costs[:, np.repeat(np.arange(k), sizes)][rows, columns].sum()
    np.testing.assert_allclose(costs[np.arange(n), labels].sum(), cheapest, rtol=1e-9)


def test_sizes_are_the_nearest_integers_that_add_up():
    np.testing.assert_array_equal(clusterers.whole_sizes(10, np.full(3, 1 / 3)), [4, 3, 3])
    np.testing.assert_array_equal(clusterers.whole_sizes(10, [0.55, 0.25, 0.2]), [6, 2, 2])
    np.testing.assert_array_equal(clusterers.whole_sizes(300, np.float32([0.7, 0.3])), [210, 90])
    np.testing.assert_array_equal(clusterers.whole_sizes(2, [0.1, 0.8, 0.1]), [0, 2, 0])
    with pytest.raises(ValueError, match=r"sizes must be \[2\], at least 0, and add up to n = 3, got \[1, 1\]"):
        clusterers.assign_with_sizes(np.zeros((3, 2)), np.array([1, 1]))


@pytest.mark.parametrize("shares", [(0.7, 0.3), (0.34, 0.33, 0.33)])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_clusters_far_apart_get_the_sizes_asked_for(shares, offset):
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(100 * i + offset, 1, (50, 2)) for i in range(2)])
    found = clusterers.balanced_kmeans(KEY, points, len(shares), proportions=np.asarray(shares), restarts=2)
    np.testing.assert_array_equal(found.sizes, clusterers.whole_sizes(100, shares))
    np.testing.assert_array_equal(found.sizes, np.bincount(found.labels, minlength=len(shares)))


def test_points_on_one_spot_are_divided_too():
    found = clusterers.balanced_kmeans(KEY, np.ones((100, 2)), 3)
    np.testing.assert_array_equal(np.sort(found.sizes), [33, 33, 34])
    assert clusterers.balanced_kmeans(KEY, np.eye(4), 4).sizes.tolist() == [1, 1, 1, 1]  # n = k


@pytest.mark.parametrize("shares", [(0.5, 0.6), (1.2, -0.2), (np.nan, 0.5)])
def test_proportions_that_are_none_are_refused(shares):
    with pytest.raises(ValueError, match="proportions must be positive and add up to 1"):
        clusterers.balanced_kmeans(KEY, np.ones((10, 1)), 2, proportions=np.asarray(shares))
