"""The folder of a run: its identity, its metrics, its results."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Metrics", "WorkdirError", "claim", "differences", "read_identity", "write_csv", "write_json"]


class WorkdirError(ValueError):
    """A folder that cannot take this run."""


def claim(workdir: Path, identity: dict[str, Any]) -> None:
    """Make the folder this run's own, or check that it is.

    Args:
        workdir: made if absent.
        identity: JSON data that decides the results: the config, and a fingerprint of the data.

    Raises:
        WorkdirError: the folder cannot be written, holds something else, or belongs to a run with another identity;
            the message names the fields that differ.
    """
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        probe = workdir / ".probe"
        probe.write_text("")
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise WorkdirError(f"--workdir {workdir} cannot be written: {error.strerror}") from error
    file = workdir / "config.json"
    if not file.exists():
        # A kill between this check and the rename in `write_json` leaves config.partial and nothing else.
        if any(child.name != "config.partial" for child in workdir.iterdir()):
            raise WorkdirError(
                f"--workdir {workdir} holds files that are not a run of jaxcluster; name an empty folder"
            )
        write_json(file, identity)
        return
    found = differences(read_identity(workdir), json.loads(json.dumps(identity)))
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
    file = workdir / "config.json"
    if not file.exists():
        raise WorkdirError(f"--workdir {workdir} holds no run (there is no config.json in it)")
    try:
        return json.loads(file.read_text())
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
        partial = file.with_suffix(".partial")
        partial.write_text("".join(json.dumps(record) + "\n" for record in self.history))
        partial.replace(file)
        self._file = file.open("a")

    def add(self, record: dict[str, Any]) -> None:
        """Append one record."""
        self.history.append(record)
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def write_json(file: Path, data: Any) -> None:
    """Write JSON in one piece: a reader sees the old file or the new one."""
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(data, indent=2, allow_nan=False) + "\n")
    partial.replace(file)


def write_csv(file: Path, labels: np.ndarray, confidence: np.ndarray, names: tuple[str, ...] | None) -> None:
    """Write clusters.csv: index, cluster, confidence, and the image's file where there is one."""
    with file.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["index", "cluster", "confidence", *(["file"] if names else [])])
        for i, (label, sure) in enumerate(zip(labels.tolist(), confidence.tolist(), strict=True)):
            rows.writerow([i, label, f"{sure:.6f}", *([names[i]] if names else [])])


def _read_lines(file: Path) -> list[dict[str, Any]]:
    records = []
    for line in file.read_text().splitlines() if file.exists() else []:
        try:
            records.append(json.loads(line))
        except ValueError:  # the line that a kill cut short
            break
    return records
