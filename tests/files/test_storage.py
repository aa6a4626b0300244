"""The door to a local folder or a bucket: what it shows at every moment, and what it says when it fails."""

import contextlib
import importlib.util
import os
import random

import numpy as np
import pytest

from jaxcluster.files import lines as growing
from jaxcluster.files import storage
from jaxcluster.files.lines import Lines
from jaxcluster.files.storage import StorageError
from jaxcluster.files.workdir import Metrics, WorkdirError, claim

DATA = {"samples": 5, "shape": [2], "dtype": "uint8", "checksum": 1, "offset": 0.0, "scale": 0.5}


class Object:
    """A path in a bucket of memory; it has no method that renames, appends or makes folders."""

    def __init__(self, key, store, broken=()):
        self.key, self.store, self.broken, self.uploads = key, store, broken, []

    def __str__(self):
        return f"gs://bucket/{self.key}"

    def __truediv__(self, name):
        return Object(f"{self.key}/{name}", self.store, self.broken)

    def write_bytes(self, content):
        if any(word in self.key for word in self.broken):
            raise RuntimeError("the quota is used up\nRetry later")  # buckets' libraries have errors of their own
        self.store[self.key] = content
        self.uploads.append(content)

    def write_text(self, text):
        self.write_bytes(text.encode())

    def read_text(self):
        return self.store[self.key].decode()

    def exists(self):
        return self.key in self.store or self.is_dir()

    def is_dir(self):
        return any(name.startswith(self.key + "/") for name in self.store)

    def iterdir(self):
        if not self.is_dir():
            raise FileNotFoundError(self.key)
        inner = {name[len(self.key) + 1 :].split("/")[0] for name in self.store if name.startswith(self.key + "/")}
        return iter([self / name for name in inner])

    def read_bytes(self):
        return self.store[self.key]

    @property
    def name(self):
        return self.key.rpartition("/")[2]

    def unlink(self, missing_ok=False):
        if not missing_ok or self.key in self.store:
            del self.store[self.key]


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_a_file_appears_whole_or_the_older_one_stays(tmp_path):
    for file in (tmp_path / "a.json", Object("a.json", {})):
        storage.write_text(file, "old")
        with contextlib.suppress(ZeroDivisionError), storage.new_file(file) as stream:
            stream.write(b"half")
            raise ZeroDivisionError
        assert file.read_text() == "old"
        with storage.new_file(file) as stream:
            stream.write(b"new")
            stream.flush()
            assert file.read_text() == "old"
        assert file.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.json"]


def test_an_array_is_the_file_that_numpy_writes(tmp_path):
    array = np.arange(12, dtype=np.float32).reshape(3, 4).T  # in Fortran's order
    np.save(tmp_path / "expected.npy", array)
    inside = Object("x.npy", {})
    for file in (tmp_path / "x.npy", inside):
        storage.write_array(file, array)
    assert inside.store["x.npy"] == (tmp_path / "x.npy").read_bytes() == (tmp_path / "expected.npy").read_bytes()


def test_a_local_file_of_lines_has_each_at_once(tmp_path):
    lines = Lines(tmp_path / "m.jsonl", ["a"])
    for n, line in enumerate("bcd", 2):
        lines.add(line)
        assert (tmp_path / "m.jsonl").read_text() == "\n".join("abcd"[:n]) + "\n"
    lines.close()


@pytest.mark.parametrize("seed", range(5))
def test_an_object_of_lines_is_never_long_behind_nor_uploaded_often(seed):
    """Laws: a prefix at all times; complete after a flush; at most one upload per half minute and flush."""
    draw, clock = random.Random(seed), Clock()
    file, added, flushes = Object("m", {}), ["first"], 0
    lines = Lines(file, added, clock=clock)
    complete_at = {}  # by number of lines
    for number in range(400):
        clock.now += draw.choice([0.01, 0.5, 7.0])
        if draw.random() < 0.02:
            lines.flush()
            flushes += 1
            assert file.read_text().splitlines() == added
        added.append(str(number))
        lines.add(added[-1])
        complete_at[len(added)] = clock.now
        there = file.read_text().splitlines()
        assert there == added[: len(there)]
        if len(there) < len(added):
            assert clock.now - complete_at.get(len(there), 0.0) < growing.REWRITE_SECONDS + 7.0
    assert len(file.uploads) <= 1 + flushes + clock.now / growing.REWRITE_SECONDS
    lines.close()
    assert file.read_text().splitlines() == added
    before = len(file.uploads)
    lines.flush()  # nothing new: nothing is uploaded
    assert len(file.uploads) == before


def test_lines_that_could_not_be_written_are_not_lost(tmp_path):
    """A stream that breaks in the middle of a line, as on a full disk; then the folder is gone; then it is back."""

    class Breaking:
        def __init__(self, stream):
            self.stream = stream

        def write(self, text):
            self.stream.write(text[:2])

        def flush(self):
            self.stream.flush()
            raise OSError(28, "No space left on device")

        def close(self):
            self.stream.close()
            raise OSError(28, "No space left on device")

    clock, file = Clock(), tmp_path / "run" / "m"
    file.parent.mkdir()
    lines = Lines(file, ["first"], clock=clock)
    lines._stream.close()
    lines._stream = Breaking(file.open("a"))
    lines.add("second")
    assert file.read_text() == "first\nse"
    lines._file = tmp_path / "gone" / "m"
    with pytest.raises(StorageError, match=r"gone/m cannot be written: No such file or directory$"):
        lines.flush()
    clock.now = 31.0
    lines.add("third")  # tries, in vain, and says nothing
    lines._file = file
    lines.flush()
    assert file.read_text() == "first\nsecond\nthird\n"
    lines.add("fourth")
    assert file.read_text() == "first\nsecond\nthird\nfourth\n"
    lines.close()


def test_a_bucket_is_claimed_like_a_folder():
    store = {"run/": b""}  # the mark that some tools leave for a folder
    run = Object("run", store)
    identity = {"config": {"algorithm": "toy", "seed": 0}, "data": DATA}
    claim(run, identity)
    claim(run, identity)
    with pytest.raises(WorkdirError, match=r"gs://bucket/run belongs to a run with other settings: config\.seed was 0"):
        claim(run, {"config": {"algorithm": "toy", "seed": 1}, "data": DATA})
    with pytest.raises(WorkdirError, match="--workdir gs://bucket/other holds files that are not a run"):
        claim(Object("other", {"other/thesis.tex": b"x"}), {})
    with pytest.raises(WorkdirError, match=r"^--workdir gs://bucket/no cannot be written: the quota is used up$"):
        claim(Object("no", {}, broken=["no"]), {})
    metrics = Metrics(run / "metrics.jsonl", keep=lambda record: True)
    record = {"phase": "one", "phase_index": 0, "epoch": 0}
    metrics.add(record)
    metrics.close()
    assert Metrics(run / "metrics.jsonl", keep=lambda record: True).history == [record]


def test_new_folders_never_hold_anything(tmp_path):
    bucket = Object("predictions", {})
    for parent in (tmp_path / "predictions", bucket):
        for name in ("x", "x-2", "x-3"):
            folder = storage.new_folder(parent, "x")
            assert str(folder) == f"{parent}/{name}"
            storage.write_text(folder / "labels", "")


def test_a_place_may_begin_at_home(monkeypatch):
    monkeypatch.setenv("HOME", "/somewhere")
    assert str(storage.place("~/runs/a")) == "/somewhere/runs/a"
    with pytest.raises(ValueError, match=r"home folder ~nobody-has-this-name is not known; write \./~nobody"):
        storage.place("~nobody-has-this-name/a")
    assert str(storage.place("runs/~a")) == "runs/~a"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("s3://bucket/run", r"^s3:// cannot be written to; name a local folder or gs://BUCKET/FOLDER$"),
        ("gs://", "no bucket is named"),
        ("gs:///run", "no bucket is named"),
        ("gs://bucket/run", r"^gs:// needs the package gcsfs; install it with: pip install 'etils\[epath-gcs\]'$"),
    ],
)
def test_places_that_cannot_be_had(name, message, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None)
    with pytest.raises(ValueError, match=message):
        storage.place(name)


def test_reasons_are_short():
    spec = '[tensorstore_spec=\'{"driver": "zarr"}\']'
    for error, expected in (
        (OSError(28, "No space left on device", "/x"), "No space left on device"),
        (ValueError('Error writing "/a/b": Failed to write 5 bytes: No space left on device [os_error_code=\'28\']'),
         "No space left on device"),
        (ValueError(f'Error opening "zarr": Failed to write 5 bytes to file 8: File too large {spec}'),
         "File too large"),
        (RuntimeError("403: no access\nDetails: many"), "403: no access"),
        (KeyError(), "KeyError"),
    ):  # fmt: skip
        assert storage.reason(error) == expected
    assert len(storage.reason(ValueError("x" * 5000))) == 201
