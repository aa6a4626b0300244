"""launch/worker.sh, for real: what stays of a run in the background."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.launch.conftest import PYTHON, ROOT, end_run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="TPU workers are Linux machines")


@pytest.fixture
def worker(tmp_path):
    """A checkout with an interpreter that only pretends; returns what calls its worker.sh."""
    (tmp_path / "launch").mkdir()
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for name in ("worker.sh", "calls.sh"):
        shutil.copy(ROOT / "launch" / name, tmp_path / "launch")
    interpreter = tmp_path / ".venv/bin/python"
    interpreter.write_text(PYTHON)
    interpreter.chmod(0o755)

    def call(*arguments):
        command = ["bash", str(tmp_path / "launch/worker.sh"), *arguments]
        return subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=120)

    call.folder = tmp_path
    yield call
    end_run(tmp_path)


def until(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("did not happen within 30 s")


def test_a_run_outlives_the_shell_that_started_it(worker):
    assert "no run was started here" in worker("status").stdout
    assert worker("follow").returncode == 2
    started = worker("start", "--config=long", "--workdir=gs://b/r")
    assert started.returncode == 0, started.stderr
    pid = int((worker.folder / "run.pid").read_text())
    assert os.getsid(pid) != os.getsid(0)  # no terminal or connection of ours can end it
    assert f"running, process {pid}, workdir gs://b/r" in worker("status").stdout
    again = worker("start", "--config=long")
    assert (again.returncode, "a run is going on (running, process" in again.stderr) == (2, True)
    assert "to save and end" in worker("stop").stdout
    until((worker.folder / "run.exit").exists)
    assert "ended, exit code 143, workdir gs://b/r" in worker("status").stdout
    assert "saved" in (worker.folder / "run.log").read_text()
    assert "ended, exit code 143" in worker("stop").stdout


def test_a_killed_run_is_told_from_an_ended_one(worker):
    worker("start", "--config=long", "--workdir=runs/a")
    pid = int((worker.folder / "run.pid").read_text())
    supervisor = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(supervisor, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    until(lambda: "gone without an exit code" in worker("status").stdout)
    (worker.folder / "run.pid").write_text(str(os.getpid()))  # the number has passed to another program
    assert "gone without an exit code" in worker("status").stdout
    assert worker("start", "--config=short").returncode == 0


def test_follow_prints_the_whole_output_and_ends_with_the_runs_exit_code(worker):
    worker("start", "--config=bad", "--config.name=a b")
    done = worker("follow")
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert lines == [
        "training: [-u] [-m] [jaxcluster.main] [--distributed] [--config=bad] [--config.name=a b]",
        lines[-1],
    ]
    assert lines[-1] == "ended, exit code 3, workdir -"


def test_what_is_missing_is_named(worker):
    shutil.rmtree(worker.folder / ".venv")
    done = worker("start", "--config=a")
    assert (done.returncode, "nothing is installed here; launch/tpu.sh install comes first" in done.stderr) == (2, True)
    assert worker("begin").returncode == 2
    assert "Usage" in worker("--help").stdout


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("installed", [True, False])
def test_a_dry_run_prints_what_each_command_would_run_and_changes_nothing(worker, installed):
    if not installed:
        shutil.rmtree(worker.folder / ".venv")
    before = files(worker.folder)
    printed = {}
    for command in (["install"], ["start", "--config=a b", "--workdir=gs://b/r"], ["follow"], ["status"], ["stop"]):
        done = worker("--dry-run", *command)
        assert (done.returncode, done.stderr) == (0, "")
        assert worker(*command, "--dry-run").stdout == done.stdout
        printed[command[0]] = done.stdout
    assert files(worker.folder) == before
    assert ("+ python3 -m uv venv --quiet --python 3.12 .venv\n" in printed["install"]) != installed
    assert "--editable . jax\\[tpu\\] etils\\[epath-gcs\\]\n" in printed["install"]
    started = "+ .venv/bin/python -u -m jaxcluster.main --distributed --config=a\\ b --workdir=gs://b/r >run.log"
    assert printed["start"].startswith(started)
    assert printed["follow"].startswith("+ tail -n 200 -f run.log")
    assert printed["status"] == printed["stop"] == "no run was started here\n"


def test_a_dry_stop_lets_the_run_go_on(worker):
    worker("start", "--config=long")
    pid = (worker.folder / "run.pid").read_text().strip()
    assert worker("stop", "--dry-run").stdout == f"+ kill -TERM {pid}\n"
    assert f"running, process {pid}" in worker("status").stdout
    worker("stop")
