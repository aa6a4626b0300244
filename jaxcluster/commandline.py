"""The command line's words: flags and config fields, and one clear sentence for what is wrong with them."""

import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import ConfigDict

__all__ = ["UsageError", "check_fields", "one_line", "parse", "stop"]


class UsageError(ValueError):
    """A command line that asks for nothing that can be done."""


def parse(argv: list[str]) -> list[str]:
    """Parse the flags; absl and ml_collections raise many things, and often say little of them."""
    config = None
    try:
        config = _read_config(argv)
        return flags.FLAGS(argv)
    except UsageError as error:
        stop(error, 2)
    except (flags.Error, AttributeError, KeyError, TypeError, ValueError) as error:
        wrong = re.match(r"flag --config\.([\w.]+)=(.*?): ", str(error), re.DOTALL)
        if config is not None and wrong:
            error = UsageError(f"config.{wrong[1]} must be {_kind(_at(config, wrong[1]))}, got {wrong[2]!r}")
        stop(error, 2)


def _read_config(argv: list[str]) -> ConfigDict | None:
    """Read the config file before its overrides, so that an error says which of the two is wrong."""
    overrides = [found[1] for found in (re.match(r"--?(?:no)?config\.([\w.]+)", word) for word in argv) if found]
    named = [i for i, word in enumerate(argv) if re.match(r"--?config(=|$)", word)]
    if not named:
        if overrides:
            raise UsageError(f"config.{overrides[0]} is set, but --config, which names the config file, is missing")
        return None
    word = argv[named[-1]]
    file = word.split("=", 1)[1] if "=" in word else "".join(argv[named[-1] + 1 : named[-1] + 2])
    if not Path(file.split(":")[0]).is_file():
        raise UsageError(f"--config={file}: no such file; expected a config such as configs/aspc_digits.py")
    try:
        config = flags.FLAGS["config"].parser.parse(file)
    except Exception as error:  # the file is a program
        kind = type(error).__name__
        reason = (str(error).strip().splitlines() or [""])[-1].removeprefix(f"{kind}: ")
        raise UsageError(f"--config={file} cannot be loaded ({kind}: {reason})") from error
    if not isinstance(config, ConfigDict):
        raise UsageError(f"--config={file}: get_config() must return a ConfigDict, got {type(config).__name__}")
    for name in overrides:
        _at(config, name)
    return config


def _at(config: ConfigDict, name: str) -> Any:
    """Find a field by its dotted name, or say which fields there are."""
    value, path = config, "config"
    for part in name.split("."):
        if not isinstance(value, ConfigDict):
            raise UsageError(f"config.{name} is no field; {path} is {_kind(value)}")
        if part not in value:
            raise UsageError(f"{path}.{part} is no field; {path} has {', '.join(sorted(value))}")
        value, path = value[part], f"{path}.{part}"
    return value


def _kind(value: Any) -> str:
    if isinstance(value, ConfigDict):
        return f"a group of fields ({', '.join(sorted(value))})"
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return kinds.get(type(value), "a tuple, for example '(500, 500, 2000)'")


def check_fields(config: ConfigDict, defaults: ConfigDict) -> None:
    """Refuse a config with fields that mean nothing, or without some that are needed, or of another type."""
    for name, _ in _leaves(config):
        _at(defaults, name)
    given = dict(_leaves(config))
    for name, default in _leaves(defaults):
        if name not in given:
            raise UsageError(f"config.{name} is missing; start from the algorithm's get_config(), which sets it")
        value = given[name]
        whole = isinstance(default, float) and type(value) is int
        listed = isinstance(default, tuple) and isinstance(value, list)
        if type(value) is not type(default) and not whole and not listed:
            raise UsageError(f"config.{name} must be {_kind(default)}, got {value!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"config.{name} must be finite, got {value}")


def _leaves(config: ConfigDict, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        if isinstance(value, ConfigDict):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def stop(error: Exception, exit_code: int) -> None:
    """Print an error as one sentence and leave."""
    print(f"error: {one_line(error)}", file=sys.stderr)
    sys.exit(exit_code)


def one_line(error: Exception) -> str:
    """What an error says, without line breaks."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return " ".join(text.split())
