"""metrics.jsonl: the records of a run's epochs, and what a checkpoint knows of them."""

import json
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxcluster.files import reading, storage
from jaxcluster.files.lines import Lines

__all__ = ["Metrics", "read_records"]

_RULES = {
    "phase": reading.Rule(lambda x: isinstance(x, str), "text"),
    "phase_index": reading.whole(0),
    "epoch": reading.whole(0),
}


class Metrics:
    """metrics.jsonl: one JSON object per epoch.

    Args:
        file: appended to.
        keep: records for which it is false, left from beyond the checkpoint that is resumed, are dropped; asked only
            where the checkpoint does not know how many there were.
        known: what `flush` returned before that checkpoint.
        report: told if the file is not what the checkpoint knows; a copy of it is kept.
    """

    def __init__(
        self,
        file: Path,
        *,
        keep: Callable[[dict[str, Any]], bool],
        known: dict[str, int] | None = None,
        report: Callable[[str], None] = lambda sentence: None,
    ):
        text = storage.read_bytes(file) or b""
        lines = text.split(b"\n")[:-1]  # what follows the last line end is a line that a kill cut short
        damage = ""
        if known is not None:
            damage = _damage(lines, known)
            lines = lines[: known["records"]]
        records = [_record(line) for line in lines]
        if known is None:
            damage = f"line {records.index(None) + 1} cannot be read" if None in records else ""
            records = [record for record in records if record is not None and keep(record)]
        if damage:
            copy = file.with_name("metrics.damaged.jsonl")
            with storage.new_file(copy) as stream:
                stream.write(text)
            records = _alike(records)
            report(
                f"{file} is damaged: {damage}; training goes on as it would have, {len(records)} records are kept, "
                f"and the damaged file is kept as {copy.name}"
            )
        self.history = records
        lines = [json.dumps(record) for record in records]
        self._checksum = _checksum(lines)
        self._lines = Lines(file, lines)

    def add(self, record: dict[str, Any]) -> None:
        """Append one record."""
        self.history.append(record)
        line = json.dumps(record)
        self._checksum = _checksum([line], self._checksum)
        self._lines.add(line)

    def flush(self) -> dict[str, int]:
        """Have all records in the file: before a checkpoint that knows of them, and at the end.

        Returns:
            Their number and checksum.

        Raises:
            StorageError: it cannot be written.
        """
        self._lines.flush()
        return {"records": len(self.history), "checksum": self._checksum}

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


def read_records(file: Path) -> list[dict[str, Any]]:
    """The records of a complete run.

    Raises:
        WorkdirError: a line of the file is none.
    """
    records = [_record(line) for line in (storage.read_bytes(file) or b"").splitlines()]
    if None in records:
        raise storage.WorkdirError(f"{file} is damaged: line {records.index(None) + 1} cannot be read")
    return records


def _damage(lines: list[bytes], known: dict[str, int]) -> str:
    """How the lines differ from what a checkpoint knows of them; empty if they do not."""
    count = known["records"]
    if len(lines) < count:
        return f"it has {len(lines)} of {count} records"
    for number, line in enumerate(lines[:count], 1):
        if _record(line) is None:
            return f"line {number} cannot be read"
    same = _checksum([line.decode() for line in lines[:count]]) == known["checksum"]
    return "" if same else f"the checksum of its first {count} records does not match"


def _record(line: bytes) -> dict[str, Any] | None:
    """The record of a line; None if it is none."""
    try:
        record = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    try:
        reading.check(record, _RULES, "")
    except ValueError:
        return None
    return record


def _alike(records: list[dict[str, Any] | None]) -> list[dict[str, Any]]:
    """Of a damaged file the records that can be read, each with the names that most of its phase have."""
    records = [record for record in records if record is not None]
    names = Counter((record["phase_index"], record["phase"], *sorted(record)) for record in records)
    usual: dict[int, tuple] = {}
    for (phase_index, *rest), _ in names.most_common():
        usual.setdefault(phase_index, tuple(rest))
    return [record for record in records if (record["phase"], *sorted(record)) == usual[record["phase_index"]]]


def _checksum(lines: list[str], before: int = 0) -> int:
    for line in lines:
        before = zlib.crc32(line.encode() + b"\n", before)
    return before
