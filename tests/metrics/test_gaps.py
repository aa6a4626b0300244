"""Gaps within and between clusters: by hand, by laws, and where nothing may be reported."""

import numpy as np
import pytest

from jaxcluster.metrics import gaps


def gaussians(distance: float, *, size: int = 400, d: int = 5, seed: int = 0):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(2 * size, d))
    points[size:, 0] += distance
    return points, np.repeat([0, 1], size)


@pytest.mark.parametrize("seed", range(5))
def test_two_distant_gaussians_in_one_cluster_are_merged_and_apart_they_are_not_one(seed):
    points, apart = gaussians(6, seed=seed)
    assert gaps.find(np.zeros(800, int), points, 1, seed=seed) == ((0,), ())
    assert gaps.find(apart, points, 2, seed=seed) == ((), ())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shape", ["gaussian", "uniform", "heavy tails"])
def test_one_group_cut_in_two_is_split_and_whole_it_is_not_merged(shape, seed):
    rng = np.random.default_rng(seed)
    draw = {"gaussian": rng.standard_normal, "uniform": rng.random, "heavy tails": lambda s: rng.standard_t(3, s)}
    points = draw[shape]((800, 4)) * (3, 1, 1, 1)  # cut across its longest direction, as k-means would
    cut = (points[:, 0] > np.median(points[:, 0])).astype(int)
    merged, split = gaps.find(cut, points, 2, seed=seed)
    assert merged == ()
    if shape != "uniform":  # its density is the same everywhere: chance decides
        assert split == ((0, 1),)
    assert gaps.find(0 * cut, points, 1, seed=seed)[0] == ()


def test_position_scale_and_numbering_do_not_matter():
    points, apart = gaussians(6)
    far = points * 1e-3 + 1e4
    assert gaps.find(np.zeros(800, int), far, 1) == ((0,), ())
    assert gaps.find(4 - 2 * apart, points, 7) == ((), ())
    assert gaps.find(np.full(800, 5), points, 7) == ((5,), ())


def test_small_clusters_left_out_samples_and_equal_points_are_not_reported():
    points, apart = gaussians(6, size=19)
    assert gaps.find(0 * apart, points, 1) == ((), ())
    points, apart = gaussians(6)
    assert gaps.find(0 * apart - 1, points, 1) == ((), ())
    assert gaps.find(0 * apart, np.ones((800, 3)), 1)[0] == ()


def test_a_few_outliers_are_no_second_group():
    points, _ = gaussians(0)
    points[:40] += 50
    assert gaps.find(np.zeros(800, int), points, 1)[0] == ()


def test_principal_coordinates_have_the_distances_of_points_in_a_plane():
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(60, 2)) * (5, 1)
    points = plane @ np.linalg.qr(rng.normal(size=(30, 2)))[0].T + 100
    found = gaps.principal(points.reshape(60, 5, 6), 2)
    assert np.linalg.norm(found[:5, None] - found[None, :5], axis=-1) == pytest.approx(
        np.linalg.norm(plane[:5, None] - plane[None, :5], axis=-1)
    )
    assert gaps.principal(points[:3], 20).shape == (3, 3)
