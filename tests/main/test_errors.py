"""One clear sentence for all that cannot work: data, folders, models, and training that goes wrong."""

import contextlib
import os
import re

import jax
import numpy as np
import pytest
from PIL import Image

from jaxcluster.files import checkpoint
from jaxcluster.workflow import fit
from tests.main.commands import (
    CONFIG,
    LONG,
    SMALL,
    command,
    files_of,
    refused,
    run_on,
    subprocess_command,
    two_kinds,
)


def write_bad_images(folder, kind):
    folder.mkdir()
    if kind == "unreadable":
        (folder / "a.png").write_bytes(b"not a picture")
    elif kind == "sizes":
        for name, size in (("a.png", (4, 5)), ("b.png", (5, 4))):
            Image.new("L", size).save(folder / name)
    elif kind == "locked":
        Image.new("L", (4, 4)).save(folder / "a.png")


def deny(path):
    raise PermissionError(13, "Permission denied", str(path))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("empty", ("data.path=", "no images")),
        ("unreadable", ("data.path=", "a.png")),
        ("sizes", ("data.path=", "images of different sizes: 'a.png' is 4x5 and 'b.png' is 5x4", "expected one size")),
        ("locked", ("data.path=", "cannot read folder '", "images' (Permission denied)")),
    ],
)
def test_image_folders_that_cannot_be_used(tmp_path, monkeypatch, kind, words):
    write_bad_images(tmp_path / "images", kind)
    if kind == "locked":  # by hand: a superuser, as containers have it, may read everything
        monkeypatch.setattr(os, "scandir", deny)
    message = refused(CONFIG, "--config.data.name=", f"--config.data.path={tmp_path / 'images'}")
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(5), "array of shape (5,) has rank 1; expected [n, h, w], [n, h, w, c] with c from 1 to 4, or [n, d]"),
        (np.zeros((2, 2, 2, 1, 1)), "has rank 5; expected"),
        (np.where(np.arange(32) == 5, np.nan, 0.5).reshape(4, 8), "1 of 32"),
        (np.where(np.arange(32) == 5, np.inf, 0.5).reshape(4, 8), "1 of 32"),
        (np.ones((4, 8)), "all columns are constant; constant data has no clusters"),
        (np.arange(32.0).reshape(4, 8) / 31, "got 10 clusters for 4 samples"),
    ],
)
def test_arrays_that_cannot_be_used(tmp_path, x, message):
    np.save(tmp_path / "x.npy", x)
    assert message in refused(CONFIG, "--config.data.name=", f"--config.data.path={tmp_path / 'x.npy'}")


def test_labels_of_the_wrong_length(folder, tmp_path):
    np.save(tmp_path / "y.npy", np.zeros(23, int))
    options = (f"--config.data.path={folder / 'gray.npz'}", f"--config.data.labels_path={tmp_path / 'y.npy'}")
    message = refused(CONFIG, *SMALL, *options)
    assert f"data.labels_path='{tmp_path / 'y.npy'}'" in message
    assert "23" in message
    assert "24" in message


def test_workdirs_that_cannot_be_used(folder, done, tmp_path):
    (tmp_path / "file").write_text("x")
    message = refused(CONFIG, f"--workdir={tmp_path / 'file' / 'run'}")
    assert message == f"--workdir {tmp_path / 'file' / 'run'} cannot be written: Not a directory"
    assert "holds files that are not a run of jaxcluster" in refused(CONFIG, f"--workdir={tmp_path}")
    before = files_of(folder / "run")
    said = run_on(folder / "gray.npz", folder / "run", LONG, "--config.seed=3", "--config.augment.shift=0.2")
    assert said.code == 2
    assert "belongs to a run with other settings: config.augment.shift was 0.1, now 0.2; config.seed was 0, now 3." in (
        said.error
    )
    assert files_of(folder / "run") == before


def test_predictions_that_cannot_be_made(folder, done, tmp_path):
    images = f"--predict={folder / 'gray.npz'}"
    assert refused(images) == "--predict needs --workdir, the folder of a finished run"
    assert "holds no run (there is no config.json in it)" in refused(images, f"--workdir={tmp_path}")
    np.save(tmp_path / "wide.npy", two_kinds((4, 6))[0])
    message = refused(f"--predict={tmp_path / 'wide.npy'}", f"--workdir={folder / 'run'}")
    assert message == (
        f"--predict='{tmp_path / 'wide.npy'}': a sample has shape (4, 6, 1), but the model was fitted on (4, 5, 1)"
    )
    assert "no such file or folder" in refused("--predict=no.npy", f"--workdir={folder / 'run'}")
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (unfinished / "config.json").write_text((folder / "run" / "config.json").read_text())
    message = refused(images, f"--workdir={unfinished}")
    assert message == f"--workdir {unfinished}: its training has not finished; run its command again first"
    (unfinished / "model" / "finetune").mkdir(parents=True)  # nothing in it: damaged
    assert "cannot be read" in refused(images, f"--workdir={unfinished}")


def test_a_first_model_that_does_not_fit(folder, done, tmp_path):
    where = f"config.init_from={folder / 'run'}"
    options = (f"--config.data.path={folder / 'gray.npz'}", f"--workdir={tmp_path / 'run'}", f"--{where}")
    message = refused(CONFIG, *SMALL, *options, "--config.network.hidden=(9,)")
    assert message.startswith(f"{where}: its network does not fit: ")
    assert "has shape (8,), expected (9,)" in message
    message = refused(CONFIG, *SMALL, *options, "--config.network.hidden=(8,8)")
    assert "images and the widths of the autoencoder must agree" in message
    message = refused(CONFIG, *SMALL, *options[:2], f"--config.init_from={tmp_path}")
    assert message == f"config.init_from={tmp_path}: no finished pretrain phase there"
    assert not (tmp_path / "run").exists()


# What goes wrong in training.


def test_nan_stops_the_run_and_keeps_the_checkpoint(folder, tmp_path):
    said = run_on(folder / "gray.npz", tmp_path / "run", "--config.pretrain.learning_rate=1e6")
    assert said.code == 1
    assert re.fullmatch(
        r"training stopped in phase pretrain, epoch [01]: loss is (nan|inf); "
        r"try a smaller pretrain\.learning_rate in another workdir\. "
        rf"The last good checkpoint is kept in {re.escape(str(tmp_path / 'run' / 'checkpoints'))}",
        said.error,
    )
    assert not (tmp_path / "run" / "summary.json").exists()
    kept = checkpoint.Checkpoints(tmp_path / "run" / "checkpoints", report=print)
    with contextlib.closing(kept):
        assert kept._manager.all_steps()


def test_nothing_selected_and_a_cluster_that_becomes_empty(tmp_path):
    """Two images, four of each: every sample sits on its center, and a third cluster can have none."""
    x = np.repeat(two_kinds((4, 5), 2)[0], 4, axis=0)
    np.save(tmp_path / "x.npy", x)
    options = ("--config.pretrain.epochs=0", "--config.finetune.learning_rate=1e-30", "--config.finetune.augment=false")
    options += ("--nopictures",)
    said = run_on(tmp_path / "x.npy", tmp_path / "stuck", *options)
    assert said.code == 1, said.text
    assert said.error.startswith(
        "training stopped in phase finetune, epoch 0: the self-paced weights select no sample (age "
    )
    said = run_on(
        tmp_path / "x.npy", tmp_path / "empty", *options, "--noconfig.finetune.self_paced", "--config.n_clusters=3"
    )
    assert said.code == 0, said.text
    assert "warning: finetune epoch 0: 1 of 3 clusters is empty; n_clusters may be too large" in said.text
    assert "warning: 1 of 3 clusters is empty (cluster " in said.text


def test_memory_that_is_not_there(folder, tmp_path, monkeypatch):
    options = (CONFIG, *SMALL, f"--config.data.path={folder / 'gray.npz'}", f"--workdir={tmp_path / 'run'}")
    said = refused(*options, "--config.network.hidden=(100000,100000)")
    assert re.fullmatch(
        r"config\.network: the training state of phase pretrain needs [\d.,]+ GiB, and there are [\d.,]+ GiB of "
        r"memory; narrower layers need less",
        said,
    )
    assert not (tmp_path / "run").exists()
    full = "RESOURCE_EXHAUSTED: Out of memory allocating 14400000000 bytes."

    def fails(*_, **__):
        raise jax.errors.JaxRuntimeError(full)

    monkeypatch.setattr(fit, "train", fails)
    said = command(*options)
    assert said.code == 1
    assert said.error.startswith(f"there is not enough memory: {full}; narrower networks, a smaller batch_size and")


# In a process of its own.


def test_an_error_in_a_real_process():
    process = subprocess_command(CONFIG, "--config.seed=abc")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2
    assert said == "error: config.seed must be a whole number, got 'abc'\n"


def test_noise_is_no_success(tmp_path):
    np.save(tmp_path / "noise.npy", np.random.default_rng(0).random((200, 8, 8)).astype(np.float32))
    untrained = ("--config.pretrain.epochs=0", "--config.finetune.epochs=0", "--config.initial.method=ward")
    said = run_on(tmp_path / "noise.npy", tmp_path / "run", *untrained, "--nopictures")
    assert said.code == 0, said.text
    assert "warning: Nearest neighbors in the features hardly stay together" in said.text
    assert "There may be no such groups in the data" in (tmp_path / "run" / "summary.json").read_text()
