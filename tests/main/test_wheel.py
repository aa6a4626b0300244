"""The wheel, installed in an environment of its own, works in an empty folder."""

import os
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.main.commands import ROOT

SMALL = (
    "--config.pretrain.epochs=1", "--config.finetune.epochs=1", "--config.network.hidden=(8,)",
    "--config.initial.method=kmeans",
)  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder, source = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("source")
    for name in ("jaxcluster", "configs"):  # a copy: building leaves files behind
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, source]
    subprocess.run(build, check=True, capture_output=True, cwd=folder)
    return next(folder.glob("*.whl"))


def test_it_holds_configs_templates_and_types_and_no_records_or_tests(wheel):
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
    for file in (ROOT / "configs").glob("*.py"):
        assert f"jaxcluster/configs/{file.name}" in names
    assert {"jaxcluster/py.typed", "jaxcluster/plots/page/page.html", "jaxcluster/plots/page/page.css"} <= set(names)
    assert not [name for name in names if "configs/records" in name or name.startswith("tests")]


@pytest.mark.long  # .ci/run runs it
def test_installed_in_an_empty_folder_it_fits_from_the_command_and_from_python(wheel, tmp_path):
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(tmp_path / "env")}))
    # The dependencies are those of this environment; jaxcluster itself, which may be editable here, is the wheel's.
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()))
    install = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, capture_output=True)
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "XLA_FLAGS")}

    def run(*words):
        return subprocess.run(words, cwd=empty, env=environment, capture_output=True, text=True, timeout=300)

    command = tmp_path / "env" / "bin" / "jaxcluster"
    assert run(command, "--version").stdout.startswith("jaxcluster 0.")
    listed = run(command, "--list").stdout
    assert "aspc_mnist" in listed
    assert "viewgraph" in listed
    done = run(command, "--config=aspc_digits", *SMALL, "--workdir=run", "--nopictures")
    assert done.returncode in (0, 3), done.stderr
    assert (empty / "run" / "labels.npy").exists()
    code = "import jaxcluster; print(jaxcluster.__file__, len(jaxcluster.load('run').labels_))"
    said = run(python, "-c", code)
    assert said.returncode == 0, said.stderr
    assert str(packages) in said.stdout
    assert said.stdout.split()[-1] == "1797"
