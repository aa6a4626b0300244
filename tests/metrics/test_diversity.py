"""The intra-cluster diversity of generated images: by hand, by laws, and where there is nothing to compare."""

import numpy as np
import pytest

from jaxcluster import metrics


def test_by_hand():
    # Cluster 0: real ones differ by 2 in one pixel (variance 2), drawn ones by 1 (1/2). Cluster 1: variance 8 and 0.
    real = np.array([[0, 0], [2, 0], [0, 0], [0, 4]], np.uint8)
    drawn = np.array([[5, 5], [1, 1], [5, 6], [1, 1]], np.float32)
    assert metrics.intra_cluster_diversity(drawn, [0, 1, 0, 1], real, [0, 0, 1, 1]) == pytest.approx((0.25 + 0) / 2)


def test_unequal_numbers_of_images_are_no_difference():
    real, drawn = np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [2.0]])  # unbiased variances 1 and 2
    assert metrics.intra_cluster_diversity(drawn, [0, 0], real, [0, 0, 0]) == pytest.approx(2)


def test_copies_of_the_real_images_have_diversity_one_and_half_the_contrast_a_quarter():
    rng = np.random.default_rng(0)
    images, labels = rng.random((60, 4, 4, 1)), rng.integers(3, size=60)
    assert metrics.intra_cluster_diversity(images, labels, images, labels) == pytest.approx(1)
    assert metrics.intra_cluster_diversity(images / 2 + 7, labels, images, labels) == pytest.approx(0.25)
    mixed = rng.permutation(60)
    assert metrics.intra_cluster_diversity(images[mixed], labels[mixed], images, labels) == pytest.approx(1)


def test_differences_between_clusters_do_not_count():
    drawn = np.repeat(np.arange(3.0), 5)[:, None]  # one image a cluster, five times
    real = np.random.default_rng(0).random((30, 1))
    assert metrics.intra_cluster_diversity(drawn, np.repeat(np.arange(3), 5), real, np.arange(30) % 3) == 0


def test_clusters_that_cannot_be_compared_are_left_out():
    real = np.array([[0.0], [1.0], [5.0], [3.0], [3.0]])  # cluster 1 has one image, cluster 2 two equal ones
    drawn = np.array([[0.0], [1.0], [0.0], [9.0], [0.0], [9.0], [4.0]])  # and for cluster 3 one is drawn
    assert metrics.intra_cluster_diversity(drawn, [0, 0, 1, 1, 2, 2, 3], real, [0, 0, 1, 2, 2]) == pytest.approx(1)
    assert np.isnan(metrics.intra_cluster_diversity(drawn[2:], [1, 1, 2, 2, 3], real, [0, 0, 1, 2, 2]))
