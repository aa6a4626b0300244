"""All launch scripts: they parse, they stop at the first error, and shellcheck has nothing to say."""

import re
import shutil
import subprocess

import pytest

from tests.launch.conftest import ROOT

SCRIPTS = sorted(path.name for path in (ROOT / "launch").glob("*.sh"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_parses_and_stops_at_errors(name):
    subprocess.run(["bash", "-n", f"launch/{name}"], cwd=ROOT, check=True)
    text = (ROOT / "launch" / name).read_text()
    sourced = "Sourced, not run" in text
    assert sourced or re.match(r"#!/usr/bin/env bash\n# .+\nset -euo pipefail\n", text)
    assert max(len(line) for line in text.splitlines()) <= 180


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_is_silent():
    subprocess.run(["shellcheck", "-x", *(f"launch/{name}" for name in SCRIPTS)], cwd=ROOT, check=True)
