"""Checkpoints: one checksum over state and position, older ones, and a workdir that is lost while a run is at work."""

import json
import random
import shutil

import jax
import numpy as np
import pytest

from jaxcluster.files import checkpoint, storage
from jaxcluster.files.storage import FolderGoneError, StorageError

STATE = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "steps": np.int32(7)}
CURSOR = {"phase": 1, "epoch": 3, "sums": {"loss": [0.1, 24.0]}, "done": "", "seconds": {"one": 1.5}}
NOTED = {"records": 5, "checksum": 123}


def template(cursor):
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), STATE)


def open_in(folder, said):
    return checkpoint.Checkpoints(folder / "checkpoints", report=said.append)


@pytest.fixture
def saved(tmp_path):
    kept = open_in(tmp_path, [])
    kept.save(STATE, CURSOR, first=lambda: NOTED)
    kept.close()
    return tmp_path


def restored(folder):
    said = []
    kept = open_in(folder, said)
    try:
        found = kept.restore(template)
        return found, kept.noted, said
    finally:
        kept.close()


def test_state_position_and_what_was_noted_come_back(saved):
    (state, cursor), noted, said = restored(saved)
    assert jax.tree.all(jax.tree.map(np.array_equal, state, STATE))
    assert (cursor, noted, said) == (CURSOR, NOTED, [])


@pytest.mark.parametrize(
    ("path", "value"),
    [(("cursor", "epoch"), 4), (("cursor", "sums", "loss"), [0.2, 24.0]), (("noted", "records"), 4), (("seal",), 1)],
)
def test_another_position_with_the_same_state_is_damage(saved, path, value):
    file = saved / "checkpoints" / "0" / "about" / "metadata"
    about = json.loads(file.read_text())
    inner = about
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    file.write_text(json.dumps(about))
    with pytest.raises(StorageError, match="none of the checkpoints in"):
        restored(saved)


def test_another_state_of_the_same_shapes_is_damage(saved, tmp_path_factory):
    """Whole in itself, so that nothing but the checksum over both tells."""
    other = tmp_path_factory.mktemp("other")
    kept = open_in(other, [])
    kept.save(jax.tree.map(lambda leaf: leaf + 1, STATE), CURSOR, first=lambda: NOTED)
    kept.close()
    shutil.rmtree(saved / "checkpoints" / "0" / "state")
    shutil.copytree(other / "checkpoints" / "0" / "state", saved / "checkpoints" / "0" / "state")
    with pytest.raises(StorageError, match="none of the checkpoints in"):
        restored(saved)


def test_any_flipped_bit_is_found_or_does_no_harm(saved, tmp_path_factory):
    draw = random.Random(3)
    for number in range(12):
        folder = tmp_path_factory.mktemp(str(number)) / "run"
        shutil.copytree(saved, folder)
        about = number % 2  # every second one where the position is
        pattern = "checkpoints/*/about/*" if about else "checkpoints/**/*"
        file = draw.choice(sorted(f for f in folder.glob(pattern) if f.is_file() and f.stat().st_size))
        content = bytearray(file.read_bytes())
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        file.write_bytes(content)
        try:
            (state, cursor), noted, _ = restored(folder)
        except StorageError:
            continue
        assert jax.tree.all(jax.tree.map(np.array_equal, state, STATE)), file
        assert (cursor, noted) == (CURSOR, NOTED), file


def test_a_checkpoint_of_an_older_version_is_read_and_it_is_said(saved):
    """It has a checksum of the arrays alone."""
    file = saved / "checkpoints" / "0" / "about" / "metadata"
    older = {"cursor": CURSOR, "checksum": checkpoint.checksum(STATE)}
    file.write_text(json.dumps(older))
    (_, cursor), noted, said = restored(saved)
    assert (cursor, noted) == (CURSOR, None)
    assert said == [f"checkpoint {saved / 'checkpoints' / '0'} is of an older version: its position is unverified"]
    file.write_text(json.dumps(older | {"checksum": 5}))
    with pytest.raises(StorageError, match="none of the checkpoints in"):
        restored(saved)


@pytest.mark.parametrize("change", ["removed", "renamed", "replaced"])
def test_a_workdir_lost_while_a_run_is_at_work_is_noticed_at_the_next_save(tmp_path, change):
    workdir, said = tmp_path / "run", []
    kept = open_in(workdir, said)
    kept.save(STATE, CURSOR)
    assert kept.finish()
    workdir.rename(tmp_path / "other")
    if change == "removed":
        shutil.rmtree(tmp_path / "other")
    if change == "replaced":
        workdir.mkdir()
    with pytest.raises(FolderGoneError, match=f"^{workdir} was removed, renamed or replaced while the run was at work"):
        kept.save(STATE, CURSOR)
    kept.close()
    assert said == []
    assert not (workdir / "checkpoints").exists()


def test_an_array_that_says_it_is_larger_than_its_file_is_not_allocated(tmp_path):
    storage.write_array(tmp_path / "a.npy", np.arange(4))
    np.testing.assert_array_equal(storage.read_array(tmp_path / "a.npy"), np.arange(4))
    whole = (tmp_path / "a.npy").read_bytes()
    huge = whole.replace(b"(4,), }        ", b"(10000000000,),")
    assert len(huge) == len(whole)
    for content in (huge, whole[:-1], whole[:5], b"", whole.replace(b"<i8", b"|O8")):
        (tmp_path / "a.npy").write_bytes(content)
        with pytest.raises(StorageError, match=r"a\.npy cannot be read: "):
            storage.read_array(tmp_path / "a.npy")
