"""One run in a workdir at a time: on a disk, and in a bucket."""

import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from jaxcluster.files import lease, lock, storage
from jaxcluster.files.storage import FolderGoneError, WorkdirError

HOLDER = """
import sys
from jaxcluster.files import lock, storage
with lock.hold(storage.place(sys.argv[1]), say=print):
    print("held", flush=True)
    sys.stdin.read()
"""


def start(workdir):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(workdir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    return holder


def end(holder):
    holder.stdin.close()
    holder.stdout.close()
    holder.wait(60)


def refusal(workdir):
    with pytest.raises(WorkdirError) as refused, lock.hold(workdir, say=pytest.fail):
        pass
    return str(refused.value)


def test_a_second_process_is_told_who_holds_the_folder_until_that_one_ends_or_is_killed(tmp_path):
    workdir = tmp_path / "run"
    for leave in (end, lambda holder: (holder.send_signal(signal.SIGKILL), end(holder))):
        holder = start(workdir)
        who = f"process {holder.pid} on {socket.gethostname()}"
        assert re.match(rf"--workdir {workdir} is in use by {who} since 20\d\d-[-\d: ]+ UTC; ", refusal(workdir))
        leave(holder)
        with lock.hold(workdir, say=pytest.fail):
            pass
    assert list(workdir.iterdir()) == []


def test_the_same_process_cannot_hold_it_twice(tmp_path):
    with lock.hold(tmp_path, say=pytest.fail):
        assert f"process {os.getpid()} on" in refusal(tmp_path)
    with lock.hold(tmp_path, say=pytest.fail):
        pass


@pytest.mark.skipif(lock.fcntl is None, reason="a system without locks")
def test_the_lock_of_a_file_that_its_holder_has_just_removed_is_none(tmp_path, monkeypatch):
    flock, calls = lock.fcntl.flock, []

    def late(descriptor, how):
        if not calls:  # opened while another held it; that one ends here
            (tmp_path / lock.FILE).unlink()
        calls.append(how)
        flock(descriptor, how)

    monkeypatch.setattr(lock.fcntl, "flock", late)
    with lock.hold(tmp_path, say=print), pytest.raises(WorkdirError, match="is in use by process"):
        lock.hold(tmp_path, say=print).__enter__()
    assert len(calls) == 3


@pytest.mark.skipif(lock.fcntl is None, reason="a system without locks")
def test_where_the_file_system_has_no_locks_it_is_said(tmp_path, monkeypatch):
    def flock(descriptor, kind):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", flock)
    said = []
    with lock.hold(tmp_path, say=said.append):
        pass
    assert said == [f"{tmp_path} cannot be locked (No locks available): see to it that no second run is started in it"]


def test_a_lock_file_that_another_machine_left_is_mentioned_and_one_that_leads_away_refused(tmp_path):
    (tmp_path / ".lock").write_text(json.dumps({"host": "else\x1b[2J"}))
    said = []
    with lock.hold(tmp_path, say=said.append):
        pass
    assert len(said) == 1
    assert r"a run on else\x1b[2J was killed in" in said[0]
    (tmp_path / "target").write_text("precious")
    (tmp_path / ".lock").symlink_to(tmp_path / "target")
    assert "cannot be locked" in refusal(tmp_path)
    assert (tmp_path / "target").read_text() == "precious"
    (tmp_path / ".lock").unlink()
    os.mkfifo(tmp_path / ".lock")
    assert "cannot be locked: it is no file" in refusal(tmp_path)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    assert "file/run cannot be written: Not a directory" in refusal(tmp_path / "file" / "run")


@pytest.mark.parametrize("change", ["removed", "renamed", "replaced", "none"])
def test_a_workdir_that_is_no_longer_there_is_noticed(tmp_path, change):
    workdir = tmp_path / "run"
    workdir.mkdir()
    anchor = lock.Anchor(workdir)
    anchor.check()
    if change == "removed":
        workdir.rmdir()
    elif change in ("renamed", "replaced"):
        workdir.rename(tmp_path / "other")
    if change == "replaced":
        workdir.mkdir()
    if change == "none":
        anchor.check()
    else:
        with pytest.raises(FolderGoneError, match=f"^{workdir} was removed, renamed or replaced while"):
            anchor.check()
    anchor.close()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.1)
    monkeypatch.setattr(lease, "LEASE_SECONDS", 1.0)
    monkeypatch.setattr(lease, "LOOK_SECONDS", 0.05)


def test_a_bucket_is_held_while_it_is_renewed_and_free_again_afterwards(bucket, quick):
    workdir, said = storage.place("gs://bucket/renewed"), []
    with lock.hold(workdir, say=pytest.fail):
        assert json.loads(bucket.objects["renewed/.lock"][0])["pid"] == os.getpid()
        with (
            pytest.raises(WorkdirError, match=f"in use by process {os.getpid()} on"),
            lock.hold(workdir, say=said.append),
        ):
            pass
    assert len(said) == 1
    assert "renewed/.lock" not in bucket.objects
    with lock.hold(workdir, say=pytest.fail):
        pass
    assert bucket.refused == []


@pytest.mark.parametrize("where", ["here", "on another machine"])
def test_a_lease_that_a_kill_left_is_taken_over(bucket, quick, where):
    """Here at once, since the process can be seen to be gone; elsewhere when it has not been renewed for a while."""
    workdir, said = storage.place("gs://bucket/killed"), []
    ended = subprocess.Popen(["true"])
    ended.wait()
    machine = lease._machine() if where == "here" else "another"
    left = {"host": "h", "pid": ended.pid, "since": "then", "machine": machine, "token": "t"}
    bucket.put("killed/.lock", json.dumps(left).encode(), None)
    with lock.hold(workdir, say=said.append):
        assert json.loads(bucket.objects["killed/.lock"][0])["pid"] == os.getpid()
    assert len(said) == (0 if where == "here" else 1)


def test_of_two_that_come_at_once_one_gets_the_lease(bucket, quick):
    """Both see no object; the upload of the second depends on that."""
    blob = lease._blob(storage.place("gs://bucket/both"))
    first, second = ({"token": name} for name in "ab")
    generation = lease._put(blob, first, 0)
    assert generation is not None
    assert lease._put(blob, second, 0) is None
    assert lease._put(blob, first, 0) == generation  # an answer that was lost, and the upload repeated
    assert lease._put(blob, second, generation) is not None
    assert lease._put(blob, first, generation) is None
