"""Graphs of images under views and of feature vectors, against plain NumPy and SciPy."""

import math

import jax
import numpy as np
import pytest
from scipy import ndimage

from jaxcluster import clusterers
from jaxcluster.clusterers import (
    AffineView,
    Neighbors,
    affine_views,
    anchor_graph,
    anchor_vote,
    vector_graph,
    vector_neighbors,
    view_graph,
    view_matrices,
    view_neighbors,
)

VIEWS = (AffineView(), AffineView(rotation=20.0), AffineView(shift=(0.1, -0.2), stretch=(0.2, -0.1), shear=0.1))


def some_images(n, side=9, seed=0):
    """Blurred noise in bytes: neighbors differ clearly, warps move little."""
    noise = np.random.default_rng(seed).uniform(size=(n, side, side))
    smooth = ndimage.gaussian_filter(noise, (0, 1.5, 1.5))
    return (255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


def test_sets_of_views():
    for count in (1, 13, 25, 73):
        views = affine_views(count)
        assert len(set(views)) == count
        assert views[0] == AffineView()
    steps = affine_views(13)
    matrices = view_matrices(steps, height=28, width=28)
    np.testing.assert_array_equal(matrices[0], [[1, 0, 0], [0, 1, 0]])
    # The views come in pairs of opposite steps: one after the other leaves the plane as it was, a shear but for
    # second order.
    square = np.concatenate([matrices, np.tile([[[0, 0, 1]]], (13, 1, 1))], axis=1)
    for there, back in zip(square[1::2], square[2::2], strict=True):
        np.testing.assert_allclose(there @ back, np.eye(3), atol=1e-4)
    assert AffineView(rotation=10.0, shear=-0.15) in affine_views(25)
    assert AffineView(shift=(1 / 16, -1 / 16)) in affine_views(73)
    with pytest.raises(ValueError, match=r"count must be one of 1, 13, 25, 73, got 12"):
        affine_views(12)


def test_neighbors_under_views_are_those_of_plain_arithmetic():
    images = some_images(100)
    found = view_neighbors(images, views=VIEWS, representation="pixels", n_neighbors=5, dimensions=81)
    middle, best = np.array([4.0, 4.0]), np.full((100, 100), np.inf)
    unit_pixels = jax.jit(clusterers.unit_pixels)
    clean = np.asarray(unit_pixels(images[..., None].astype(np.float32)))
    for view in VIEWS:
        angle = math.radians(view.rotation)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        turn = turn @ np.array([[math.exp(view.stretch[0]), view.shear], [0, math.exp(view.stretch[1])]])
        offset = turn @ (np.array(view.shift) * 9 - middle) + middle
        warped = [
            ndimage.affine_transform(image.astype(float), turn, offset, order=1, mode="nearest") for image in images
        ]
        other = np.asarray(unit_pixels(np.stack(warped)[..., None].astype(np.float32)))
        best = np.minimum(best, ((clean[:, None] - other[None]) ** 2).sum(axis=2))
    np.fill_diagonal(best, np.inf)
    order = np.argsort(best, axis=1)[:, :5]
    np.testing.assert_array_equal(found.index, order)
    np.testing.assert_allclose(found.distances, np.take_along_axis(best, order, axis=1), atol=1e-5)
    # With 5 neighbors the scale is the distance to number 4.
    scale = np.sqrt(found.distances[:, 3])
    weights = np.exp(-found.distances / (scale[:, None] * scale[found.index]))
    np.testing.assert_allclose(found.weights, weights, rtol=1e-4)


def test_blocks_of_different_size_give_the_same_graph():
    images = some_images(130, side=8)
    one, other = (view_graph(images, views=VIEWS, n_neighbors=4, block=block) for block in (100, 40))
    assert (one != one.T).nnz == 0
    assert one.diagonal().sum() == 0
    np.testing.assert_array_equal(one.indices, other.indices)
    np.testing.assert_allclose(one.data, other.data, atol=1e-5)


def test_anchors_make_the_graph_that_they_would_make_alone():
    images = some_images(60, side=8)
    found = view_neighbors(images, views=VIEWS, n_neighbors=4, anchors=25)
    assert len(found.anchors) == 25
    assert np.isin(found.index, found.anchors).all()
    assert (found.index != np.arange(60)[:, None]).all()
    alone = view_graph(images[found.anchors], views=VIEWS, n_neighbors=4)
    among = anchor_graph(found)
    np.testing.assert_array_equal(among.indices, alone.indices)
    np.testing.assert_allclose(among.data, alone.data, atol=1e-4)
    again = view_neighbors(images, views=VIEWS, n_neighbors=4, anchors=25, seed=1)
    assert (again.anchors != found.anchors).any()


def test_other_samples_take_the_weighted_vote_of_their_anchors():
    index = np.array([[2, 4], [2, 4], [4, 5], [5, 4], [2, 5], [4, 2]], np.int32)
    weights = np.array([[0.9, 0.1], [0.2, 0.3], [1, 1], [0.5, 0.5], [1, 1], [1, 1]], np.float32)
    found = Neighbors(index, weights, weights, anchors=np.array([2, 4, 5], np.int32))
    np.testing.assert_array_equal(anchor_vote(found, np.array([2, 0, 1]), 3), [2, 0, 2, 0, 0, 1])
    everyone = found._replace(anchors=None)
    np.testing.assert_array_equal(anchor_vote(everyone, np.arange(6), 6), np.arange(6))


def test_vectors_far_from_the_origin_and_with_many_columns():
    rng = np.random.default_rng(0)
    low = rng.standard_normal((40, 3))
    wide = low @ np.linalg.qr(rng.standard_normal((400, 3)))[0].T + 5
    narrow = vector_neighbors(low + 1000, n_neighbors=6)
    distances = ((low[:, None] - low[None]) ** 2).sum(axis=2) + np.diag(np.full(40, np.inf))
    np.testing.assert_array_equal(narrow.index, np.argsort(distances, axis=1)[:, :6])
    np.testing.assert_array_equal(vector_neighbors(wide, n_neighbors=6).index, narrow.index)
    graph = vector_graph(low, n_neighbors=6)
    assert (graph != graph.T).nnz == 0
    assert graph[0, narrow.index[0, 0]] == narrow.weights[0, 0]  # not halved where only one names the other


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.zeros((5, 4)), {}, r"images must be \[n, h, w\] or \[n, h, w, c\], got \(5, 4\)"),
        (np.full((20, 4, 4), np.nan), {}, "images must be finite"),
        (np.zeros((20, 4, 4)), {"representation": "sift"}, r"representation must be 'auto', 'pixels' or 'desc.*'sift'"),
        (np.zeros((20, 4, 4)), {"views": ()}, "views must hold at least one view"),
        (np.zeros((10, 4, 4)), {}, r"n_neighbors must lie in 1..9"),
    ],
)
def test_what_cannot_be_compared_is_refused(images, options, message):
    with pytest.raises(ValueError, match=message):
        view_graph(images, **options)


def test_vectors_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match=r"points must be \[n, d\], got \(5, 4, 4\)"):
        vector_graph(np.zeros((5, 4, 4)))
    with pytest.raises(ValueError, match="points must be finite"):
        vector_graph(np.full((30, 2), np.inf))
