"""The seed sweep: what it would run, and what it refuses."""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).parents[2]


def seeds(*arguments):
    command = ["bash", "launch/seeds.sh", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "PYTHON": "py"}
    )


def test_a_seed_sweep_runs_the_config_once_a_seed():
    variant = seeds("--dry-run", "configs/clustergan_usps_balanced.py:paper", "3")
    assert (
        variant.stdout == "+ py -m jaxcluster.main --config=configs/clustergan_usps_balanced.py:paper --config.seed=3\n"
    )
    done = seeds("--dry-run", "configs/aspc_usps.py", "0,12", "--config.n_clusters=9")
    assert done.returncode == 0
    assert seeds("configs/aspc_usps.py", "0,12", "--config.n_clusters=9", "--dry-run").stdout == done.stdout
    assert done.stdout.splitlines() == [
        f"+ py -m jaxcluster.main --config=configs/aspc_usps.py --config.seed={seed} --config.n_clusters=9"
        for seed in (0, 12)
    ]


def test_wrong_arguments_are_named():
    assert seeds("--help").returncode == 0
    assert seeds("configs/aspc_usps.py").returncode == 2
    missing = seeds("configs/none.py", "0")
    assert (missing.returncode, "no config file 'configs/none.py'" in missing.stderr) == (2, True)
    wrong = seeds("configs/aspc_usps.py", "0,x")
    assert (wrong.returncode, "SEEDS must be numbers with commas between, got '0,x'" in wrong.stderr) == (2, True)
