"""All launch scripts: they parse, stop at the first error, explain themselves, and shellcheck has nothing to say."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from tests.launch.conftest import ROOT

SCRIPTS = sorted(path.name for path in (ROOT / "launch").glob("*.sh"))
CALLED = [name for name in SCRIPTS if name != "calls.sh"]  # that one is sourced
BESIDE = os.pathsep.join((str(pathlib.Path(sys.executable).parent), os.environ["PATH"]))  # pip's programs, not on PATH
SHELLCHECK = shutil.which("shellcheck", path=BESIDE)


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_parses_and_stops_at_errors(name):
    subprocess.run(["bash", "-n", f"launch/{name}"], cwd=ROOT, check=True)
    text = (ROOT / "launch" / name).read_text()
    sourced = "Sourced, not run" in text
    assert sourced == (name not in CALLED)
    assert sourced or re.match(r"#!/usr/bin/env bash\n# .+\nset -euo pipefail\n", text)
    assert max(len(line) for line in text.splitlines()) <= 180


def said(name, *arguments, cwd=ROOT, **environment):
    command = ["bash", str(ROOT / "launch" / name), *arguments]
    environment = {"PATH": "/usr/bin:/bin", **environment}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment)


@pytest.mark.parametrize("name", CALLED)
def test_help_tells_of_the_dry_run_and_so_does_a_call_without_arguments(name):
    done = said(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: launch/{name} ")
    assert "--dry-run" in done.stdout
    without = said(name)
    assert (without.returncode, without.stdout, without.stderr) == (2, "", done.stdout)


def test_the_interpreter_is_the_one_named_or_that_of_the_virtual_environment(tmp_path):
    words = ("seeds.sh", "--dry-run", str(ROOT / "configs/aspc_digits.py"), "0")
    assert said(*words, cwd=tmp_path).stdout.startswith("+ python -m")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").touch(mode=0o755)
    assert said(*words, cwd=tmp_path).stdout.startswith("+ .venv/bin/python -m")
    assert said(*words, cwd=tmp_path, PYTHON="py").stdout.startswith("+ py -m")


@pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not installed")
def test_shellcheck_is_silent():
    subprocess.run([SHELLCHECK, "-x", *(f"launch/{name}" for name in SCRIPTS)], cwd=ROOT, check=True)
