"""The runs that many tests look at, each made once."""

import signal
import time

import numpy as np
import pytest

from tests.main.commands import CONFIG, LONG, SMALL, Said, command, run_on, subprocess_command, two_kinds


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Holds gray.npz (with labels), unlabeled.npy (the same images), and the runs on them."""
    folder = tmp_path_factory.mktemp("main")
    x, y = two_kinds((4, 5))
    np.savez(folder / "gray.npz", x=x, y=y)
    np.save(folder / "unlabeled.npy", x)
    return folder


@pytest.fixture(scope="session")
def done(folder):
    """A finished run with labels, in folder/run."""
    said = run_on(folder / "gray.npz", folder / "run", LONG)
    assert said.code == 0, said.text
    return said


@pytest.fixture(scope="session")
def unlabeled(folder):
    """The same run without labels, stopped once by Ctrl-C, in folder/unlabeled."""
    arguments = (CONFIG, *SMALL, LONG, f"--config.data.path={folder / 'unlabeled.npy'}")
    workdir = f"--workdir={folder / 'unlabeled'}"
    process = subprocess_command(*arguments, workdir)
    metrics = folder / "unlabeled" / "metrics.jsonl"
    until = time.monotonic() + 120
    while not (metrics.exists() and metrics.stat().st_size) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    stopped = Said(None, process.communicate(timeout=60)[1])
    stopped = stopped._replace(code=process.returncode)
    records = len(metrics.read_text().splitlines())
    return stopped, records, command(*arguments, workdir, "--nopictures")
