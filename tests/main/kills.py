"""A run that is started, watched from outside, and killed in a moment that its files and words show."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.main.commands import CONFIG, ONE_DEVICE, ROOT, SMALL

TMP = ".orbax-checkpoint-tmp"
OFTEN = "--config.checkpoint_seconds=0.2"
PHASES = {"aspc": ("pretrain", "finetune"), "clustergan": ("pretrain", "adversarial", "cluster")}
ARGUMENTS = {
    "aspc": (
        CONFIG, *SMALL, OFTEN, "--config.pretrain.batch_size=5", "--config.finetune.batch_size=5",
        "--config.pretrain.epochs=400", "--config.finetune.epochs=300",
    ),
    "clustergan": (
        f"--config={ROOT / 'configs' / 'clustergan_digits.py'}", OFTEN, "--config.data.name=", "--config.n_clusters=2",
        "--config.m=6", "--config.initial.hidden=(9,)", "--config.initial.n_neighbors=3",
        "--config.pretrain.epochs=400", "--config.pretrain.batch_size=5",
        "--config.adversarial.epochs=200", "--config.adversarial.batch_size=5",
        "--config.network.clusterer_hidden=(9,)", "--config.network.generator_hidden=(8,)",
        "--config.network.discriminator_hidden=(7,)",
    ),
}  # fmt: skip


class Started(NamedTuple):
    """A run from one start to its end or to the kill."""

    process: subprocess.Popen
    workdir: Path
    log: Path
    since: float
    phases: tuple[str, ...]

    @property
    def said(self) -> str:
        return self.log.read_text()

    def new(self, pattern: str) -> list[Path]:
        """Files and folders that match and that this start has written, not one before it."""
        return [path for path in self.workdir.glob(pattern) if written(path) >= self.since]

    def over(self, phase: str) -> bool:
        """Whether it has said so."""
        return re.search(rf"^{phase}: epoch (\d+)/\1 .* took ", self.said, re.MULTILINE) is not None

    def epochs(self, phase: str) -> int:
        """Epochs of a phase that this start has done."""
        if not self.new("metrics.jsonl"):
            return 0
        went_on = re.search(rf"continuing in {phase} at epoch (\d+)", self.said)
        count = sum(record["phase"] == phase for record in records(self.workdir))
        return count - int(went_on[1]) if went_on else count


class Moment(NamedTuple):
    """A state of a run that lasts a while."""

    name: str
    lasts: Callable[[Started], bool]
    delay: float = 0.0
    """At most so many seconds from its sight to the kill."""


def written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # renamed or removed meanwhile
        return 0.0


def records(workdir: Path) -> list[dict]:
    file = workdir / "metrics.jsonl"
    text = file.read_text() if file.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def cursor(workdir: Path) -> dict | None:
    """Where the newest complete checkpoint stands."""
    folders = [folder for folder in workdir.glob("checkpoints/*") if folder.name.isdigit()]
    if not folders:
        return None
    newest = max(folders, key=lambda folder: int(folder.name))
    return json.loads((newest / "about" / "metadata").read_text())["cursor"]


def after(phase: str, count: int) -> Moment:
    return Moment(f"{count} epochs on in {phase}", lambda run: run.epochs(phase) >= count, delay=0.02)


def saving(phase: str, count: int) -> Moment:
    def lasts(run):
        return bool(run.new(f"checkpoints/*{TMP}")) and count <= run.epochs(phase) and not run.over(phase)

    return Moment(f"in a save, {count} epochs on in {phase}", lasts, delay=0.1)


def inside_an_epoch(phase: str) -> Moment:
    """The newest checkpoint lies between two steps of an epoch."""

    def lasts(run):
        where = cursor(run.workdir) if run.new("checkpoints/*[0-9]") else None
        return where is not None and where["step"] > 0 and run.epochs(phase) > 0

    return Moment(f"inside an epoch of {phase}", lasts)


def between(before: str, after: str) -> Moment:
    """One phase is over, and nothing of the next one is saved."""

    def lasts(run):
        return run.over(before) and run.phases[cursor(run.workdir)["phase"]] == before

    return Moment(f"between {before} and {after}", lasts, delay=0.1)


def writing_model(name: str) -> Moment:
    return Moment(f"the model of {name} being written", lambda run: bool(run.new(f"model/{name}{TMP}")))


def trained(last: str) -> Moment:
    def lasts(run):
        return bool(run.new(f"model/{last}")) and not run.new("labels.npy")

    return Moment("all trained, no results", lasts, delay=0.05)


def first_save_of_cluster() -> Moment:
    def lasts(run):
        return (
            bool(run.new("model/adversarial")) and bool(run.new(f"checkpoints/*{TMP}")) and not run.new("model/cluster")
        )

    return Moment("in the first save of cluster", lasts)


def writing_results() -> Moment:
    return Moment(
        "results being written", lambda run: bool(run.new("labels.npy")) and not run.new("summary.json"), delay=0.002
    )


def drawing(count: int) -> Moment:
    def lasts(run):
        drawn = len(run.new("pictures/*.png"))
        return drawn >= count and "pictures" in json.loads((run.workdir / "summary.json").read_text())

    return Moment(f"drawing, {count} pictures done", lasts, delay=0.1)


def start(algorithm: str, workdir: Path, folder: Path) -> Started:
    """Start the command with the package's own cache of compiled programs, in a home of its own."""
    environment = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
    environment |= {**ONE_DEVICE, "XDG_CACHE_HOME": str(folder / "cache")}
    log, since = folder / "said.txt", time.time() - 0.01  # a file system's clock may lag a tick behind
    with log.open("w") as stream:
        data = f"--config.data.path={folder / 'gray.npz'}"
        command = [sys.executable, "-m", "jaxcluster.main", *ARGUMENTS[algorithm], data, f"--workdir={workdir}"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=stream)
    return Started(process, workdir, log, since, PHASES[algorithm])


def run_to_the_end(algorithm, workdir: Path, folder: Path) -> str:
    run = start(algorithm, workdir, folder)
    assert run.process.wait(timeout=600) == 0, run.said
    return run.said


def kill_at(moment: Moment, run: Started, draw: random.Random, number: int = signal.SIGKILL) -> None:
    """Send the run a signal while the moment lasts, which is checked when it has been stopped."""
    try:
        while run.process.poll() is None:
            if not moment.lasts(run):
                time.sleep(0.001)
                continue
            time.sleep(draw.uniform(0, moment.delay))
            run.process.send_signal(signal.SIGSTOP)
            # Leaves the process to `Popen.wait`, should it have ended.
            os.waitid(os.P_PID, run.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            found = moment.lasts(run)
            if found:
                run.process.send_signal(number)
            run.process.send_signal(signal.SIGCONT)
            if found:
                break
        code = run.process.wait(timeout=60)
        code = code if code >= 0 else 128 - code  # as a shell says it
        if code == 0:
            raise Missed(f"{moment.name} was not seen, or outlived; the run ended: {run.said}")
        assert code == 128 + number, f"{moment.name}: the run ended with {code}: {run.said}"
    finally:
        run.process.kill()


class Missed(Exception):
    """The run has outlived the moment."""


def start_and_kill(algorithm: str, moment: Moment, workdir: Path, folder: Path, draw: random.Random) -> Started:
    """A start that is killed in the moment; one that outlives it is tried again from what was there before."""
    before = folder / "before"
    for _ in range(4):
        shutil.rmtree(before, ignore_errors=True)
        if workdir.exists():
            shutil.copytree(workdir, before)
        run = start(algorithm, workdir, folder)
        try:
            kill_at(moment, run, draw)
            return run
        except Missed as missed:
            last, moment = missed, moment._replace(delay=moment.delay / 4)
        shutil.rmtree(workdir)
        if before.exists():
            before.rename(workdir)
    raise last
