"""The grid: what it runs, what it skips, and what it does when runs fail, hang or were others before."""

import json
import pathlib
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]

# Stands for the training command. Seeds 0, 1 and 6 know labels, with an ACC of .9 + seed / 100; seed 6 collapses, seed
# 7 fails, seed 8 trains until it is asked to end.
TRAINING = """#!{python}
import json, os, pathlib, signal, sys, time

words = dict(word[2:].split("=", 1) for word in sys.argv[3:] if "=" in word)
seed, folder = int(words["config.seed"]), pathlib.Path(words["workdir"])
assert sys.argv[1:3] == ["-m", "jaxcluster.main"]
folder.mkdir(parents=True, exist_ok=True)
with (folder.parent / "calls.jsonl").open("a") as file:
    call = {{"words": words, "began": time.time(), "threads": os.environ.get("OMP_NUM_THREADS")}}
    file.write(json.dumps(call) + "\\n")
if seed == 7:
    sys.exit("error: no such data")
if seed == 8 and not (folder / "saved").exists():
    def save(*_):
        (folder / "saved").touch()
        sys.exit(143)
    signal.signal(signal.SIGTERM, save)
    (folder / "trains").touch()
    time.sleep(60)
time.sleep(0.3)
results = {{"scoring": {{"acc": 0.9 + seed / 100, "nmi": 0.8}}}} if seed in (0, 1, 6) else {{}}
(folder / "summary.json").write_text(json.dumps({{"results": results, "seconds": {{"pretrain": 90.0}}}}))
sys.exit(3 if seed == 6 else 0)
"""


@pytest.fixture
def grid(tmp_path):
    program = tmp_path / "training"
    program.write_text(TRAINING.format(python=sys.executable))
    program.chmod(0o755)

    class Grid:
        out = tmp_path / "out"

        def start(self, *arguments):
            command = [sys.executable, "launch/grid.py", "--config=aspc_usps", f"--out={self.out}", *arguments]
            environment = {"PATH": "/usr/bin:/bin", "PYTHON": str(program)}
            pipe = subprocess.PIPE
            return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, env=environment)

        def __call__(self, *arguments):
            process = self.start(*arguments)
            process.stdout_text, process.stderr_text = process.communicate(timeout=60)
            return process

        def calls(self):
            file = self.out / "calls.jsonl"
            return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    return Grid()


def test_every_combination_runs_once_and_a_second_call_runs_none(grid):
    settings = ["--seeds=0,1", "--set", "finetune.epochs=5,6", "--set", "network.hidden=(1,2),(3,)"]
    arguments = [*settings, "--config.data.name=a b", "--jobs=4"]
    done = grid(*arguments)
    assert done.returncode == 0, done.stderr_text
    found = {
        (w["config.seed"], w["config.finetune.epochs"], w["config.network.hidden"], w["config.data.name"])
        for w in (call["words"] for call in grid.calls())
    }
    assert found == {(s, e, h, "a b") for s in "01" for e in "56" for h in ("(1,2)", "(3,)")}
    assert len(grid.calls()) == 8
    row = (
        "| `aspc_usps` | finetune.epochs=5, network.hidden=(1,2) | 0, 1 | .905 ± .007 (.900 .910) | .900 | .800 ± .000"
    )
    assert row in done.stdout_text
    assert row in (grid.out / "table.md").read_text()
    assert (grid.out / "grid.png").read_bytes()[:4] == b"\x89PNG"
    again = grid(*arguments)
    assert (again.returncode, len(grid.calls())) == (0, 8)
    assert "8 of 8 runs are complete" in again.stdout_text


def test_a_failed_run_is_named_and_the_others_go_on(grid):
    done = grid("--seeds=7,6,2", "--jobs=1")
    assert done.returncode == 1
    assert "aspc_usps-seed7  FAILED (exit code 1): error: no such data" in done.stdout_text
    assert "aspc_usps-seed6  ACC .960  NMI .800  1.5 min  collapsed" in done.stdout_text
    assert "- `aspc_usps-seed7`: FAILED" in (grid.out / "table.md").read_text()
    assert [call["words"]["config.seed"] for call in grid.calls()] == ["7", "6", "2"]  # one at a time, in this order
    assert {call["threads"] for call in grid.calls()} == {None}


def test_as_many_run_at_a_time_as_there_are_jobs(grid):
    assert grid("--seeds=2,3,4,5", "--jobs=2").returncode == 0
    began = sorted(call["began"] for call in grid.calls())
    assert began[2] - began[0] > 0.25  # the third had to wait for one of the first two, which take 0.3 seconds
    assert {call["threads"] is not None for call in grid.calls()} == {True}


@pytest.mark.parametrize("ask", [pytest.param("minutes", marks=pytest.mark.long), "signal"])
def test_when_it_must_end_the_runs_save_and_the_same_command_goes_on(grid, ask):
    arguments = ["--seeds=8,2", "--jobs=1"]
    process = grid.start(*arguments, *(["--minutes=0.1"] if ask == "minutes" else []))
    if ask == "signal":
        until = time.monotonic() + 30
        while not (grid.out / "aspc_usps-seed8" / "trains").exists() and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == {"minutes": 124, "signal": 143}[ask]
    assert "interrupted: aspc_usps-seed8" in told
    assert "- `aspc_usps-seed2`: not complete" in told
    assert (grid.out / "aspc_usps-seed8" / "saved").exists()
    assert len(grid.calls()) == 1
    assert grid(*arguments).returncode == 0
    assert len(grid.calls()) == 3


def test_runs_share_pretrainings_and_go_to_the_records(grid, tmp_path):
    settings = ["--set", "pretrain.augment=true,false", "--set", "finetune.self_paced=true,false"]
    template = "--init_from=p/{config}-{pretrain.augment}-seed{seed}"
    records = ["--records", str(tmp_path / "records"), "--title=table5"]
    assert grid("--config=aspc_mnist:wide", "--seeds=3", *settings, template, *records, "--jobs=4").returncode == 0
    taken = {
        (w["config"], w["config.pretrain.augment"], w["config.init_from"]) for w in (c["words"] for c in grid.calls())
    }
    assert taken == {
        (config, augment, f"p/{label}-{augment}-seed3")
        for config, label in (("aspc_usps", "aspc_usps"), ("aspc_mnist:wide", "aspc_mnist-wide"))
        for augment in ("true", "false")
    }
    values = ("true_true", "true_false", "false_true", "false_false")
    names = {
        f"{config}-table5_{value}-seed3.json" for config in ("aspc_usps", "aspc_mnist-variant_wide") for value in values
    }
    assert {file.name for file in (tmp_path / "records").iterdir()} == names


def test_dry_run_prints_commands_that_can_be_typed_and_runs_nothing(grid):
    done = grid("--seeds=4", "--set", "network.hidden=(1,2)", "--dry-run", "--", "--nopictures")
    name = "'--workdir=" + str(grid.out / "aspc_usps-network.hidden=(1,2)-seed4") + "' --nopictures"
    assert done.stdout_text.endswith(f"--config=aspc_usps --config.seed=4 '--config.network.hidden=(1,2)' {name}\n")
    assert not grid.out.exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--seeds=0,x"], "--seeds must be numbers with commas between, got '0,x'"),
        (["--config=none"], "--config=none: there is no such file, and no config of this name"),
        (["--set", "seed=1"], "--set seed: give it by --seeds"),
        (["--set", "finetune.epochs"], "--set must be FIELD=VALUE,VALUE,..."),
        (["--init_from=a{sed}"], "--init_from: {sed} must be one of config, seed"),
        (["--seeds=1,1"], "two runs would have the name aspc_usps-seed1"),
        (["--quite"], "unexpected '--quite'; options of all runs are written --config.FIELD=VALUE"),
        (["--jobs=0"], "--jobs"),
        (["--title=a_b"], "--title must be of a-z and 0-9, got 'a_b'"),
    ],
)
def test_wrong_arguments_are_named(grid, arguments, why):
    done = grid(*arguments)
    assert done.returncode == 2
    assert why in done.stderr_text
    assert not grid.calls()


def test_a_folder_of_other_runs_is_refused(grid):
    assert grid("--seeds=2").returncode == 0
    other = grid("--seeds=2", "--config.n_clusters=9")
    assert other.returncode == 2
    assert "aspc_usps-seed2 was another run there, with differences in --config.n_clusters=9" in other.stderr_text
