"""What can be asked of a finished run: folders of images, -1 for unsure samples, corrections by hand."""

import importlib.util
import json
import shutil

import numpy as np
import pytest
from PIL import Image

import jaxcluster
from jaxcluster.files import manifest
from tests.main.commands import LONG, command, files_of, refused, run_on, two_kinds


@pytest.fixture
def run(folder, done, tmp_path):
    """A finished run of its own."""
    return shutil.copytree(folder / "run", tmp_path / "run", ignore=shutil.ignore_patterns("predictions"))


def test_the_tables_belong_to_the_run(folder, done):
    there = importlib.util.find_spec("pyarrow") is not None
    assert (folder / "run" / "clusters.parquet").exists() == there
    entries = json.loads((folder / "run" / manifest.FILE).read_text())["crc32"]
    assert ("clusters.parquet" in entries) == there


def test_the_images_of_a_finished_run_are_exported_without_its_settings(run):
    before = files_of(run)
    said = command(f"--workdir={run}", "--export=folders")
    assert said.code == 0, said.text
    assert "this run is complete" in said.text
    assert said.text.splitlines()[-1] == f"24 images in 2 folders, one for each cluster: {run / 'export'}"
    labels, confidence = np.load(run / "labels.npy"), np.load(run / "confidence.npy")
    for k in (0, 1):
        files = sorted((run / "export" / f"cluster-{k}").iterdir())
        numbers = [int(file.stem.split("-")[1]) for file in files]
        assert sorted(numbers) == np.flatnonzero(labels == k).tolist()
        assert (np.diff(confidence[numbers]) <= 0).all()
        drawn = np.stack([np.asarray(Image.open(file)) for file in files])
        assert np.corrcoef(drawn.ravel(), two_kinds((4, 5))[0][numbers].ravel())[0, 1] > 0.999
    assert "is there already; this export is written beside it" in command(f"--workdir={run}", "--export=copies").text
    assert {file: time for file, time in files_of(run).items() if file in before} == before
    assert "this run is complete" in command(f"--workdir={run}").text  # nothing in the exports offends it


def test_another_confidence_and_corrections_lie_beside_the_results(folder, run):
    before, confidence = files_of(run), np.load(run / "confidence.npy")
    least = float(np.sort(confidence)[6])
    said = run_on(folder / "gray.npz", run, LONG, f"--min_confidence={least}")
    assert said.code == 0, said.text
    assert "25.0% of the samples have a confidence below" in said.text
    assert "scoring only, on the 75.0% of the samples that keep a label: ACC 1.0000" in said.text
    labels = np.load(run / "labels.npy")
    unsure = confidence < least
    np.testing.assert_array_equal(np.load(run / "corrections" / "1" / "labels.npy"), np.where(unsure, -1, labels))
    assert command(f"--workdir={run}", "--merge=0,1").code == 0
    np.testing.assert_array_equal(np.load(run / "corrections" / "2" / "labels.npy"), np.where(unsure, -1, 0))
    said = command(f"--predict={folder / 'unlabeled.npy'}", f"--workdir={run}")
    assert f"the run's own clusters, without the corrections in {run / 'corrections' / '2'}" in said.text
    said = command(f"--workdir={run}", "--export=folders")
    assert said.code == 0, said.text
    assert f"exported are the labels with the corrections: {run / 'corrections' / '2' / 'labels.npy'}" in said.text
    assert {child.name for child in (run / "export").iterdir()} == {"cluster-0", "left-out"}
    assert {file: time for file, time in files_of(run).items() if file in before} == before


def test_a_run_with_a_confidence_says_so_everywhere(folder, tmp_path):
    run = tmp_path / "run"
    with_curves = importlib.util.find_spec("tensorboardX") is not None
    options = ["--min_confidence=0.9", "--nopictures", *(["--tensorboard"] if with_curves else [])]
    said = run_on(folder / "gray.npz", run, *options)
    assert said.code == 0, said.text
    assert (run / "tensorboard").exists() == with_curves
    sure = np.load(run / "confidence.npy") >= 0.9
    labels, full = np.load(run / "labels.npy"), np.load(run / "all_labels.npy")
    assert 0 < sure.sum() < 24  # else this test shows nothing
    np.testing.assert_array_equal(labels, np.where(sure, full, -1))
    assert (full >= 0).all()
    results = json.loads((run / "summary.json").read_text())["results"]
    assert sum(results["cluster_sizes"]) == 24
    assert results["confident"]["share"] == sure.mean()
    assert results["confident"].keys() == {"min_confidence", "samples", "share", "scoring"}
    # New samples are treated alike, here and in the estimator; a value of their own comes first.
    predict = (f"--predict={folder / 'unlabeled.npy'}", f"--workdir={run}")
    assert "of them have a confidence below 0.9: their label is -1" in command(*predict).text
    np.testing.assert_array_equal(np.load(run / "predictions" / "unlabeled" / "labels.npy"), labels)
    said = command(*predict, "--min_confidence=0")
    first = run / "predictions" / "unlabeled"
    assert f"a prediction of this name is there already, with other labels: {first}" in said.text
    np.testing.assert_array_equal(np.load(run / "predictions" / "unlabeled-2" / "labels.npy"), full)
    loaded = jaxcluster.load(run)
    assert loaded.min_confidence == 0.9
    np.testing.assert_array_equal(loaded.labels_, labels)
    np.testing.assert_array_equal(loaded.all_labels_, full)
    np.testing.assert_array_equal(loaded.predict(np.load(folder / "unlabeled.npy")), labels)
    np.testing.assert_array_equal(loaded.result_.at_confidence(0.0).labels, full)
    assert "this run is complete" in run_on(folder / "gray.npz", run).text  # the threshold is no setting of training


def test_curves_of_a_run_for_tensorboard(run):
    pytest.importorskip("tensorboardX")
    said = command(f"--workdir={run}", "--tensorboard")
    assert said.code == 0, said.text
    (file,) = (run / "tensorboard").iterdir()
    assert file.read_bytes().count(b"pretrain/loss") == 300
    assert "this run is complete" in command(f"--workdir={run}", "--tensorboard").text
    assert list((run / "tensorboard").iterdir()) == [file]


def test_predictions_are_exported(folder, run):
    said = command(f"--predict={folder / 'unlabeled.npy'}", f"--workdir={run}", "--export=folders")
    assert said.code == 0, said.text
    assert {child.name for child in (run / "predictions" / "unlabeled" / "export").iterdir()} == {
        "cluster-0",
        "cluster-1",
    }


def test_a_number_of_clusters_is_suggested(tmp_path, capsys):
    """Four heaps of points on the plane; the sentence on standard output, the curves in the file, which is kept."""
    rng = np.random.default_rng(0)
    corners = 20 * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])[np.arange(120) % 4]
    np.save(tmp_path / "x.npy", (corners + rng.normal(size=(120, 2))).astype(np.float32))
    options = (f"--config.data.path={tmp_path / 'x.npy'}", f"--suggest={tmp_path / 'out' / 'k.png'}", "--quiet")
    said = command(*options)
    assert said.code == 0, said.text
    assert capsys.readouterr().out.startswith("Try 4 clusters: ")
    picture = (tmp_path / "out" / "k.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert command(*options).error.endswith("k.png' (it exists)")
    assert (tmp_path / "out" / "k.png").read_bytes() == picture


def test_vectors_are_refused_before_training(tmp_path):
    np.save(tmp_path / "x.npy", two_kinds((7,))[0])
    said = run_on(tmp_path / "x.npy", tmp_path / "run", "--export=folders")
    assert said.code == 2
    assert said.error.startswith("--export: nothing to draw: the samples are feature vectors of 7;")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--suggest=RUN/k.png", "--predict=FILE"], "--suggest and --predict are different jobs; give one"),
        (
            ["--workdir=RUN-mistyped", "--export=copies"],
            "there is no run; to begin one, give --config or --config.data",
        ),
        (["--suggest=RUN/k.jpg"], "--suggest must be a new .png file, got "),
        (["--merge=0,1"], "--merge and --split need --workdir, the folder of a finished run"),
        (["--split=x", "--workdir=RUN"], "flag --split=x"),
        (
            ["--merge=3;7", "--workdir=RUN"],
            "--merge must be numbers of clusters with commas between, as 3,7, got '3;7'",
        ),
        (["--merge=0,1", "--split=0", "--workdir=RUN"], "--merge and --split are different jobs; give one"),
        (["--merge=0,1", "--export=folders", "--workdir=RUN"], "--merge and --export are different jobs; give one"),
        (["--predict=FILE", "--split=0", "--workdir=RUN"], "--predict and --split are different jobs; give one"),
        (["--merge=0,7", "--workdir=RUN"], "--merge: there is no cluster 7; the clusters are 0, 1"),
        (["--split=-1", "--workdir=RUN"], "--split: there is no cluster -1"),
        (["--export=zip", "--workdir=RUN"], "--export=zip"),
        (["--min_confidence=2", "--workdir=RUN"], "min_confidence must be a number between 0 and 1, got 2.0"),
    ],
)
def test_questions_that_have_no_answer(folder, done, options, message):
    before = files_of(folder / "run")
    assert message in refused(*(option.replace("RUN", str(folder / "run")) for option in options))
    assert files_of(folder / "run") == before
