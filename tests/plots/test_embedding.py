"""PCA and t-SNE: coordinates against scikit-learn, colors and caps, odd sizes."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from jaxcluster.plots import embedding
from tests.plots.pictures import assert_png


def drawn(axes):
    return np.concatenate([collection.get_offsets().data for collection in axes.collections])


@pytest.mark.parametrize(("n", "d"), [(300, 64), (40, 64), (64, 64), (500, 3), (30, 1000)])
def test_coordinates_are_those_of_scikit_learn(n, d):
    points = np.random.default_rng(0).normal(size=(n, d)) * np.linspace(1, 3, d)
    expected = PCA(2, svd_solver="full").fit_transform(points)
    got = embedding.principal_coordinates(points)
    np.testing.assert_allclose(np.abs(got), np.abs(expected), atol=1e-8)
    assert (got[np.abs(got).argmax(0), [0, 1]] > 0).all()


def test_the_picture_shows_these_coordinates(tmp_path):
    digits = load_digits()
    fig = embedding.pca(digits.images, tmp_path / "pca.png", labels=digits.target, title="pixels", at_most=500)
    assert_png(tmp_path / "pca.png", fig)
    shown = embedding.subset(len(digits.data), at_most=500)
    expected = PCA(2, svd_solver="full").fit_transform(digits.data[shown])
    np.testing.assert_allclose(np.abs(drawn(fig.axes[0])), np.abs(expected), atol=1e-6)
    assert "colored by given labels (scoring only), 500 of 1,797 samples" in fig.get_suptitle()
    assert [text.get_text() for text in fig.legends[0].get_texts()] == list("0123456789")


def test_the_subset_is_fixed_and_capped():
    assert len(embedding.subset(70_000)) == 2000
    np.testing.assert_array_equal(embedding.subset(70_000), embedding.subset(70_000))
    assert (embedding.subset(70_000) != embedding.subset(70_000, seed=1)).any()
    np.testing.assert_array_equal(np.sort(embedding.subset(5)), range(5))


@pytest.mark.parametrize("k", [1, 2, 10, 11, 20, 21, 60])
def test_any_number_of_groups(tmp_path, k):
    rng = np.random.default_rng(k)
    clusters = np.arange(120) % k
    fig = embedding.pca(rng.normal(size=(120, 10)), tmp_path / "pca.png", clusters=clusters)
    assert_png(tmp_path / "pca.png", fig)
    assert "colored by cluster, 120 samples" in fig.get_suptitle()
    assert len(fig.legends) == (k <= 20)
    assert len(drawn(fig.axes[0])) == 120


def test_labels_go_before_clusters_and_neither_is_fine(tmp_path):
    points = np.random.default_rng(0).normal(size=(20, 4))
    fig = embedding.pca(points, labels=["a$b", "c"] * 10, clusters=np.zeros(20, int))
    assert "given labels" in fig.get_suptitle()
    fig = embedding.pca(points, tmp_path / "pca.png")
    assert_png(tmp_path / "pca.png", fig)
    assert "colored" not in fig.get_suptitle()
    assert not fig.legends


@pytest.mark.parametrize(("n", "d"), [(1, 5), (2, 5), (3, 1), (1, 1), (4, 2)])
def test_few_points_and_few_dimensions(tmp_path, n, d):
    points = np.arange(n * d, dtype=np.float32).reshape(n, d)
    fig = embedding.pca(points, tmp_path / "pca.png", labels=np.full(n, -1))
    assert_png(tmp_path / "pca.png", fig)
    assert drawn(fig.axes[0]).shape == (n, 2)


def test_panels_show_the_same_samples(tmp_path):
    rng = np.random.default_rng(0)
    start, labels = rng.normal(size=(2500, 10)), np.arange(2500) % 7
    panels = {"pixels": rng.random((2500, 4, 5, 3)), "start": start, "end": 2 * start}
    fig = embedding.pca_panels(panels, tmp_path / "panels.png", labels=labels)
    assert_png(tmp_path / "panels.png", fig)
    assert [axes.get_title() for axes in fig.axes] == ["pixels", "start", "end"]
    np.testing.assert_allclose(2 * drawn(fig.axes[1]), drawn(fig.axes[2]), atol=1e-9)
    colors = [axes.collections[0].get_facecolors() for axes in fig.axes]
    np.testing.assert_array_equal(colors[0], colors[2])
    assert len(drawn(fig.axes[0])) == 2000


def test_nothing_to_show():
    assert embedding.pca_panels({}) is None
    assert embedding.pca(np.zeros((0, 5))) is None
    assert embedding.tsne(np.zeros((4, 5))) is None
    assert embedding.tsne(np.ones((40, 5))) is None


def test_tsne_keeps_well_separated_groups_together(tmp_path):
    rng = np.random.default_rng(0)
    clusters = np.arange(90) % 3
    points = rng.normal(size=(90, 60)) + 30 * np.eye(3)[clusters].repeat(20, axis=1)
    fig = embedding.tsne(points, tmp_path / "tsne.png", clusters=clusters)
    assert_png(tmp_path / "tsne.png", fig)
    placed = drawn(fig.axes[0])
    group = clusters[embedding.subset(90)]
    distance = np.linalg.norm(placed[:, None] - placed, axis=-1) + 1e9 * np.eye(90)
    assert (group[distance.argmin(1)] == group).all()
    again = drawn(embedding.tsne(points, clusters=clusters).axes[0])
    np.testing.assert_array_equal(placed, again)


@pytest.mark.parametrize(("n", "d"), [(5, 3), (7, 1), (12, 80)])
def test_tsne_of_few_points(tmp_path, n, d):
    fig = embedding.tsne(np.random.default_rng(0).normal(size=(n, d)), tmp_path / "tsne.png")
    assert_png(tmp_path / "tsne.png", fig)


def test_bad_input_names_the_argument():
    points = np.zeros((4, 2))
    with pytest.raises(ValueError, match=r"labels must have shape \[4\], got \(3,\)"):
        embedding.pca(points, labels=[1, 2, 3])
    with pytest.raises(ValueError, match=r"clusters must have shape \[4\], got \(4, 1\)"):
        embedding.pca(points, clusters=np.zeros((4, 1)))
    with pytest.raises(ValueError, match=r"panels must all have the same number of points, got \[4, 5\]"):
        embedding.pca_panels({"a": points, "b": np.zeros((5, 2))})
    with pytest.raises(ValueError, match="points must be finite, got NaN or infinity"):
        embedding.pca(np.array([[np.nan, 1.0], [0.0, 0.0]]))
