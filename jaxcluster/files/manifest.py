"""manifest.json: the checksums of a run's files, so that one flipped bit in any of them is found when it is read.

The settings, each model and the results are entered when they have been written. An entry is taken out before its file
is written anew: a kill in between leaves a file without a checksum, never a good file with a wrong one. Checkpoints
have checksums of their own, and metrics.jsonl has one in each checkpoint until the run is complete.
"""

import contextlib
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from jaxcluster.files import reading, storage
from jaxcluster.files.reading import Rule, WorkdirError

__all__ = ["FILE", "adding", "damages", "drop", "enter", "sealing", "verify"]

FILE = "manifest.json"


def enter(root: Path, files: Iterable[Path]) -> None:
    """Enter the checksums of files below `root`, as they are now; one that is not there is left out.

    Raises:
        StorageError: one cannot be read, or the manifest not be written.
        WorkdirError: the manifest is damaged.
    """
    entries = _read(root)
    for file in files:
        content = storage.read_bytes(file)
        if content is not None:
            entries[_name(root, file)] = zlib.crc32(content)
    _write(root, entries)


def drop(root: Path, prefix: str) -> None:
    """Take out the entries whose names begin with `prefix`, before their files are written anew."""
    entries = _read(root)
    kept = {name: value for name, value in entries.items() if not name.startswith(prefix)}
    if len(kept) < len(entries):
        _write(root, kept)


@contextlib.contextmanager
def sealing(root: Path) -> Iterator[None]:
    """Enter the results that `storage` writes inside the block, when it ends well, in place of earlier ones."""
    entries = _read(root)
    kept = {name: value for name, value in entries.items() if name == "config.json" or name.startswith("model/")}
    if len(kept) < len(entries):
        _write(root, kept)
    with adding(root):
        yield
    enter(root, [root / "metrics.jsonl"])


@contextlib.contextmanager
def adding(root: Path) -> Iterator[None]:
    """Enter the files that `storage` writes inside the block, when it ends well, beside those that are entered."""
    with storage.noting() as written:
        yield
    enter(root, dict.fromkeys(file for file in written if file.name != FILE))


def damages(root: Path, prefix: str = "") -> list[str]:
    """What is wrong with the files that are entered and whose names begin with `prefix`: one sentence each.

    Raises:
        WorkdirError: the manifest is damaged.
    """
    found = []
    for name, expected in _read(root).items():
        if name.startswith(prefix):
            content = storage.read_bytes(root / name)
            if content is None:
                found.append(f"{root / name} is missing")
            elif zlib.crc32(content) != expected:
                found.append(f"{root / name} is damaged: its checksum does not match its contents")
    return found


def verify(root: Path, prefix: str) -> bool:
    """Check the files whose names begin with `prefix`; whether any is entered (runs of older versions have none).

    Raises:
        WorkdirError: one of them, or the manifest, is damaged.
    """
    found = damages(root, prefix)
    if found:
        raise WorkdirError(found[0])
    return any(name.startswith(prefix) for name in _read(root))


def _read(root: Path) -> dict[str, int]:
    rules = {"crc32": Rule(_are_entries, "an object of checksums by file"), "checksum": reading.whole(0)}
    try:
        data = reading.read_json(root / FILE, rules)
        if data is None:
            return {}
        if data.keys() != {"crc32", "checksum"} or _checksum(data["crc32"]) != data["checksum"]:
            raise WorkdirError(f"{root / FILE} is damaged: its checksum does not match its contents")
    except WorkdirError as error:
        raise WorkdirError(
            f"{error}; no file of this run can be verified. Remove it to read them unverified"
        ) from error
    return data["crc32"]


def _write(root: Path, entries: dict[str, int]) -> None:
    entries = dict(sorted(entries.items()))
    data = {"crc32": entries, "checksum": _checksum(entries)}
    storage.write_text(root / FILE, json.dumps(data, indent=1) + "\n")


def _checksum(entries: dict[str, int]) -> int:
    return zlib.crc32(json.dumps(entries, sort_keys=True).encode())


def _are_entries(value: object) -> bool:
    return isinstance(value, dict) and all(_stays_inside(name) and type(crc) is int for name, crc in value.items())


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return str(path) == name and not path.is_absolute() and "\\" not in name and ".." not in path.parts


def _name(root: Path, file: Path) -> str:
    return str(file).removeprefix(str(root)).replace("\\", "/").lstrip("/")
