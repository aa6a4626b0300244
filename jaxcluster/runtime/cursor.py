"""Where training stands: phase, epoch, step, and the sums of the epoch's steps so far."""

from typing import Any

import numpy as np

__all__ = ["Cursor"]


class Cursor:
    """Where training stands; JSON beside the state in every checkpoint."""

    def __init__(self, phase: int = 0, seconds: dict[str, float] | None = None):
        self.phase, self.epoch, self.step = phase, 0, 0
        self.sums: dict[str, list[float]] = {}  # of the epoch's steps so far
        self.done = ""  # why the phase is complete before its last epoch
        self.n_clusters: int | None = None  # of a phase that finds it while it begins
        self.seconds: dict[str, float] = {} if seconds is None else seconds

    def reached(self, record: dict[str, Any]) -> bool:
        """Whether a record of metrics.jsonl lies before this point."""
        return (record["phase_index"], record["epoch"]) < (self.phase, self.epoch)

    def add(self, infos: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
        """Add step after step, in the order of the steps: however they were shared among calls, no bit differs."""
        for name, (totals, counts) in infos.items():
            total, count = self.sums.get(name, [0.0, 0.0])
            for more, samples in zip(totals.tolist(), counts.tolist()):
                total, count = total + more, count + samples
            self.sums[name] = [total, count]

    def means(self) -> dict[str, float]:
        """The epoch's figures so far."""
        return {name: total / max(count, 1) for name, (total, count) in self.sums.items()}

    def next_epoch(self) -> None:
        """Go to the beginning of the next epoch."""
        self.epoch, self.step, self.sums = self.epoch + 1, 0, {}
