"""Several processes on one machine: what would run, what is refused, and that all end together."""

import pathlib
import re
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def start(*arguments, python="py", port="4321"):
    return subprocess.Popen(
        ["bash", "launch/local.sh", *arguments], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHON": str(python), "PORT": port},
    )  # fmt: skip


def local(*arguments, **options):
    process = start(*arguments, **options)
    said, errors = process.communicate(timeout=30)
    return process.returncode, said, errors


def pretender(folder, body):
    """An interpreter that knows its number, and nothing else."""
    file = folder / "python"
    file.write_text(f"#!/bin/bash\nfor word; do case $word in --process=*) number=${{word#*=}} ;; esac; done\n{body}\n")
    file.chmod(0o755)
    return file


def test_each_process_is_told_its_number_and_where_the_first_one_is():
    code, said, _ = local("--dry-run", "3", "--config=a.py", "--workdir=w")
    assert code == 0
    assert local("3", "--config=a.py", "--workdir=w", "--dry-run")[:2] == (code, said)
    assert "127.0.0.1:PORT " in local("1", "--dry-run", "--config=a.py", port="")[1]
    assert said.splitlines() == [
        f"+ py -m jaxcluster.main --coordinator=127.0.0.1:4321 --processes=3 --process={i} --config=a.py --workdir=w"
        for i in range(3)
    ]


def test_wrong_arguments_are_named():
    assert local("--help")[0] == 0
    assert local("2")[0] == 2
    code, _, errors = local("two", "--config=a.py")
    assert (code, errors) == (2, "error: PROCESSES must be a number from 1 on, got 'two'\n")


@pytest.mark.parametrize("port", ["0", "65536", "http", "80 90"])
def test_a_port_that_cannot_be_is_named(port):
    code, said, errors = local("2", "--config=a.py", port=port)
    assert (code, said, errors) == (2, "", f"error: PORT must be a port, 1 to 65535, got '{port}'\n")


def test_the_exit_code_is_that_of_the_one_that_failed(tmp_path):
    python = pretender(tmp_path, '[ "$number" != 1 ] || exit 7')
    assert local("3", "--config=a.py", python=python)[0] == 7
    assert local("1", "--config=a.py", python=python)[0] == 0


def test_a_signal_goes_to_all_and_their_end_is_waited_for(tmp_path):
    body = f"trap 'sleep 0.3; touch {tmp_path}/ended$number; exit 143' TERM; touch {tmp_path}/began$number; "
    body += "while true; do sleep 0.05; done"
    process = start("2", "--config=a.py", python=pretender(tmp_path, body))
    until = time.monotonic() + 30
    while len(list(tmp_path.glob("began*"))) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 143
    assert {file.name for file in tmp_path.glob("ended*")} == {"ended0", "ended1"}
    assert re.findall(r"--coordinator=(\S+)", said) == ["127.0.0.1:4321"] * 2
