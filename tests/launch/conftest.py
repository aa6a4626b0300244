"""A cloud that is not there: the launch scripts against stand-ins for gcloud and kubectl."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
PATH = f"{HERE}:{pathlib.Path(sys.executable).parent}:/usr/bin:/bin"  # the stand-ins hide a real gcloud

# What a worker's uv makes: an "interpreter" that trains for as long as its arguments say.
PYTHON = """#!/usr/bin/env bash
case "$*" in *import*) echo installed; exit ;; esac
trap 'echo saved; exit 143' TERM
echo "training:$(printf ' [%s]' "$@")"
case "$*" in *long*) for _ in $(seq 300); do sleep 0.1; done ;; esac
case "$*" in *bad*) exit 3 ;; esac
echo done
"""
UV = f"""#!/usr/bin/env bash
echo "python3 $*" >>../python3.log
case "$*" in *" venv "*) mkdir -p .venv/bin; cat >.venv/bin/python <<'STUB'
{PYTHON}STUB
chmod +x .venv/bin/python ;; esac
"""


def end_run(checkout):
    """Leave no run behind, and end nothing else."""
    file = checkout / "run.pid"
    command = pathlib.Path(f"/proc/{file.read_text().strip()}/cmdline") if file.exists() else file
    if command.exists() and b"jaxcluster.main" in command.read_bytes():
        os.kill(int(file.read_text()), signal.SIGKILL)


class Cloud:
    def __init__(self, folder):
        self.folder = folder

    def run(self, script, *arguments, poll_seconds="0"):
        environment = {"PATH": PATH, "STANDIN_DIR": str(self.folder), "HOME": str(self.folder)}
        environment["POLL_SECONDS"] = poll_seconds
        command = ["bash", f"launch/{script}", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=120)

    def calls(self):
        file = self.folder / "calls.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def answers(self, **lines):
        file = self.folder / "answers.json"
        file.write_text(json.dumps({f"compute tpus queued-resources {name}": texts for name, texts in lines.items()}))

    def workers(self, count):
        if sys.platform != "linux":
            pytest.skip("TPU workers are Linux machines")
        (self.folder / "bin").mkdir()
        stub = self.folder / "bin" / "python3"
        stub.write_text(UV)
        stub.chmod(0o755)
        homes = [self.folder / f"worker{i}" for i in range(count)]
        for home in homes:
            home.mkdir()
        return homes


@pytest.fixture
def cloud(tmp_path):
    yield Cloud(tmp_path)
    for checkout in tmp_path.glob("worker*/jaxcluster"):
        end_run(checkout)
