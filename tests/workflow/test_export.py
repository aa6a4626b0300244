"""One folder a cluster, the most certain first: the very files of a folder, or pictures of an array."""

import os

import numpy as np
import pytest
from PIL import Image

from jaxcluster import data
from jaxcluster.workflow import export
from jaxcluster.workflow.settings import UsageError

LABELS = np.array([1, 0, 1, -1, 0])
CONFIDENCE = np.array([0.2, 0.5, 0.9, 0.1, 0.5])
# cluster 0: samples 1 and 4 are equally sure and keep their order; cluster 1: 2 before 0.
RANKS = {"cluster-0": [1, 4], "cluster-1": [2, 0], "left-out": [3]}
NAMES = ("a/x.png", "a/y.png", "b/x.png", "b/z.png", "c.png")


@pytest.fixture
def photos(tmp_path):
    for i, name in enumerate(NAMES):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (3, 2), 40 * i).save(tmp_path / "photos" / name)
    return data.load(path=str(tmp_path / "photos"), report=lambda sentence: None)


def names_in(folder):
    return {child.name: sorted(file.name for file in child.iterdir()) for child in folder.iterdir()}


def test_files_are_linked_by_cluster_and_rank(tmp_path, photos):
    out = export.export_folders(str(tmp_path / "out"), photos, LABELS, CONFIDENCE)
    assert out == tmp_path / "out" / "export"
    expected = {
        cluster: [f"{rank}-{os.path.basename(photos.files[i])}" for rank, i in enumerate(members, 1)]
        for cluster, members in RANKS.items()
    }
    assert names_in(out) == expected
    for cluster, members in RANKS.items():
        for name, i in zip(expected[cluster], members):
            assert os.path.samefile(out / cluster / name, tmp_path / "photos" / photos.files[i])


def test_where_there_are_no_links_files_are_copied(tmp_path, photos, monkeypatch):
    def refuse(*paths):
        raise OSError(18, "Invalid cross-device link")

    def check(out):
        first = out / "cluster-0" / "1-y.png"
        assert first.read_bytes() == (tmp_path / "photos" / "a" / "y.png").read_bytes()
        assert not os.path.samefile(first, tmp_path / "photos" / "a" / "y.png")

    check(export.export_folders(tmp_path, photos, LABELS, CONFIDENCE, way="copies"))
    monkeypatch.setattr(os, "link", refuse)
    said = []
    again = export.export_folders(tmp_path, photos, LABELS, CONFIDENCE, say=said.append)
    check(again)
    assert again.name == "export-2"
    assert said[0] == f"{tmp_path / 'export'} is there already; this export is written beside it"
    assert said[1] == f"5 images in 3 folders, one for each cluster: {again}"


@pytest.mark.parametrize("error", [OSError("no room"), KeyboardInterrupt()])
def test_an_export_that_is_cut_short_leaves_no_export(tmp_path, photos, monkeypatch, error):
    """While it is filled the folder has another name (a kill leaves that); what fails or is interrupted is removed."""
    put, names = export._put, []

    def interrupted(source, target, *, link):
        names.append(target.parent.parent.name)
        if len(names) == 3:
            raise error
        put(source, target, link=link)

    monkeypatch.setattr(export, "_put", interrupted)
    with pytest.raises(type(error)):
        export.export_folders(tmp_path / "out", photos, LABELS, CONFIDENCE)
    assert len(set(names)) == 1
    assert names[0].startswith("export.")
    assert names[0].endswith(".partial")
    assert list((tmp_path / "out").iterdir()) == []
    monkeypatch.setattr(export, "_put", put)
    assert export.export_folders(tmp_path / "out", photos, LABELS, CONFIDENCE).name == "export"


def test_a_symbolic_link_gives_a_plain_file(tmp_path, photos):
    """A workdir with a link in it is refused at the next start."""
    (tmp_path / "photos" / "c.png").rename(tmp_path / "elsewhere.png")
    (tmp_path / "photos" / "c.png").symlink_to(tmp_path / "elsewhere.png")
    out = export.export_folders(tmp_path, photos, LABELS, CONFIDENCE)
    assert not (out / "cluster-0" / "2-c.png").is_symlink()
    assert os.path.samefile(out / "cluster-0" / "2-c.png", tmp_path / "elsewhere.png")


def test_ranks_and_clusters_sort_as_text_and_long_names_fit(tmp_path):
    (tmp_path / "photos").mkdir()
    for i in range(12):
        Image.new("L", (3, 2), i).save(tmp_path / "photos" / f"{i:0250d}.png")
    photos = data.load(path=str(tmp_path / "photos"), report=lambda sentence: None)
    confidence = np.where(np.arange(12) == 0, np.nan, np.arange(12) / 12)
    out = export.export_folders(tmp_path, photos, np.full(12, 10), confidence)
    assert list(names_in(out)) == ["cluster-10"]
    files = names_in(out)["cluster-10"]
    assert [int(name.split("-")[1][:-4]) for name in files] == [*range(11, 0, -1), 0]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_arrays_are_drawn(tmp_path, channels):
    shape = (5, 3, 2, channels)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    pixels[0, 0, 0], pixels[0, 0, 1] = 0, 255  # so that the range is known
    out = export.export_folders(tmp_path, data.from_arrays(pixels), LABELS, CONFIDENCE)
    assert names_in(out) == {c: [f"{r}-{i}.png" for r, i in enumerate(members, 1)] for c, members in RANKS.items()}
    drawn = np.asarray(Image.open(out / "cluster-1" / "1-2.png")).reshape(shape[1:])
    np.testing.assert_array_equal(drawn, pixels[2])


def test_what_cannot_be_exported(tmp_path, photos):
    vectors = data.from_arrays(np.random.default_rng(0).normal(size=(5, 7)), report=lambda sentence: None)
    with pytest.raises(UsageError, match=r"nothing to draw: the samples are feature vectors of 7"):
        export.export_folders(tmp_path, vectors, LABELS, CONFIDENCE)
    with pytest.raises(UsageError, match=r"must be one of folders, copies, got 'zip'"):
        export.export_folders(tmp_path, photos, LABELS, CONFIDENCE, way="zip")
    with pytest.raises(UsageError, match=r"for each sample: 5, 4 labels and 5 confidences"):
        export.export_folders(tmp_path, photos, LABELS[:4], CONFIDENCE)
    (tmp_path / "photos" / "c.png").unlink()
    with pytest.raises(OSError, match=r"c\.png cannot be exported to .*: No such file or directory"):
        export.export_folders(tmp_path, photos, LABELS, CONFIDENCE)
