"""Configs by name or by path: `aspc_mnist`, `aspc_usps:wide`, `configs/aspc_mnist.py`, `mine/config.py:variant`."""

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

from ml_collections import ConfigDict

import jaxcluster
from jaxcluster.algorithms.settings import meant
from jaxcluster.workflow.settings import UsageError

__all__ = ["find", "load", "names", "summary"]

# In an installed wheel the configs are the folder `configs` of this package, in a checkout they lie beside it.
_FOLDERS = (Path(jaxcluster.__file__).parent / "configs", Path(jaxcluster.__file__).parents[1] / "configs")


def names() -> list[str]:
    """The configs that come with the package."""
    return sorted(file.stem for file in _folder().glob("[a-z]*.py"))


def summary(name: str) -> str:
    """The first sentence of a config's docstring."""
    text = ast.get_docstring(ast.parse((_folder() / f"{name}.py").read_text())) or ""
    return " ".join(text.split("\n\n")[0].split()).rstrip(":")


def find(name: str) -> tuple[Path, str]:
    """The file of a config, and the variant behind the colon ("" if there is none).

    Raises:
        UsageError: there is no such file and no such name.
    """
    whole = Path(name)
    file, _, variant = (name, "", "") if whole.is_file() else name.rpartition(":")
    if not file:
        file, variant = name, ""
    if Path(file).is_file():
        return Path(file), variant
    shipped = _folder() / f"{file}.py"
    if file and "/" not in file and shipped.is_file():
        return shipped, variant
    raise UsageError(
        f"--config={name}: no such file, and no config of this name; there are {', '.join(names())} "
        f"(each may be followed by :VARIANT, see --list){meant(file, names())}"
    )


def load(name: str) -> ConfigDict:
    """Run a config file and return what it gives.

    Args:
        name: of a config that comes with the package, or a path; either may end in ":VARIANT".

    Raises:
        UsageError: it cannot be found or run, or does not return a ConfigDict.
    """
    file, variant = find(name)
    try:
        module = _module(file)
        if not callable(getattr(module, "get_config", None)):
            raise UsageError(f"--config={name}: the file has no function get_config()")
        config = module.get_config(variant) if variant else module.get_config()
    except UsageError:
        raise
    except Exception as error:  # the file is a program
        if variant and isinstance(error, TypeError) and "get_config" in str(error):
            raise UsageError(f"--config={name}: this config has no variants") from error
        raise _unloadable(name, error) from error
    if not isinstance(config, ConfigDict):
        raise UsageError(f"--config={name}: get_config() must return a ConfigDict, got {type(config).__name__}")
    return config


def _unloadable(name: str, error: Exception) -> UsageError:
    kind = type(error).__name__
    reason = (str(error).strip().splitlines() or [""])[-1].removeprefix(f"{kind}: ")
    return UsageError(f"--config={name} cannot be loaded ({kind}: {reason})")


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("jaxcluster_config", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _folder() -> Path:
    return next(folder for folder in _FOLDERS if folder.is_dir())
