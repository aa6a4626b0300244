"""What a run leaves behind, and what it says on the way."""

import csv
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from jaxcluster.files import manifest, storage
from jaxcluster.workflow import report
from tests.main.commands import LONG, command, files_of, run_on, two_kinds


def test_a_run_leaves_all_that_a_person_can_use(folder, done):
    run = folder / "run"
    labels, confidence = np.load(run / "labels.npy"), np.load(run / "confidence.npy")
    assert labels.shape == confidence.shape == (24,)
    assert labels.dtype == np.int32
    assert set(labels) == {0, 1}
    assert (confidence >= 0).all()
    assert (confidence <= 1).all()
    assert np.load(run / "embedding.npy").shape == (24, 10)
    assert np.load(run / "centers.npy").shape == (2, 10)
    with (run / "clusters.csv").open() as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["index", "cluster", "confidence"]
    assert [(int(i), int(k)) for i, k, _ in rows[1:]] == list(enumerate(labels))
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [record["phase"] for record in records] == 300 * ["pretrain"] + 2 * ["finetune"]
    assert (run / "model" / "finetune").is_dir()
    assert list((run / "checkpoints").iterdir())
    pictures = {file.name for file in (run / "pictures").iterdir()}
    assert pictures == {f"{name}.png" for name in ("losses", "scores", "pca", "tsne", "typical", "confusion")}
    assert manifest.verify(run, "pictures/")


def test_the_summary_is_strict_json_with_everything_worth_knowing(folder, done):
    def refuse(word):
        raise AssertionError(word)

    summary = json.loads((folder / "run" / "summary.json").read_text(), parse_constant=refuse)
    assert summary["config"]["pretrain"]["epochs"] == 300
    assert summary["data"]["samples"] == 24
    assert summary["versions"].keys() >= {"python", "jaxcluster", "jax", "numpy"}
    assert summary["device"].keys() >= {"platform", "kind", "cores", "peak_memory_mib"}
    assert summary["seconds"].keys() == {"pretrain", "finetune"}
    results = summary["results"]
    assert results["epochs"] == {"pretrain": 300, "finetune": 2}
    assert results["loss"].keys() == {"pretrain", "finetune"}
    assert sum(results["cluster_sizes"]) == sum(results["initial"]["cluster_sizes"]) == 24
    assert results["scoring"]["acc"] == 1.0
    assert results["initial"]["scoring"].keys() == {"acc", "nmi", "ari"}


def test_what_a_run_says(done, folder):
    lines = done.text.splitlines()
    assert lines[0] == f"aspc on gray: 24 images of 4x5x1 (with labels); workdir {folder / 'run'}"
    assert lines[1] == "the samples lie on the device (--images_on)"
    assert any(line.startswith("pretrain: epoch 300/300  loss 0.") for line in lines)
    assert any(line.startswith("finetune: epoch 2/2  loss ") for line in lines)
    for line in lines:
        assert ("ACC" in line) <= ("scoring only" in line)
    assert "could not be drawn" not in done.text


def test_the_same_command_again_says_so_and_changes_nothing(folder, done):
    before = files_of(folder / "run")
    again = run_on(folder / "gray.npz", folder / "run", LONG)
    assert again.code == 0
    assert "this run is complete; its results are in" in again.text
    assert files_of(folder / "run") == before


def test_a_run_killed_while_it_draws_keeps_its_results_and_is_killed_so_twice_at_most(folder, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def kill(*args, **options):
        raise Killed

    def draw(folder, *args, **options):
        storage.make_folder(folder)
        with storage.new_file(folder / "losses.png") as file:
            file.write(b"drawn")

    run, pictures = tmp_path / "run", tmp_path / "drawn" / "pictures"
    with monkeypatch.context() as patch:
        patch.setattr(report, "write_pictures", kill)
        with pytest.raises(Killed):
            run_on(folder / "gray.npz", run)
        kept = json.loads((run / "summary.json").read_text())
        assert kept.pop("pictures") == "being drawn"
        shutil.copytree(run, tmp_path / "drawn")
        with pytest.raises(Killed):
            run_on(folder / "gray.npz", run)
        assert "this run is complete" in run_on(folder / "gray.npz", run).text
    monkeypatch.setattr(report, "write_pictures", draw)
    said = run_on(folder / "gray.npz", tmp_path / "drawn")
    assert said.code == 0, said.text
    assert [file.name for file in pictures.iterdir()] == ["losses.png"]
    for workdir in (run, tmp_path / "drawn"):
        summary = json.loads((workdir / "summary.json").read_text())
        assert summary.keys() == kept.keys()
        assert summary["results"] == kept["results"]
        assert manifest.damages(workdir) == []
        assert all(manifest.verify(workdir, name) for name in ("labels.npy", "clusters.csv", "summary.json"))
    assert manifest.verify(tmp_path / "drawn", "pictures/")
    assert "this run is complete" in run_on(folder / "gray.npz", tmp_path / "drawn").text


def test_without_labels_there_is_no_scoring_anywhere(folder, unlabeled):
    said, run = unlabeled[2], folder / "unlabeled"
    assert "(no labels)" in said.text
    for text in (said.text, (run / "summary.json").read_text(), (run / "metrics.jsonl").read_text()):
        assert not any(word in text.lower() for word in ("acc ", '"acc"', "nmi", "ari ", "scoring"))


def test_ctrl_c_is_heard_and_the_run_ends_as_if_nothing_had_been(folder, done, unlabeled):
    """Labels decide nothing and one seed decides everything: the run with labels is the one to equal."""
    stopped, records, resumed = unlabeled
    assert stopped.code == 130, stopped.text
    assert stopped.text.splitlines()[-1] == "SIGINT: saved. The same command goes on from here."
    assert 0 < records < 300
    assert f"continuing in pretrain at epoch {records}" in resumed.text
    assert resumed.code == 0
    for name in ("labels.npy", "embedding.npy"):
        np.testing.assert_array_equal(np.load(folder / "unlabeled" / name), np.load(folder / "run" / name))


def test_init_from_starts_at_the_fine_tuning(folder, done):
    said = run_on(folder / "gray.npz", folder / "from", LONG, f"--config.init_from={folder / 'run'}", "--nopictures")
    assert said.code == 0, said.text
    assert "pretrain:" not in said.text
    metrics = folder / "from" / "metrics.jsonl"
    assert {json.loads(line)["phase"] for line in metrics.read_text().splitlines()} == {"finetune"}
    np.testing.assert_array_equal(np.load(folder / "from" / "labels.npy"), np.load(folder / "run" / "labels.npy"))


def test_predict_gives_the_labels_again_and_never_overwrites(folder, done):
    for name in ("unlabeled", "unlabeled-2"):
        said = command(f"--predict={folder / 'unlabeled.npy'}", f"--workdir={folder / 'run'}")
        assert said.code == 0, said.text
        predictions = folder / "run" / "predictions" / name
        assert said.text.splitlines()[-1] == f"24 samples clustered; results: {predictions}"
        for file in ("labels.npy", "confidence.npy", "embedding.npy"):
            np.testing.assert_allclose(np.load(predictions / file), np.load(folder / "run" / file), atol=1e-6)
        np.testing.assert_array_equal(np.load(predictions / "labels.npy"), np.load(folder / "run" / "labels.npy"))


def test_a_run_from_before_a_setting_was_there_counts_as_run_with_its_default(folder, done, tmp_path):
    shutil.copytree(folder / "run", tmp_path / "old")
    identity = json.loads((folder / "run" / "config.json").read_text())
    del identity["config"]["augment"]["shear"], identity["config"]["finetune"]["mean_over"]
    (tmp_path / "old" / "config.json").write_text(json.dumps(identity))
    (tmp_path / "old" / "manifest.json").unlink()  # runs of then had no checksums
    before = files_of(tmp_path / "old")
    again = run_on(folder / "gray.npz", tmp_path / "old", LONG)
    assert again.code == 0, again.text
    assert "this run is complete" in again.text
    after = files_of(tmp_path / "old")
    assert {file: time for file, time in after.items() if str(file) != "manifest.json"} == before
    other = run_on(folder / "gray.npz", tmp_path / "old", LONG, "--config.augment.shear=0.1")
    assert other.code == 2
    assert "other settings: config.augment.shear was 0.0, now 0.1. Name another" in other.error


def test_predict_knows_runs_from_before_a_setting_was_there(folder, done, tmp_path):
    (tmp_path / "old").mkdir()
    shutil.copytree(folder / "run" / "model", tmp_path / "old" / "model")
    identity = json.loads((folder / "run" / "config.json").read_text())
    del identity["config"]["augment"]["stretch"], identity["config"]["finetune"]["mean_over"]
    (tmp_path / "old" / "config.json").write_text(json.dumps(identity))
    said = command(f"--predict={folder / 'unlabeled.npy'}", f"--workdir={tmp_path / 'old'}")
    assert said.code == 0, said.text
    labels = np.load(tmp_path / "old" / "predictions" / "unlabeled" / "labels.npy")
    np.testing.assert_array_equal(labels, np.load(folder / "run" / "labels.npy"))


def test_a_folder_of_rgb_images_that_are_not_square_and_a_name_that_is_not_utf_8(tmp_path):
    """A name keeps its bytes."""
    name = b"gr\xfcn.png"
    (tmp_path / "images").mkdir()
    for i, image in enumerate(two_kinds((6, 4, 3))[0]):
        Image.fromarray((255 * image).astype(np.uint8)).save(tmp_path / "images" / f"{i:02}.png")
    try:
        os.rename(tmp_path / "images" / "23.png", os.fsencode(tmp_path / "images") + b"/" + name)
    except OSError:  # the file system takes UTF-8 alone
        name = b"23.png"
    said = run_on(tmp_path / "images", tmp_path / "run", "--config.pretrain.epochs=0", "--config.initial.method=ward")
    assert said.code == 0, said.text
    assert "24 images of 6x4x3 (no labels)" in said.text
    assert "could not be drawn" not in said.text
    pictures = {file.stem for file in (tmp_path / "run" / "pictures").iterdir()}
    assert pictures == {"losses", "scores", "pca", "tsne", "typical"}
    assert read_names(tmp_path / "run" / "clusters.csv")[1:] == [*(b"%02d.png" % i for i in range(23)), name]
    said = command(f"--predict={tmp_path / 'images'}", f"--workdir={tmp_path / 'run'}")
    assert said.code == 0, said.text
    assert name in read_names(tmp_path / "run" / "predictions" / "images" / "clusters.csv")


def read_names(file):
    return [line.split(b",")[3] for line in file.read_bytes().splitlines()]


def test_feature_vectors_are_told_what_does_not_apply(tmp_path):
    np.save(tmp_path / "x.npy", two_kinds((7,))[0])
    options = ("--config.pretrain.epochs=0", "--config.initial.method=ward", "--nopictures")
    said = run_on(tmp_path / "x.npy", tmp_path / "run", *options, "--config.finetune.epochs=0")
    assert said.code == 0, said.text
    assert "24 feature vectors of 7 (no labels)" in said.text
    assert "feature vectors cannot be rotated or shifted: augmentation is off" in said.text
    noise = ("--config.augment.noise=0.1", "--config.finetune.epochs=1")
    noisy = run_on(tmp_path / "x.npy", tmp_path / "noisy", *options, *noise)
    assert noisy.code == 0, noisy.text
    assert "augmentation is Gaussian noise of standard deviation 0.1, where all features" in noisy.text
    assert np.load(tmp_path / "run" / "labels.npy").shape == (24,)
