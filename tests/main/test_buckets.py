"""A run whose workdir is a bucket, through the libraries that real buckets are reached by."""

import contextlib
import importlib.util
import io
import json
import signal
import time

import numpy as np
import pytest

from tests.files.bucket import serve
from tests.main.commands import CONFIG, LONG, SMALL, Said, subprocess_command

pytestmark = [
    pytest.mark.long,  # through real client libraries and processes; storage itself: tests/files/test_storage.py
    pytest.mark.skipif(
        importlib.util.find_spec("gcsfs") is None, reason="gcsfs is not installed (pip install -e '.[gcs]')"
    ),
]

OFTEN = "--config.checkpoint_seconds=0.05"


@pytest.fixture(scope="module")
def bucket():
    """One that cannot rename nor append; commands in processes of their own find it by their environment."""
    with serve() as bucket, pytest.MonkeyPatch.context() as patch:
        for name, value in bucket.environment().items():
            patch.setenv(name, value)
        yield bucket


def said(process) -> Said:
    text = process.communicate(timeout=300)[1]
    return Said(process.returncode, text)


def train(folder, run, *options):
    data = f"--config.data.path={folder / 'gray.npz'}"
    return subprocess_command(CONFIG, *SMALL, LONG, data, f"--workdir=gs://bucket/{run}", *options)


def wait_for(name, bucket, process):
    until = time.monotonic() + 200
    while name not in bucket.objects and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    assert name in bucket.objects, said(process).text


def inside(bucket, run):
    """What a person would find there: names below the run, but for the inner files of models and checkpoints."""
    names = {name.removeprefix(f"{run}/") for name in bucket.objects if name.startswith(f"{run}/")}
    return {name for name in names if name.split("/")[0] not in ("model", "checkpoints")}


def array(bucket, name):
    return np.load(io.BytesIO(bucket.objects[name][0]))


@pytest.fixture(scope="module")
def stopped(bucket, folder):
    """In gs://bucket/run: stopped by Ctrl-C, then killed, its newest checkpoint unfinished, and then finished."""
    first = train(folder, "run", OFTEN)
    wait_for("run/checkpoints/1/commit_success.txt", bucket, first)
    first.send_signal(signal.SIGINT)
    first = said(first)
    serial = max(int(name.split("/")[2]) for name in bucket.objects if name.startswith("run/checkpoints/"))
    second = train(folder, "run", OFTEN)
    wait_for(f"run/checkpoints/{serial + 3}/commit_success.txt", bucket, second)
    second.kill()
    second = said(second)
    newest = max(name for name in bucket.objects if name.startswith("run/checkpoints/") and name.count("/") == 3)
    with contextlib.suppress(KeyError):
        del bucket.objects[newest.rpartition("/")[0] + "/commit_success.txt"]
    uploads = bucket.uploads.count("run/metrics.jsonl")
    return first, second, uploads, said(train(folder, "run", OFTEN))


def test_interrupted_and_killed_it_ends_as_in_a_local_folder(bucket, folder, done, stopped):
    first, second, _, third = stopped
    assert first.code == 130, first.text
    assert first.text.splitlines()[-1] == "SIGINT: saved. The same command goes on from here."
    assert second.code == -signal.SIGKILL
    assert "continuing in pretrain at epoch " in second.text
    assert third.code == 0, third.text
    assert "continuing in " in third.text
    assert "could not" not in third.text
    local = folder / "run"
    for name in ("labels", "confidence", "embedding", "centers"):
        np.testing.assert_array_equal(array(bucket, f"run/{name}.npy"), np.load(local / f"{name}.npy"))
    assert bucket.objects["run/clusters.csv"][0] == (local / "clusters.csv").read_bytes()
    records, expected = (
        [{**json.loads(line), "seconds": None} for line in text.splitlines()]
        for text in (bucket.objects["run/metrics.jsonl"][0].decode(), (local / "metrics.jsonl").read_text())
    )
    for record, wanted in zip(records, expected, strict=True):
        assert record == wanted
    files = {file.relative_to(local).as_posix() for file in local.rglob("*") if file.is_file()}
    files = {name for name in files if name.split("/")[0] not in ("model", "checkpoints", "predictions")}
    assert inside(bucket, "run") - {"predictions"} == files


def test_nothing_was_asked_of_the_bucket_that_it_cannot_do(bucket, stopped):
    """No rename, no append, no half file under another name; and no upload for each of the 300 epochs."""
    assert bucket.refused == []
    assert not any(name.endswith(".partial") for name in bucket.uploads)
    checkpoints = len({name for name in bucket.uploads if name.startswith("run/checkpoints/") and name.count("/") == 3})
    assert bucket.uploads.count("run/metrics.jsonl") <= checkpoints + 2 * 3


def test_predict_and_init_from_read_a_bucket(bucket, folder, stopped, tmp_path):
    process = subprocess_command(f"--predict={folder / 'unlabeled.npy'}", "--workdir=gs://bucket/run")
    predicted = said(process)
    assert predicted.code == 0, predicted.text
    assert predicted.text.splitlines()[-1].endswith("results: gs://bucket/run/predictions/unlabeled")
    labels = array(bucket, "run/predictions/unlabeled/labels.npy")
    np.testing.assert_array_equal(labels, array(bucket, "run/labels.npy"))
    local = f"--workdir={tmp_path / 'again'}"
    data = f"--config.data.path={folder / 'gray.npz'}"
    again = said(subprocess_command(CONFIG, *SMALL, LONG, data, local, "--config.init_from=gs://bucket/run"))
    assert again.code == 0, again.text
    assert "pretrain:" not in again.text
    np.testing.assert_array_equal(np.load(tmp_path / "again" / "labels.npy"), labels)


def test_checkpoints_that_a_bucket_refuses_are_told_and_the_run_goes_on(bucket, folder, done, monkeypatch):
    monkeypatch.setattr(bucket, "refuse_writes", "refused/checkpoints/")
    ended = said(train(folder, "refused"))
    assert ended.code == 0, ended.text
    assert "Traceback" not in ended.text
    assert "a checkpoint could not be written (" in ended.text
    np.testing.assert_array_equal(array(bucket, "refused/labels.npy"), np.load(folder / "run" / "labels.npy"))


def test_a_bucket_that_cannot_be_written_or_does_not_exist_is_refused(bucket, folder, monkeypatch):
    monkeypatch.setattr(bucket, "refuse_writes", ".")
    ended = said(train(folder, "denied"))
    assert ended.code == 2
    assert ended.error.startswith("--workdir gs://bucket/denied cannot be written: ")
    assert "Forbidden" in ended.error
    data = f"--config.data.path={folder / 'gray.npz'}"
    ended = said(subprocess_command(CONFIG, *SMALL, data, "--workdir=gs://nobody/run"))
    assert ended.code == 2
    assert ended.error.startswith("--workdir gs://nobody/run cannot be written: ")
