"""What all pictures share: no global state, safe names, colors that stay apart."""

import itertools
import pathlib
import re
import subprocess
import sys
import threading

import numpy as np
import pytest

from jaxcluster import plots
from jaxcluster.plots import canvas

# Linear RGB as seen with a full deficiency: Machado, Oliveira and Fernandes (2009).
VISION = {
    "normal": np.eye(3),
    "protan": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0521]],
    "deutan": [[0.3673, 0.8607, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "tritan": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}


def lab(colors, vision):
    """CIELAB of sRGB colors seen by someone."""
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(VISION[vision]).T, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(np.maximum(seen @ to_xyz.T / [0.9505, 1, 1.089], 0.008856)).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


@pytest.mark.parametrize("vision", VISION)
def test_ten_colors_stay_apart(vision):
    # A distance of 2 is just visible side by side; dots that lie apart need several times that. The default
    # palette of plotting libraries comes as close as 5.
    colors = lab(canvas.group_colors(10)[:, :3], vision)
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(colors, 2)]
    assert min(distances) > 17
    assert np.linalg.norm(colors - [100, 0, 0], axis=1).min() > 14  # from paper


@pytest.mark.parametrize("k", [1, 2, 10, 11, 20, 21, 60, 300])
def test_each_group_has_a_color_of_its_own(k):
    colors = canvas.group_colors(k)
    assert colors.shape == (k, 4)
    assert len(np.unique(colors.round(6), axis=0)) >= min(k, 200)
    assert (colors[:, 3] == 1).all()


def test_names_are_shown_as_they_are():
    assert canvas.plain("a\n b$c") == r"a b\$c"
    assert canvas.plain("x" * 50, limit=5) == "xxxx…"
    assert canvas.plain(-1) == "-1"


def draw_all(folder, n=60):
    rng = np.random.default_rng(0)
    points, groups = rng.normal(size=(n, 6)), np.arange(n) % 4
    history = [{"phase": "a", "epoch": e, "loss": 1 / (e + 1), "acc": 0.5, "change": 0.1} for e in range(5)]
    plots.curves.losses(history, folder / "1.png")
    plots.curves.scores(history, folder / "2.png", stop_change=0.01)
    plots.embedding.pca(points, folder / "3.png", labels=groups)
    plots.embedding.tsne(points, folder / "4.png", clusters=groups)
    plots.typical.most_typical(rng.random((n, 5, 5)), groups, points[:, 0], folder / "5.png")
    plots.confusion.confusion(np.eye(4, dtype=int), folder / "6.png")
    plots.similarity.block_diagonal(points @ points.T, folder / "7.png", clusters=groups)
    plots.samples.grid(rng.random((n, 5, 5, 3)), folder / "8.png", clusters=groups)
    return sorted(folder.glob("*.png"))


def test_threads_draw_the_same_pictures_and_leave_no_figure_open_and_settings_untouched(tmp_path):
    import matplotlib
    from matplotlib import pyplot

    folders = [tmp_path / str(number) for number in range(3)]
    for folder in folders:
        folder.mkdir()
    before = dict(matplotlib.rcParams)
    first = [file.read_bytes() for file in draw_all(folders[0])]
    assert len(first) == 8
    assert pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == before
    threads = [threading.Thread(target=draw_all, args=(folder,)) for folder in folders[1:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for folder in folders[1:]:
        assert [file.read_bytes() for file in sorted(folder.glob("*.png"))] == first


def test_importing_plots_brings_numpy_only_and_drawing_never_pyplot(tmp_path):
    code = (
        "import sys; from jaxcluster import plots; "
        "print([m for m in ('jax', 'scipy', 'sklearn', 'matplotlib') if m in sys.modules]); "
        f"plots.confusion.confusion([[1, 0], [0, 1]], {str(tmp_path / 'c.png')!r}); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split("\n")[:2] == ["[]", "False"]
    for file in pathlib.Path(plots.__file__).parent.rglob("*.py"):  # the other pictures
        assert not re.search(r"(matplotlib\.|import.*)pyplot", file.read_text()), file
