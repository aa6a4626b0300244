"""Pictures of matrices: the confusion table, the similarity matrix sorted by cluster."""

import numpy as np
import pytest

from jaxcluster.plots import confusion, similarity
from tests.plots.pictures import assert_png


def cells(axes):
    return {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts}


def test_confusion_counts_and_shares(tmp_path):
    matrix = np.array([[9000, 0, 1000], [5, 15, 0]])
    fig = confusion.confusion(
        matrix, tmp_path / "c.png", row_names=["cat", "dog"], column_names=[2, 0, 1], title="a run"
    )
    assert_png(tmp_path / "c.png", fig)
    axes = fig.axes[0]
    assert cells(axes) == {(0, 0): "9,000", (0, 2): "1,000", (1, 0): "5", (1, 1): "15"}
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.9, 0, 0.1], [0.25, 0.75, 0]])
    assert [text.get_text() for text in axes.get_yticklabels()] == ["cat", "dog"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["2", "0", "1"]
    assert axes.get_title() == "a run\n90.0% of 10,020 samples on the diagonal"


@pytest.mark.parametrize("shape", [(1, 1), (20, 20), (21, 3), (130, 90)])
def test_confusion_of_any_size(tmp_path, shape):
    matrix = np.random.default_rng(0).integers(0, 99_999, shape)
    fig = confusion.confusion(matrix, tmp_path / "c.png", column_names=[f"a long name {k} $" for k in range(shape[1])])
    assert_png(tmp_path / "c.png", fig)
    assert bool(cells(fig.axes[0])) == (max(shape) <= 20)
    assert len(fig.axes[0].get_yticks()) <= 60


def test_confusion_with_an_empty_row(tmp_path):
    fig = confusion.confusion([[0, 0], [1, 2]], tmp_path / "c.png")
    assert_png(tmp_path / "c.png", fig)
    np.testing.assert_allclose(fig.axes[0].images[0].get_array(), [[0, 0], [1 / 3, 2 / 3]])
    assert_png(tmp_path / "c.png", confusion.confusion(np.zeros((2, 2), int), tmp_path / "c.png"))


def test_similarity_is_sorted_into_blocks(tmp_path):
    clusters = np.array([1, 0, 1, 0, 2])
    matrix = (clusters[:, None] == clusters) * 0.75 + 0.25
    fig = similarity.block_diagonal(matrix, tmp_path / "s.png", clusters=clusters)
    assert_png(tmp_path / "s.png", fig)
    expected = np.full((5, 5), 0.25)
    for block in (slice(0, 2), slice(2, 4), slice(4, 5)):
        expected[block, block] = 1
    np.testing.assert_allclose(fig.axes[0].images[0].get_array(), expected)
    assert "within clusters 1.000, between clusters 0.250" in fig.axes[0].get_title()
    assert [text.get_text() for text in fig.axes[0].get_xticklabels()] == ["0", "1", "2"]


@pytest.mark.parametrize("k", [1, 2, 60, 100])
def test_similarity_of_any_number_of_clusters(tmp_path, k):
    rng = np.random.default_rng(0)
    codes = rng.random((100, 8)) - 0.3
    fig = similarity.block_diagonal(codes @ codes.T, tmp_path / "s.png", clusters=np.arange(100) % k)
    assert_png(tmp_path / "s.png", fig)
    assert fig.axes[0].images[0].norm.vmin == -fig.axes[0].images[0].norm.vmax  # there are negative values


@pytest.mark.parametrize("m", [1, 2, 700])
def test_similarity_without_clusters(tmp_path, m):
    matrix = np.random.default_rng(0).random((m, m))
    fig = similarity.block_diagonal(matrix, tmp_path / "s.png")
    assert_png(tmp_path / "s.png", fig)
    assert fig.axes[0].images[0].norm.vmin == 0
    assert fig.axes[0].images[0].norm.vmax == 1


def test_bad_input_names_the_argument():
    with pytest.raises(ValueError, match=r"matrix must have shape \[classes, clusters\] .* got \(3,\)"):
        confusion.confusion([1, 2, 3])
    with pytest.raises(ValueError, match=r"matrix must have shape .* not be empty, got \(0, 3\)"):
        confusion.confusion(np.zeros((0, 3)))
    with pytest.raises(ValueError, match="row_names must have 2 names, got 1"):
        confusion.confusion(np.eye(2), row_names=["a"])
    with pytest.raises(ValueError, match="column_names must have 2 names, got 3"):
        confusion.confusion(np.eye(2), column_names="abc")
    with pytest.raises(ValueError, match=r"similarity must have shape \[m, m\] .* got \(2, 3\)"):
        similarity.block_diagonal(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"clusters must have shape \[2\], got \(3,\)"):
        similarity.block_diagonal(np.eye(2), clusters=[0, 1, 2])
