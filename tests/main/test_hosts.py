"""Several processes of this machine as several hosts: they end as one does, and what fails on one is told on all."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from jaxcluster.runtime import hosts
from tests.main.commands import CONFIG, ONE_DEVICE, ROOT, SMALL, command, refused, two_kinds


def start(number, processes, port, *arguments, **options):
    words = [sys.executable, "-m", "jaxcluster.main", *map(str, arguments)]
    words += numbers(number, processes, port)
    environment = {**os.environ, **ONE_DEVICE, "JAX_ENABLE_X64": "1"}
    return subprocess.Popen(words, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, **options)


# The command line, with something else in the place of one of its parts.
CHANGED = """
import sys, time
from jaxcluster import main
from jaxcluster.runtime import hosts

def wait(*_, **__):
    print("waiting", flush=True)
    time.sleep(100)

{change}
main.run()
"""


def start_changed(change, *arguments):
    words = [sys.executable, "-c", CHANGED.format(change=change), CONFIG, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "KUBERNETES_"))}
    return subprocess.Popen(words, cwd=ROOT, env={**environment, **ONE_DEVICE}, text=True, **pipes)


def numbers(number, processes, port):
    return f"--coordinator=127.0.0.1:{port}", f"--processes={processes}", f"--process={number}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(processes, *arguments, differing=(), seconds=300):
    """Run all processes to their end; `differing[i]` are arguments of process i alone."""
    port = free_port()
    started = [start(i, processes, port, *arguments, *(differing[i] if differing else ())) for i in range(processes)]
    said = [process.communicate(timeout=seconds)[1] for process in started]
    return [process.returncode for process in started], said


def results(folder):
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    figures = [
        [value for name, value in sorted(record.items()) if name not in ("seconds", "phase")] for record in records
    ]
    return np.concatenate(figures), np.load(folder / "embedding.npy"), np.load(folder / "labels.npy")


def agree(folder, other):
    """Two runs agree to what float64 leaves of the order of additions."""
    for mine, others in zip(results(folder), results(other), strict=True):
        np.testing.assert_allclose(mine, others, rtol=1e-6, atol=1e-9)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Not a multiple of the batch, nor the batch of the processes."""
    x, y = two_kinds((4, 5), n=25)
    file = tmp_path_factory.mktemp("hosts") / "gray.npz"
    np.savez(file, x=x, y=y)
    return f"--config.data.path={file}"


@pytest.fixture(scope="module")
def brief(images, tmp_path_factory):
    """The run of one process, which is this one, with the arguments of the runs that nothing happens to."""
    arguments = (CONFIG, *SMALL, images, "--config.pretrain.epochs=0", "--config.finetune.batch_size=10")
    arguments += ("--nopictures",)
    workdir = tmp_path_factory.mktemp("hosts") / "brief"
    with jax.enable_x64(True):
        done = command(*arguments, f"--workdir={workdir}")
    assert done.code == 0, done.text
    return arguments, workdir


@pytest.fixture(scope="module")
def alone(images, tmp_path_factory):
    """The same, long enough for something to happen to it."""
    # A small rate: large ones blow rounding up, and the runs could not be compared after so many epochs.
    arguments = (CONFIG, *SMALL, images, "--config.pretrain.epochs=200", "--config.pretrain.learning_rate=0.01")
    arguments += (
        "--config.pretrain.batch_size=10",
        "--config.finetune.batch_size=10",
        "--config.checkpoint_seconds=0.1",
    )
    workdir = tmp_path_factory.mktemp("hosts") / "alone"
    codes, said = run(1, *arguments, f"--workdir={workdir}")
    assert codes == [0], said
    return arguments, workdir


def test_two_processes_end_as_one_and_only_the_first_writes(brief, tmp_path):
    arguments, workdir = brief
    local = ["bash", "launch/local.sh", "2", *arguments, f"--workdir={tmp_path / 'run'}"]
    environment = {**os.environ, "PYTHON": sys.executable, **ONE_DEVICE, "JAX_ENABLE_X64": "1"}
    done = subprocess.run(local, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "2 devices (cpu) in 2 processes" in done.stderr
    assert done.stderr.count("results: ") == 1
    agree(tmp_path / "run", workdir)
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["device"]["processes"] == 2


UNLIKE = """
from jaxcluster.algorithms import kmeans
from jaxcluster.algorithms.aspc import finetune

def otherwise(*arguments):
    found = as_set(*arguments)
    return found._replace(centers=1.001 * found.centers)

as_set, finetune.kmeans_from_config, kmeans.SLICE = kmeans.kmeans_from_config, otherwise, 1
"""


@pytest.mark.long
def test_where_unlike_machines_begin_a_phase_otherwise_the_first_one_counts(images, tmp_path):
    """Process 1 needs more device calls for its k-means, with polls between them, and finds other centers."""
    port, arguments = free_port(), (*SMALL, images, f"--workdir={tmp_path / 'run'}")
    changes = ("", UNLIKE)
    started = [start_changed(changes[i], *arguments, *numbers(i, 2, port)) for i in range(2)]
    said = [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == 4


DIGITS = {
    "aspc": ("--config.pretrain.epochs=2", "--config.finetune.epochs=2"),
    "clustergan": ("--config.pretrain.epochs=2", "--config.adversarial.epochs=2"),
}


@pytest.mark.long
@pytest.mark.parametrize("algorithm", DIGITS)
def test_digits_on_two_and_four_processes_end_as_on_one(algorithm, tmp_path):
    arguments = (f"--config={ROOT / 'configs' / f'{algorithm}_digits.py'}", *DIGITS[algorithm])
    for processes in (1, 2, 4):
        codes, said = run(processes, *arguments, f"--workdir={tmp_path / str(processes)}", seconds=1500)
        assert codes == [0] * processes, said
    for processes in (2, 4):
        agree(tmp_path / str(processes), tmp_path / "1")


def test_other_settings_on_one_process_are_named(monkeypatch):
    """What the other one tells is put in its place here, as below."""
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    told = [b'{"identity": {"config": {"seed": 0, "m": 10}}}', b'{"identity": {"config": {"seed": 3, "m": 10}}}']
    monkeypatch.setattr(hosts, "_gather", lambda mine: told)
    with pytest.raises(hosts.HostError, match=r"^process 1 of this run does not fit process 0: config\.seed is 3, in"):
        hosts.agree(lambda: ({"config": {"seed": 0, "m": 10}}, None))


@pytest.mark.long
def test_other_settings_on_one_process_are_named_on_all(brief, tmp_path):
    arguments, _ = brief
    codes, said = run(2, *arguments, f"--workdir={tmp_path / 'run'}", differing=[(), ("--config.seed=3",)])
    assert codes == [1, 1]
    for number, text in enumerate(said):
        assert f"process {number}: error: process 1 of this run does not fit process 0: config.seed is 3, in" in text
    assert not (tmp_path / "run").exists()


def test_what_fails_on_one_process_is_told_on_all(monkeypatch):
    """What the other one tells is put in its place here; the next tests have two processes."""
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    for failed in (0, 1):
        told = [b'{"identity": null}', b'{"identity": null}']
        told[failed] = b'{"error": "no such file"}'
        monkeypatch.setattr(hosts, "_gather", lambda mine, told=told: told)
        with pytest.raises(hosts.HostError, match=f"^process {failed} of this run stopped: no such file$"):
            hosts.only_first(lambda: None)


@pytest.mark.long
def test_data_that_one_process_lacks_are_named_on_all(brief, tmp_path):
    arguments, _ = brief
    missing = "--config.data.path=/nowhere.npz"
    codes, said = run(2, *arguments, f"--workdir={tmp_path / 'run'}", differing=[(), (missing,)])
    assert codes == [1, 2]
    assert "process 0: error: process 1 of this run stopped: data.path='/nowhere.npz'" in said[0]
    assert "process 1: error: data.path='/nowhere.npz'" in said[1]
    assert not (tmp_path / "run").exists()


@pytest.mark.long
def test_checkpoints_that_the_first_cannot_read_are_told_on_all(brief, tmp_path):
    arguments, workdir = brief
    shutil.copytree(workdir, tmp_path / "run", ignore=shutil.ignore_patterns("summary.json"))
    for file in (tmp_path / "run" / "checkpoints").rglob("metadata"):
        file.write_text("{")
    codes, said = run(2, *arguments, f"--workdir={tmp_path / 'run'}")
    assert codes == [1, 1], said
    told = f"none of the checkpoints in {tmp_path / 'run' / 'checkpoints'} can be read"
    assert f"process 0: error: {told}" in said[0]
    assert f"process 1: error: process 0 of this run stopped: {told}" in said[1]


@pytest.mark.long
@pytest.mark.parametrize("met", [[0], [0, 1]])
def test_processes_that_wait_in_vain_for_another_say_so(met, tmp_path):
    port = free_port()
    waiting = [start_changed("hosts.JOIN_SECONDS = 3", f"--workdir={tmp_path}", *numbers(i, 3, port)) for i in met]
    for i, process in zip(met, waiting, strict=True):
        said = process.communicate(timeout=60)[1]
        expected = f"process {i}: error: not all processes of this run have met at 127.0.0.1:{port} within 3 s; "
        assert said == expected + "see what the others say, and start all of them again\n"
        assert process.returncode == 1


def test_distributed_outside_a_cloud_is_refused(tmp_path):
    process = start_changed("", "--distributed", f"--workdir={tmp_path}")
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert said.startswith("error: --distributed finds no Cloud TPU slice, Slurm job or Kubernetes job here (")
    assert said.endswith("; elsewhere give --coordinator, --processes and --process\n")


# Where no process has talked to the other before, the network library waits half a minute for it.
@pytest.mark.long
@pytest.mark.parametrize("stage", ["hosts.only_first", "main.prepare"])
def test_a_process_that_ends_before_training_ends_the_others_with_a_sentence(stage, tmp_path):
    """Nothing is saved yet: SIGTERM acts at once. The other one waits to compare what both have."""
    port, workdir = free_port(), f"--workdir={tmp_path / 'run'}"
    slow = start_changed(f"{stage} = wait", workdir, *numbers(1, 2, port))
    other = start_changed("", workdir, *numbers(0, 2, port))
    assert "waiting\n" in iter(slow.stdout.readline, "")  # the network library prints there as well
    slow.terminate()
    said = other.communicate(timeout=60)[1]
    slow.communicate(timeout=60)
    assert slow.returncode == -signal.SIGTERM
    assert other.returncode == 1
    assert said.startswith("process 0: error: another process of this run has ended or cannot be reached (")
    assert "Traceback" not in said


@pytest.mark.long
@pytest.mark.parametrize("dies", [0, 1])
def test_when_one_dies_the_other_says_so_and_the_run_goes_on_later(dies, alone, tmp_path):
    arguments, workdir = alone
    arguments = (*arguments, f"--workdir={tmp_path / 'run'}")
    port = free_port()
    started = [start(i, 2, port, *arguments) for i in range(2)]
    wait_for(lambda: any((tmp_path / "run" / "checkpoints").glob("[0-9]*")), started)
    started[dies].send_signal(signal.SIGKILL)
    said = [process.communicate(timeout=120) for process in started]
    survivor = 1 - dies
    assert started[survivor].returncode != 0
    # JAX's own watch may be faster than our sentence when the first process is gone.
    assert any(words in said[survivor][1] for words in ("another process of this run has ended", "another task died"))
    codes, said = run(2, *arguments)
    assert codes == [0, 0], said
    agree(tmp_path / "run", workdir)


@pytest.mark.long
@pytest.mark.parametrize(("hangs", "words"), [(0, "another task died"), (1, "stopped sending heartbeats")])
def test_a_process_that_hangs_ends_the_others(hangs, words, alone, tmp_path):
    """Its connections stay open; JAX's own watch, which the first process keeps, misses its heartbeats and names it."""
    arguments, port = (*alone[0], f"--workdir={tmp_path / 'run'}", "--config.pretrain.epochs=100000"), free_port()
    started = [start(i, 2, port, *arguments) for i in range(2)]
    wait_for(lambda: (tmp_path / "run" / "metrics.jsonl").read_text(), started)
    started[hangs].send_signal(signal.SIGSTOP)
    try:
        _, said = started[1 - hangs].communicate(timeout=240)
    finally:
        started[hangs].kill()
        started[hangs].communicate()
    assert started[1 - hangs].returncode != 0
    assert words in said


@pytest.mark.long
def test_a_signal_to_one_process_saves_and_ends_all(alone, tmp_path):
    arguments, workdir = alone
    arguments = (*arguments, f"--workdir={tmp_path / 'run'}")
    port = free_port()
    started = [start(i, 2, port, *arguments) for i in range(2)]
    wait_for(lambda: (tmp_path / "run" / "metrics.jsonl").read_text(), started)
    started[1].send_signal(signal.SIGTERM)
    said = [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [143, 143], said
    assert all(f"process {i}: SIGTERM: saved" in text for i, text in enumerate(said))
    codes, said = run(2, *arguments)
    assert codes == [0, 0], said
    assert "continuing in pretrain at epoch" in said[0]
    agree(tmp_path / "run", workdir)


def wait_for(condition, processes, seconds=120):
    until = time.monotonic() + seconds
    while time.monotonic() < until and all(process.poll() is None for process in processes):
        try:
            if condition():
                return
        except FileNotFoundError:
            pass
        time.sleep(0.05)
    raise AssertionError([process.communicate()[1] for process in processes if process.poll() is not None])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine=jit", "--devices=2"], "--engine=jit takes one device, got 2; pmap and shard_map take several"),
        (["--processes=2"], "--coordinator, --process missing; --coordinator, --processes and --process go together"),
        (["--coordinator=a:1", "--processes=2", "--process=2"], "--process must lie between 0 and 1, got 2"),
        (["--coordinator=a:1", "--processes=2", "--process=0", "--distributed"], "leave out --coordinator, or it"),
        (
            ["--coordinator=a", "--processes=2", "--process=0"],
            "--coordinator must be HOST:PORT with a port up to 65535, got 'a'",
        ),
    ],
)
def test_arguments_that_do_not_go_together(arguments, message):
    assert message in refused(CONFIG, *arguments)
