"""Where a run keeps what it must not lose: in a folder, or in memory for a run that nobody asked to keep."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxcluster.files import checkpoint
from jaxcluster.files.workdir import Metrics

__all__ = ["FolderStore", "MemoryStore"]


class FolderStore:
    """Checkpoints, models and metrics of a run in its workdir.

    Args:
        workdir: of this run and no other.
        report: told about a checkpoint that cannot be read or written.
    """

    def __init__(self, workdir: Path, *, report: Callable[[str], None]):
        self._workdir, self._report = workdir, report
        self._checkpoints = checkpoint.Checkpoints(workdir / "checkpoints", report=report)
        self._metrics: Metrics | None = None

    @property
    def history(self) -> list[dict[str, Any]]:
        """The records of all epochs so far."""
        return [] if self._metrics is None else self._metrics.history

    @property
    def kept(self) -> str:
        """Where the last good checkpoint is, for a message."""
        return f"The last good checkpoint is kept in {self._workdir / 'checkpoints'}"

    def restore(self, template: Callable[[dict], Any]) -> tuple[Any, dict] | None:
        """The newest whole (state, cursor), or None; see `files.checkpoint.Checkpoints.restore`."""
        return self._checkpoints.restore(template)

    def begin_metrics(self, keep: Callable[[dict[str, Any]], bool]) -> None:
        """Open metrics.jsonl, dropping the records that lie beyond the checkpoint."""
        file, known = self._workdir / "metrics.jsonl", self._checkpoints.noted
        self._metrics = Metrics(file, keep=keep, known=known, report=self._report)

    def add(self, record: dict[str, Any]) -> None:
        """Append an epoch's record."""
        self._metrics.add(record)

    def save(self, state: Any, cursor: dict[str, Any]) -> None:
        """Write a checkpoint in the background; it never knows of epochs that metrics.jsonl lacks."""
        # Deep copy: the cursor keeps changing while the checkpoint is written.
        self._checkpoints.save(state, copy.deepcopy(cursor), first=self._metrics.flush)

    def finish(self) -> bool:
        """Wait for the last save; whether it is complete."""
        return self._checkpoints.finish()

    def flush(self) -> None:
        """Have all records in the file."""
        self._metrics.flush()

    def save_model(self, name: str, model: dict[str, Any]) -> None:
        """Write what a phase leaves."""
        checkpoint.save_model(self._workdir / "model" / name, model)

    def load_model(self, name: str) -> dict[str, Any]:
        """Read what `save_model` wrote."""
        return checkpoint.load_model(self._workdir / "model" / name, report=self._report)

    def close(self) -> None:
        """Wait for the last save and close the files."""
        self._checkpoints.close()
        if self._metrics is not None:
            self._metrics.close()


class MemoryStore:
    """The same for a run without a workdir: nothing is written, and there is nothing to resume from."""

    kept = ""

    def __init__(self):
        self.history: list[dict[str, Any]] = []
        self._models: dict[str, dict[str, Any]] = {}

    def restore(self, template: Callable[[dict], Any]) -> None:
        """Nothing to go on from."""
        del template

    def begin_metrics(self, keep: Callable[[dict[str, Any]], bool]) -> None:
        """No file to open."""
        del keep

    def add(self, record: dict[str, Any]) -> None:
        """Keep an epoch's record."""
        self.history.append(record)

    def save(self, state: Any, cursor: dict[str, Any]) -> None:
        """Nothing is kept of a state."""
        del state, cursor

    def finish(self) -> bool:
        """Whether the last save is complete: there was none to wait for."""
        return True

    def flush(self) -> None:
        """No file to write to."""

    def save_model(self, name: str, model: dict[str, Any]) -> None:
        """Keep what a phase leaves, on the host: its device buffers are donated to the next step."""
        self._models[name] = jax.tree.map(np.array, model)

    def load_model(self, name: str) -> dict[str, Any]:
        """What `save_model` kept."""
        return self._models[name]

    def close(self) -> None:
        """Nothing to close."""
