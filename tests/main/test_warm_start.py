"""A second start finds every program compiled, and computes the same, bit for bit."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.main.commands import CONFIG, ROOT, SMALL, two_kinds


def start(folder, name, *options):
    environment = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
    environment |= {"XLA_FLAGS": "", "XDG_CACHE_HOME": str(folder / "cache")}
    words = [CONFIG, *SMALL, f"--config.data.path={folder / 'gray.npz'}", f"--workdir={folder / name}", *options]
    command = [sys.executable, "-m", "jaxcluster.main", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr.replace(name, "")


def programs(folder):
    return {file.name: file.stat().st_mtime_ns for file in (folder / "cache").rglob("*-cache")}


def figures(folder):
    records = (json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines())
    return [record | {"seconds": 0} for record in records]


@pytest.mark.long
def test_the_second_start_and_the_next_seed_compile_nothing(tmp_path):
    x, y = two_kinds((4, 5))
    np.savez(tmp_path / "gray.npz", x=x, y=y)
    start(tmp_path, "cold")
    compiled = programs(tmp_path)
    assert compiled
    said = start(tmp_path, "warm")
    assert "arning" not in said
    assert said.splitlines()[0].startswith("aspc on gray")  # nothing of the cache comes before
    start(tmp_path, "next", "--config.seed=1")
    assert programs(tmp_path) == compiled
    assert figures(tmp_path / "warm") == figures(tmp_path / "cold")
    assert figures(tmp_path / "next") != figures(tmp_path / "cold")
    for name in ("labels", "confidence", "embedding", "centers"):
        file = f"{name}.npy"
        assert (tmp_path / "warm" / file).read_bytes() == (tmp_path / "cold" / file).read_bytes()
