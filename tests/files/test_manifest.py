"""Checksums of a run's files, and of its records: one flipped bit is found, whatever it makes of the file."""

import contextlib
import json
import random

import numpy as np
import pytest

from jaxcluster.files import checkpoint, manifest, storage
from jaxcluster.files.records import Metrics
from jaxcluster.files.storage import WorkdirError


def flip(file, bit):
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(content)


def flipped(folder, draw):
    """Flip a random bit of a random file, and return the file."""
    file = draw.choice(sorted(file for file in folder.rglob("*") if file.is_file() and file.stat().st_size))
    flip(file, draw.randrange(8 * file.stat().st_size))
    return file


def results(folder):
    with manifest.sealing(folder):
        storage.write_array(folder / "labels.npy", np.arange(9))
        storage.write_text(folder / "summary.json", "{}\n")


def test_any_flipped_bit_of_the_results_is_found_and_written_anew_they_are_whole(tmp_path):
    draw = random.Random(0)
    for _ in range(40):
        results(tmp_path)
        assert manifest.damages(tmp_path) == []
        file = flipped(tmp_path, draw)
        if file.name == manifest.FILE:
            with pytest.raises(WorkdirError, match=r"manifest.json is damaged.*Remove it to read them unverified$"):
                manifest.damages(tmp_path)
            file.unlink()
        else:
            assert manifest.damages(tmp_path) == [f"{file} is damaged: its checksum does not match its contents"]


def test_the_records_are_sealed_with_the_results_and_pictures_are_added_later(tmp_path):
    (tmp_path / "metrics.jsonl").write_text("{}\n")
    results(tmp_path)
    with manifest.adding(tmp_path):
        storage.write_text(tmp_path / "losses.png", "a picture")
    assert manifest._read(tmp_path).keys() == {"labels.npy", "losses.png", "metrics.jsonl", "summary.json"}
    (tmp_path / "metrics.jsonl").write_text("{} \n")
    assert manifest.damages(tmp_path) == [
        f"{tmp_path / 'metrics.jsonl'} is damaged: its checksum does not match its contents"
    ]
    results(tmp_path)  # written anew without pictures
    assert "losses.png" not in manifest._read(tmp_path)


def test_a_missing_file_is_named_and_a_block_that_fails_enters_nothing(tmp_path):
    results(tmp_path)
    with contextlib.suppress(ZeroDivisionError), manifest.sealing(tmp_path):
        storage.write_text(tmp_path / "summary.json", "{ }\n")
        raise ZeroDivisionError
    assert manifest.damages(tmp_path) == []  # a kill here leaves files without checksums, none with a wrong one
    assert not manifest.verify(tmp_path, "labels.npy")
    results(tmp_path)
    (tmp_path / "labels.npy").unlink()
    assert manifest.damages(tmp_path) == [f"{tmp_path / 'labels.npy'} is missing"]


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret", "./labels.npy", "", "a\\b"])
def test_a_manifest_that_names_files_outside_is_refused(tmp_path, name):
    (tmp_path / "secret").write_text("x")
    workdir = tmp_path / "run"
    workdir.mkdir()
    manifest._write(workdir, {name: 1})
    with pytest.raises(WorkdirError, match="crc32 must be an object of checksums by file"):
        manifest.damages(workdir)


MODEL = {"layer": {"w": np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32), "b": np.zeros(4)}}


def test_any_flipped_bit_of_a_model_is_found_before_it_is_used(tmp_path):
    folder, draw = tmp_path / "model" / "one", random.Random(1)
    checkpoint.save_model(folder, MODEL)
    for _ in range(30):
        files = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
        file = flipped(folder, draw)
        with pytest.raises(WorkdirError, match="damaged: its checksum"):
            checkpoint.load_model(folder)
        file.write_bytes(files[file])
    np.testing.assert_array_equal(checkpoint.load_model(folder)["layer"]["w"], MODEL["layer"]["w"])


def test_a_model_in_a_bucket_is_verified_too(bucket):
    folder, said = storage.place("gs://bucket/run/model/one"), []
    for model in (MODEL, {"b": np.zeros(4)}):  # the second takes the place of the first
        checkpoint.save_model(folder, model)
        assert checkpoint.load_model(folder, report=said.append).keys() == model.keys()
    assert said == []
    entered = json.loads(bucket.objects["run/manifest.json"][0])["crc32"]
    assert entered.keys() == {name.removeprefix("run/") for name in bucket.objects if name.startswith("run/model/")}
    content, generation = bucket.objects["run/model/one/_METADATA"]
    bucket.objects["run/model/one/_METADATA"] = content[:-1] + b"?", generation
    with pytest.raises(WorkdirError, match="gs://bucket/run/model/one/_METADATA is damaged: its checksum"):
        checkpoint.load_model(folder)


def test_models_of_older_versions_are_read_and_it_is_said(tmp_path):
    folder, said = tmp_path / "model" / "one", []
    checkpoint.save_model(folder, MODEL)
    checkpoint.load_model(folder, report=said.append)
    assert said == []
    (tmp_path / manifest.FILE).unlink()
    checkpoint.load_model(folder, report=said.append)
    assert said == [f"{folder} has no checksums, as in runs of older versions: it is read unverified"]


def test_a_model_of_other_shapes_is_refused_before_it_is_read(tmp_path, monkeypatch):
    folder = tmp_path / "model" / "one"
    checkpoint.save_model(folder, MODEL)
    expected = {"layer": {"w": np.zeros((3, 5)), "b": np.zeros(4)}}
    monkeypatch.setattr(checkpoint.ocp.StandardCheckpointer, "restore", lambda *_: pytest.fail("it was read"))
    with pytest.raises(WorkdirError, match=r"does not fit: layer\.w has shape \(3, 4\), expected \(3, 5\)$"):
        checkpoint.load_model(folder, expected=expected)
    monkeypatch.setattr(checkpoint, "_shapes", lambda tree: {"w": (10**6, 10**5)})
    with pytest.raises(WorkdirError, match=r"has 100000000000 numbers in files of \d+ bytes: it is damaged$"):
        checkpoint.load_model(folder)


def record(epoch, **more):
    return {"phase": "one", "phase_index": 0, "epoch": epoch, "loss": 1.5 + epoch, **more}


def reached(count):
    return lambda record: record["epoch"] < count


def test_without_a_checkpoint_that_knows_a_cut_line_is_dropped_and_what_lies_beyond(tmp_path):
    file, said = tmp_path / "metrics.jsonl", []
    file.write_text("".join(json.dumps(record(epoch)) + "\n" for epoch in range(3)) + '{"epo')
    metrics = Metrics(file, keep=reached(2), report=said.append)
    metrics.add(record(2, again=True))
    metrics.close()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert lines == [record(0), record(1), record(2, again=True)]
    assert said == []


def test_any_flipped_bit_of_the_records_is_told_and_those_that_can_be_read_are_kept(tmp_path):
    file, draw = tmp_path / "metrics.jsonl", random.Random(2)
    metrics = Metrics(file, keep=reached(5))
    for epoch in range(5):
        metrics.add(record(epoch))
    known = metrics.flush()
    metrics.add(record(5))
    metrics.close()
    whole = file.read_bytes()
    first = whole.index(b"\n".join(whole.split(b"\n")[5:]))  # bytes of the records that the checkpoint knows
    for _ in range(100):
        file.write_bytes(whole)
        flip(file, draw.randrange(8 * first))
        said = []
        again = Metrics(file, keep=reached(5), known=known, report=said.append)
        again.close()
        assert len(said) == 1
        assert said[0].startswith(f"{file} is damaged: ")
        assert 3 <= len(again.history) <= 5
        assert all(record.keys() == {"phase", "phase_index", "epoch", "loss"} for record in again.history)
        assert (tmp_path / "metrics.damaged.jsonl").read_bytes() != whole
    file.write_bytes(whole)
    again = Metrics(file, keep=reached(5), known=known, report=pytest.fail)
    again.close()
    assert again.history == [record(epoch) for epoch in range(5)]
    file.unlink()
    said = []
    again = Metrics(file, keep=reached(5), known=known, report=said.append)
    again.close()
    assert again.history == []
    assert "is damaged: it has 0 of 5 records" in said[0]


def test_records_that_were_removed_in_the_middle_of_the_run_are_written_again(tmp_path):
    file = tmp_path / "metrics.jsonl"
    metrics = Metrics(file, keep=reached(5))
    metrics.add(record(0))
    file.unlink()
    metrics.add(record(1))
    metrics.flush()
    metrics.close()
    assert len(file.read_text().splitlines()) == 2
