"""Running the command line: in this process, as often as one likes, or in one of its own."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxcluster import main

ROOT = Path(__file__).parents[2]
CONFIG = f"--config={ROOT / 'configs' / 'aspc_digits.py'}"
SMALL = (
    "--config.data.name=",
    "--config.network.hidden=(8,)",
    "--config.pretrain.epochs=2",
    "--config.finetune.epochs=2",
    "--config.finetune.tolerance=0",
    "--config.initial.method=kmeans",
    "--config.initial.n_init=2",
    "--config.n_clusters=2",
)
# One device, and compiled as in this process: bit for bit the same.
ONE_DEVICE = {"XLA_FLAGS": re.sub(r"--xla_force_host_platform_device_count=\d+", "", os.environ["XLA_FLAGS"])}
LONG = "--config.pretrain.epochs=300"  # long enough for a signal to fall into it


class Said(NamedTuple):
    code: int
    text: str

    @property
    def error(self) -> str:
        """The one sentence of a refusal."""
        assert "Traceback" not in self.text
        last = self.text.splitlines()[-1]
        assert last.startswith("error: "), self.text
        return last.removeprefix("error: ")


def command(*arguments) -> Said:
    """Run the command line in this process, as often as one likes."""
    code, said = 0, io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            main.main([str(argument) for argument in arguments])
    except SystemExit as end:
        code = end.code
    return Said(code, said.getvalue())


def subprocess_command(*arguments, **options) -> subprocess.Popen:
    environment = {**os.environ, **ONE_DEVICE}
    return subprocess.Popen(
        [sys.executable, "-m", "jaxcluster.main", *map(str, arguments)],
        cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def refused(*arguments) -> str:
    said = command(*arguments)
    assert said.code == 2, said.text
    return said.error


def two_kinds(shape, n=24):
    """Dark and bright samples in turn, with noise of their own."""
    rng = np.random.default_rng(0)
    bright = np.arange(n) % 2
    noise = rng.uniform(0, 0.35, (n, *shape))
    return (0.6 * bright.reshape(n, *[1] * len(shape)) + noise).astype(np.float32), bright


def run_on(file, workdir, *options) -> Said:
    return command(CONFIG, *SMALL, f"--config.data.path={file}", f"--workdir={workdir}", *options)


def files_of(folder):
    return {file.relative_to(folder): file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}
