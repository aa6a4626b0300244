"""Pictures made of images: the most typical ones of each cluster, generated samples."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from jaxcluster.plots import mosaic, samples, typical
from tests.plots.pictures import assert_png


def page(fig):
    return fig.axes[0].images[0].get_array()


def numbered(n, shape=(4, 4, 1)):
    """Image i is flat with brightness (i + 1) / (n + 1)."""
    return np.broadcast_to((np.arange(1, n + 1) / (n + 1)).reshape(n, *[1] * len(shape)), (n, *shape))


def test_rows_hold_the_most_confident_first(tmp_path):
    clusters = np.array([0, 1, 0, 1, 0, 0])
    confidence = np.array([0.1, 0.5, 0.9, 0.5, np.nan, 0.3])
    fig = typical.most_typical(numbered(6), clusters, confidence, tmp_path / "t.png", per_cluster=3)
    assert_png(tmp_path / "t.png", fig)
    cells = page(fig)[2::5, 2::5, 0] * 7 - 1
    np.testing.assert_allclose(cells[0], [2, 5, 0], atol=1e-5)
    np.testing.assert_allclose(cells[1], [1, 3, 6], atol=1e-5)  # a tie keeps its order; the empty cell is paper
    assert [text.get_text() for text in fig.axes[0].get_yticklabels()] == ["cluster 0 (4)", "cluster 1 (2)"]


def test_nan_confidence_comes_last():
    fig = typical.most_typical(numbered(3), [0, 0, 0], [np.nan, 0.1, 0.2])
    np.testing.assert_allclose(page(fig)[2, 2::5, 0] * 4 - 1, [2, 1, 0], atol=1e-5)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (5, 12, 3), (30, 7, 3), (6, 6, 4), (1, 1, 1), (96, 96, 3)])
def test_gray_and_rgb_square_and_not(tmp_path, shape):
    images = np.random.default_rng(0).random((30, *shape))
    fig = typical.most_typical(images, np.arange(30) % 3, np.ones(30), tmp_path / "t.png")
    assert_png(tmp_path / "t.png", fig)
    assert_png(tmp_path / "s.png", samples.grid(images, tmp_path / "s.png"))


def test_digits(tmp_path):
    digits = load_digits()
    fig = typical.most_typical(digits.images / 16, digits.target, np.ones(1797), tmp_path / "t.png", title="$x_")
    assert_png(tmp_path / "t.png", fig)
    np.testing.assert_allclose(page(fig)[1:9, 1:9, 0], digits.images[0] / 16)


@pytest.mark.parametrize("k", [1, 50, 51])
def test_rows_are_capped_and_it_is_said(tmp_path, k):
    clusters = np.concatenate([np.arange(200) % k, np.full(5, k - 1)])
    fig = typical.most_typical(numbered(205), clusters, np.ones(205), tmp_path / "t.png")
    assert_png(tmp_path / "t.png", fig)
    names = [text.get_text().split()[1] for text in fig.axes[0].get_yticklabels()]
    assert len(names) == min(k, 50)
    assert str(k - 1) in names  # the largest cluster is among them
    assert ("50 largest of" in fig.axes[0].get_title()) == (k > 50)


def test_an_empty_cluster_has_a_row_of_paper():
    fig = typical.most_typical(numbered(3), [3, 1, 3], [0.1, 0.2, 0.3], n_clusters=5)
    texts = [text.get_text() for text in fig.axes[0].get_yticklabels()]
    assert texts == [f"cluster {k}" for k in ("0 (empty)", "1 (1)", "2 (empty)", "3 (2)", "4 (empty)")]
    assert fig.axes[0].get_title() == "most typical images of 5 clusters, 3 of them empty"
    cells = page(fig)[2::5, 2::5, 0] * 4 - 1
    paper = 3
    np.testing.assert_allclose(cells, [[paper, paper], [1, paper], [paper, paper], [2, 0], [paper, paper]], atol=1e-5)


def test_where_rows_are_capped_empty_clusters_are_the_first_to_be_left_out():
    fig = typical.most_typical(numbered(4), [1, 1, 3, 0], np.ones(4), n_clusters=5, max_rows=3)
    texts = [text.get_text() for text in fig.axes[0].get_yticklabels()]
    assert texts == ["cluster 0 (1)", "cluster 1 (2)", "cluster 3 (1)"]
    assert fig.axes[0].get_title() == "most typical images of the 3 largest of 5 clusters, 2 of them empty"


@pytest.mark.parametrize("images", [None, np.zeros((5, 7)), np.zeros((5, 4, 4, 2)), np.zeros((0, 4, 4))])
def test_what_are_no_images_is_skipped(tmp_path, images):
    assert typical.most_typical(images, np.zeros(5), np.zeros(5), tmp_path / "t.png") is None
    assert samples.grid(images, tmp_path / "t.png") is None
    assert not list(tmp_path.iterdir())


def test_values_are_brought_to_0_1():
    tiles = mosaic.as_tiles(np.array([[[0, 255]]], np.uint8))
    np.testing.assert_array_equal(tiles[0, 0, :, 0], [0, 1])
    tiles = mosaic.as_tiles(np.array([[[-3.0, 2.0, np.nan, 0.5]]]))
    np.testing.assert_array_equal(tiles[0, 0, :, 0], [0, 1, 0, 0.5])


def test_samples_by_cluster(tmp_path):
    clusters = np.array(["b", "a", "b", "b"])
    fig = samples.grid(numbered(4), tmp_path / "s.png", clusters=clusters, columns=2, title="generated")
    assert_png(tmp_path / "s.png", fig)
    np.testing.assert_allclose(page(fig)[2::5, 2::5, 0] * 5 - 1, [[1, 4], [0, 2]], atol=1e-5)
    assert [text.get_text() for text in fig.axes[0].get_yticklabels()] == ["cluster a", "cluster b"]


def test_samples_in_reading_order_and_capped(tmp_path):
    fig = samples.grid(numbered(7), tmp_path / "s.png", columns=3, max_rows=2)
    assert_png(tmp_path / "s.png", fig)
    np.testing.assert_allclose(page(fig)[2::5, 2::5, 0] * 8 - 1, [[0, 1, 2], [3, 4, 5]], atol=1e-5)
    assert "first 2 of 3 rows" in fig.axes[0].get_title()


def test_bad_input_names_the_argument():
    with pytest.raises(ValueError, match=r"clusters must have shape \[3\], got \(2,\)"):
        typical.most_typical(numbered(3), [0, 1], np.ones(3))
    with pytest.raises(ValueError, match=r"confidence must have shape \[3\], got \(3, 1\)"):
        typical.most_typical(numbered(3), [0, 1, 1], np.ones((3, 1)))
    with pytest.raises(ValueError, match="clusters must be 0 to n_clusters - 1 = 1, got 2"):
        typical.most_typical(numbered(3), [0, 2, 1], np.ones(3), n_clusters=2)
    with pytest.raises(ValueError, match=r"clusters must have shape \[3\], got \(4,\)"):
        samples.grid(numbered(3), clusters=[0, 1, 2, 3])
