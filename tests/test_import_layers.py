"""The import direction of the package: data flows one way, and the standalone rooms bring nothing heavy."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "jaxcluster"

# room -> rooms of jaxcluster that it may import
MAY_IMPORT = {
    "spl": set(),
    "draws": set(),
    "losses": {"draws"},
    "augment": {"draws"},
    "metrics": set(),
    "hashing": set(),
    "protocol": set(),
    "clusterers": {"augment"},
    "networks": {"draws"},
    "files": set(),
    "data": set(),
    "plots": set(),
    "runtime": {"protocol", "files"},
    "algorithms": {"spl", "losses", "augment", "draws", "metrics", "clusterers", "networks", "protocol"},
    "workflow": {"algorithms", "clusterers", "metrics", "plots", "protocol", "runtime", "files", "data"},
    "estimator": {"workflow", "algorithms", "metrics", "data", "runtime"},
    "commandline": {"algorithms", "workflow", "files"},
    "main": {"commandline", "workflow", "runtime", "files", "data", "protocol"},
    "__main__": {"main"},
}


def rooms_imported(file: pathlib.Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import; write the absolute one"
            base = node.module or ""
            names = [f"{base}.{alias.name}" for alias in node.names] if base == "jaxcluster" else [base]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("jaxcluster.")}
    return found


def python_files():
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("file", python_files(), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_a_room_imports_only_what_lies_below_it(file):
    room = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    beyond = rooms_imported(file) - MAY_IMPORT[room] - {room}
    assert not beyond, f"{file.relative_to(ROOT)} imports {sorted(beyond)}"


def test_algorithms_are_blind_to_each_other():
    folder = PACKAGE / "algorithms"
    names = {child.name for child in folder.iterdir() if child.is_dir() and child.name != "__pycache__"}
    for name in names:
        for file in (folder / name).rglob("*.py"):
            for other in names - {name}:
                assert f"algorithms.{other}" not in file.read_text(), f"{file} knows {other}"


def test_pmap_is_said_in_one_file_only():
    for file in python_files():
        if file.relative_to(PACKAGE).as_posix() != "runtime/devices.py":
            assert "pmap(" not in file.read_text(), file


@pytest.mark.parametrize("statement", ["import jaxcluster", "from jaxcluster import spl"])
def test_standalone_imports_bring_nothing_heavy(statement):
    heavy = [
        "tensorflow_datasets",
        "tensorflow",
        "sklearn",
        "matplotlib",
        "absl",
        "orbax",
        "flax",
        "optax",
        "scipy",
        "ml_collections",
    ]
    # JAX itself may load some of these (absl through flax in later versions): count what comes on top.
    code = (
        f"import sys, jax; before = set(sys.modules); {statement}; "
        f"print([m for m in {heavy} if m in set(sys.modules) - before])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
