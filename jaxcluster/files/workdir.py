"""The folder of a run: its identity, its metrics, its results."""

import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from jaxcluster.files import storage

__all__ = ["Metrics", "WorkdirError", "claim", "differences", "read_identity", "write_csv", "write_json"]


class WorkdirError(ValueError):
    """A folder that cannot take this run."""


def claim(
    workdir: Path, identity: dict[str, Any], *, complete: Callable[[dict[str, Any]], dict[str, Any]] = lambda old: old
) -> None:
    """Make the folder this run's own, or check that it is.

    Args:
        workdir: made if absent.
        identity: JSON data that decides the results: the config, and a fingerprint of the data.
        complete: identity of an earlier run -> the same with the fields that there were not yet when it began.

    Raises:
        WorkdirError: the folder cannot be written, holds something else, or belongs to a run with another identity;
            the message names the fields that differ.
    """
    try:
        storage.check_writable(workdir)
    except storage.StorageError as error:
        raise WorkdirError(f"--workdir {error}") from error
    file = workdir / "config.json"
    if storage.read_text(file) is None:
        # A kill between this check and the rename in `write_json` leaves config.partial and nothing else.
        if not storage.is_empty(workdir, besides="config.partial"):
            raise WorkdirError(
                f"--workdir {workdir} holds files that are not a run of jaxcluster; name an empty folder"
            )
        write_json(file, identity)
        return
    old, new = (json.loads(json.dumps(data)) for data in (complete(read_identity(workdir)), identity))
    found = differences(old, new)
    if found:
        changes = "; ".join(f"{name} was {old!r}, now {new!r}" for name, old, new in found)
        raise WorkdirError(
            f"--workdir {workdir} belongs to a run with other settings: {changes}. "
            "Name another --workdir, or give the settings of that run"
        )


def read_identity(workdir: Path) -> dict[str, Any]:
    """Read what `claim` wrote.

    Raises:
        WorkdirError: there is no run in the folder.
    """
    text = storage.read_text(workdir / "config.json")
    if text is None:
        raise WorkdirError(f"--workdir {workdir} holds no run (there is no config.json in it)")
    try:
        return json.loads(text)
    except ValueError as error:
        raise WorkdirError(f"--workdir {workdir} holds a damaged config.json: {error}") from error


def differences(old: Any, new: Any, name: str = "") -> list[tuple[str, Any, Any]]:
    """Where two pieces of JSON data differ: (dotted name, old value, new value)."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for key in sorted(old.keys() | new.keys()):
            found += differences(old.get(key), new.get(key), f"{name}.{key}" if name else key)
        return found
    same = old == new or (isinstance(old, float) and isinstance(new, float) and math.isclose(old, new, rel_tol=0))
    return [] if same else [(name, old, new)]


class Metrics:
    """metrics.jsonl: one JSON object per epoch.

    Args:
        file: appended to.
        keep: records for which it is false, left from beyond the checkpoint that is resumed, are dropped.
    """

    def __init__(self, file: Path, *, keep):
        self.history = [record for record in _read_lines(file) if keep(record)]
        self._lines = storage.Lines(file, map(json.dumps, self.history))

    def add(self, record: dict[str, Any]) -> None:
        """Append one record."""
        self.history.append(record)
        self._lines.add(json.dumps(record))

    def flush(self) -> None:
        """Have all records in the file: before a checkpoint that knows of them, and at the end.

        Raises:
            StorageError: it cannot be written.
        """
        self._lines.flush()

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


def write_json(file: Path, data: Any) -> None:
    """Write JSON in one piece: a reader sees the old file or the new one."""
    storage.write_text(file, json.dumps(data, indent=2, allow_nan=False) + "\n")


def write_csv(file: Path, labels: np.ndarray, confidence: np.ndarray, names: tuple[str, ...] | None) -> None:
    """Write clusters.csv: index, cluster, confidence, and the image's file where there is one."""
    table = io.StringIO(newline="")
    rows = csv.writer(table)
    rows.writerow(["index", "cluster", "confidence", *(["file"] if names else [])])
    for i, (label, sure) in enumerate(zip(labels.tolist(), confidence.tolist(), strict=True)):
        rows.writerow([i, label, f"{sure:.6f}", *([names[i]] if names else [])])
    storage.write_text(file, table.getvalue())


def _read_lines(file: Path) -> list[dict[str, Any]]:
    records = []
    for line in (storage.read_text(file) or "").splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:  # the line that a kill cut short
            break
    return records
