"""The measurements for an accelerator: what would be run, what is refused, and that time ends them."""

import subprocess

from tests.launch.conftest import ROOT


def measure(*arguments, python="py"):
    command = ["bash", "launch/measure.sh", *arguments]
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": python}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)


def test_each_part_runs_every_seed():
    said = measure(
        "--dry-run", "--seeds=0,7", "aspc", "wide", "clustergan", "cifar10", "frgc", "stl10"
    ).stdout.splitlines()
    assert said == [
        f"+ py -m jaxcluster.main --config=configs/{config} --config.seed={seed}"
        for config in (
            "aspc_mnist.py",
            "aspc_mnist.py:wide",
            *(f"clustergan_{name}.py" for name in ("mnist", "cifar10", "frgc", "stl10")),
        )
        for seed in (0, 7)
    ]
    hashing = measure("--dry-run", "--seeds=3", "hashing").stdout
    for bits in (32, 64):
        folder = f"runs/clustergan_mnist-{bits}bits-seed3"
        assert f"--config=configs/clustergan_mnist.py --config.seed=3 --config.m={bits} --workdir={folder}\n" in hashing
        assert f"--codes={folder}/embedding.npy --labels=runs/mnist_labels.npy --seeds=5" in hashing
    assert "tests/bench/test_accelerator_bench.py" in measure("--dry-run", "speed").stdout


def test_wrong_arguments_are_named():
    assert measure("--help").returncode == 0
    assert measure().returncode == 2
    for arguments, message in (
        (["gan"], "PART must be aspc, wide, clustergan, frgc, cifar10, stl10, hashing or speed, got 'gan'"),
        (["--minutes=0", "aspc"], "--minutes must be a whole number, got '0'"),
        (["--seeds=a", "aspc"], "--seeds must be numbers with commas between, got 'a'"),
    ):
        said = measure(*arguments)
        assert (said.returncode, message in said.stderr) == (2, True), said.stderr


def test_what_is_under_way_is_asked_to_end_when_time_is_up(tmp_path):
    (tmp_path / "py").write_text("#!/bin/sh\ntrap 'echo saved; kill $!; exit 143' TERM; sleep 30 & wait\n")
    (tmp_path / "py").chmod(0o755)
    text = (ROOT / "launch" / "measure.sh").read_text().replace("60 * ${minutes:-0}", "${minutes:-0}")  # in seconds
    (tmp_path / "measure.sh").write_text(text)
    (tmp_path / "calls.sh").write_text((ROOT / "launch" / "calls.sh").read_text())
    command = ["bash", tmp_path / "measure.sh", "--minutes=3", "--seeds=0,1", "aspc"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": str(tmp_path / "py")}
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=60)
    assert (said.returncode, said.stdout.count("+ "), "saved" in said.stdout) == (124, 1, True), said
