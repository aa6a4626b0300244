"""Checkpoints that a disk has spoilt: an older one is used, and without any nothing is begun anew unasked."""

import contextlib
import shutil

import numpy as np
import pytest

from jaxcluster.runtime.signals import Interrupted
from jaxcluster.workflow import fit
from tests.main.commands import LONG, files_of, run_on


@contextlib.contextmanager
def interrupt_in_epoch(number):
    """As `listen` hears Ctrl-C: between two steps, which are whole epochs here."""
    epochs = iter(range(number - 1))

    def poll():
        if next(epochs, None) is None:
            raise Interrupted(2)

    yield poll


@pytest.fixture(scope="module")
def interrupted(folder):
    """The run of `done`, stopped after three epochs and again after three more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "listen", lambda: interrupt_in_epoch(3))
        for _ in range(2):
            said = run_on(folder / "gray.npz", folder / "interrupted", LONG)
            assert said.code == 130, said.text
    return folder / "interrupted"


def checkpoints_of(workdir):
    """Oldest first: when the run began, after three epochs, after six."""
    found = sorted((workdir / "checkpoints").iterdir(), key=lambda folder: int(folder.name))
    assert len(found) == 3
    return found


def truncate_largest_file(checkpoint):
    largest = max((file for file in checkpoint.rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)
    largest.write_bytes(largest.read_bytes()[: largest.stat().st_size // 2])


def test_the_checkpoint_before_a_damaged_one_is_used(folder, done, interrupted, tmp_path):
    shutil.copytree(interrupted, tmp_path / "run")
    newest = checkpoints_of(tmp_path / "run")[-1]
    truncate_largest_file(newest)
    said = run_on(folder / "gray.npz", tmp_path / "run", LONG, "--nopictures")
    assert said.code == 0, said.text
    assert f"checkpoint {newest} cannot be read (" in said.text
    assert "continuing in pretrain at epoch 3\n" in said.text
    for name in ("labels.npy", "embedding.npy"):
        np.testing.assert_array_equal(np.load(tmp_path / "run" / name), np.load(folder / "run" / name))


def test_with_all_checkpoints_damaged_nothing_is_begun_anew(folder, interrupted, tmp_path):
    shutil.copytree(interrupted, tmp_path / "run")
    for checkpoint in checkpoints_of(tmp_path / "run"):
        truncate_largest_file(checkpoint)
    before = files_of(tmp_path / "run")
    said = run_on(folder / "gray.npz", tmp_path / "run", LONG)
    assert said.code == 1, said.text
    where = tmp_path / "run" / "checkpoints"
    assert said.error.startswith(f"none of the checkpoints in {where} can be read; remove this folder to train anew")
    assert files_of(tmp_path / "run") == before
