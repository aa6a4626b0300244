"""Curves for TensorBoard: the figures of each epoch as event files, while a run trains."""

import importlib.util
import math
from pathlib import Path
from typing import Any

from jaxcluster.files import storage
from jaxcluster.workflow.settings import UsageError

__all__ = ["Events"]

PLACE = ("phase", "phase_index", "epoch")


class Events:
    """A callback of `fit` that writes each epoch's record to a folder that TensorBoard reads.

        with Events(Path("runs/mine/tensorboard")) as events:
            fit(config, images, callbacks=[events])

    Each finite figure is a scalar PHASE/FIGURE at its epoch, from 1 on. A run that goes on adds another file; epochs
    that are trained again after a kill are there twice, with the same values.

    Args:
        folder: made at the first record.

    Raises:
        UsageError: the package tensorboardX is not installed, or the folder lies in a bucket.
    """

    def __init__(self, folder: Path):
        if storage.is_bucket(folder):
            raise UsageError(f"--tensorboard writes to a local --workdir, got {folder}")
        if importlib.util.find_spec("tensorboardX") is None:
            raise UsageError("--tensorboard needs tensorboardX; install it with: pip install 'jaxcluster[tensorboard]'")
        self._folder = str(folder)
        self._writer: Any = None

    def __call__(self, record: dict[str, Any]) -> None:
        """Write the figures of one epoch."""
        if self._writer is None:
            from tensorboardX import SummaryWriter

            self._writer = SummaryWriter(self._folder, flush_secs=10)
        for name, value in record.items():
            if name not in PLACE and type(value) in (int, float) and math.isfinite(value):
                self._writer.add_scalar(f"{record['phase']}/{name}", value, record["epoch"] + 1)

    def __enter__(self) -> "Events":
        return self

    def __exit__(self, *error: Any) -> None:
        if self._writer is not None:
            self._writer.close()
