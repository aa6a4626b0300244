"""What is read from a workdir is checked before it is used: it may be damaged, or somebody else's."""

import json
import math
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from jaxcluster.files import storage
from jaxcluster.files.storage import WorkdirError

__all__ = ["Rule", "WorkdirError", "check", "finite", "plain_entries", "printable", "read_json", "settings", "whole"]

LARGEST = 2**24  # bytes of a JSON file
DEEPEST = 16  # nested settings
_ALLOWED = "a workdir may hold files and folders only"


class Rule(NamedTuple):
    """What a value must be, as a test and in words."""

    holds: Callable[[Any], bool]
    words: str


def printable(text: str) -> str:
    """The text with what a terminal would obey, or could not show, written as a Python escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def plain_entries(folder: Path, *, itself: bool = False) -> Iterator[Path]:
    """All files below a local folder; there must be nothing else than files and folders.

    A symbolic link could lead outside, a pipe would block its reader. The folder itself may be a link unless `itself`
    is true. In a bucket there are no such things, and nothing is listed.

    Raises:
        WorkdirError: there is a link, a pipe, a device or the like, or a folder that cannot be looked through.
    """
    if storage.is_bucket(folder) or not folder.is_dir():
        return
    if itself and folder.is_symlink():
        raise WorkdirError(f"{folder} is a symbolic link; {_ALLOWED}")
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                yield from plain_entries(Path(entry.path))
            elif stat.S_ISREG(mode):
                yield Path(entry.path)
            else:
                kind = "a symbolic link" if stat.S_ISLNK(mode) else "neither a file nor a folder"
                raise WorkdirError(f"{entry.path} is {kind}; {_ALLOWED}")
    except FileNotFoundError:
        return  # a checkpoint that is being tidied away
    except OSError as error:
        raise WorkdirError(f"{folder} cannot be read: {storage.reason(error)}") from error


def read_json(file: Path, rules: dict[str, Any]) -> Any:
    """Read a JSON file and check it; None if there is none.

    Args:
        file: in a workdir.
        rules: see `check`.

    Raises:
        WorkdirError: it is damaged, or a value is not what it must be.
    """
    if not storage.is_bucket(file) and file.is_file() and file.stat().st_size > LARGEST:
        raise WorkdirError(f"{file} is too large: {file.stat().st_size} bytes, at most {LARGEST} are allowed")
    content = storage.read_bytes(file)
    if content is None:
        return None
    try:
        data = json.loads(content.decode(), parse_constant=_no_constant)
        check(data, rules, "")
    except (ValueError, RecursionError) as error:
        raise WorkdirError(f"{file} is damaged: {error}") from error
    return data


def check(value: Any, rule: Any, name: str) -> None:
    """Check JSON data.

    Args:
        value: the data.
        rule: a `Rule`, or a dict of rules by key for an object; a key that ends with "?" may be absent, and keys that
            are not listed may be there.
        name: dotted, for the message.

    Raises:
        ValueError: names the field, what it is, and what it must be.
    """
    if isinstance(rule, Rule):
        if not rule.holds(value):
            raise ValueError(f"{name} must be {rule.words}, got {_shown(value)}")
        return
    if not isinstance(value, dict):
        raise ValueError(f"{name or 'it'} must be an object, got {_shown(value)}")
    for key, inner in rule.items():
        key, optional = key.removesuffix("?"), key.endswith("?")
        below = f"{name}.{key}" if name else key
        if key in value:
            check(value[key], inner, below)
        elif not optional:
            raise ValueError(f"{below} is missing")


def whole(least: int, most: int = 2**53) -> Rule:
    """A whole number between two bounds; true and false are none."""
    return Rule(lambda x: type(x) is int and least <= x <= most, f"a whole number from {least} to {most}")


def finite(x: Any) -> bool:
    """Whether x is a finite number; true and false are none."""
    return type(x) in (int, float) and abs(x) < math.inf


def settings(x: Any, depth: int = 0) -> bool:
    """Whether x is an object of settings: numbers that are finite, text, lists of these, and objects, not too deep."""

    def plain(value, depth):
        if isinstance(value, dict):
            return settings(value, depth)
        if isinstance(value, list):
            return depth < DEEPEST and all(plain(part, depth + 1) for part in value)
        return value is None or isinstance(value, str | bool) or finite(value)

    return isinstance(x, dict) and depth < DEEPEST and all(plain(value, depth + 1) for value in x.values())


def _shown(value: Any) -> str:
    text = printable(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= 60 else text[:60] + "…"


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")
