"""Checkpoints and models on disk; the only file that knows orbax.

A checkpoint is the training state and the cursor that says where training stood. Both are written beside the older
ones and renamed when complete, so that a kill leaves the last good one; a checksum finds what a disk spoilt later.
"""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

__all__ = ["Checkpoints", "checksum", "load_model", "save_model"]


class Checkpoints:
    """The last few checkpoints of a run.

    Args:
        folder: where they are, made if absent.
        report: told about a checkpoint that cannot be read.
        keep: how many are kept.
    """

    def __init__(self, folder: Path, *, report: Callable[[str], None], keep: int = 3):
        folder.mkdir(parents=True, exist_ok=True)
        options = ocp.CheckpointManagerOptions(max_to_keep=keep, create=False, multiprocessing_options=_alone())
        self._folder = folder
        self._manager = ocp.CheckpointManager(folder.absolute(), options=options)
        self._report = report

    def save(self, state: Any, cursor: dict) -> None:
        """Write a checkpoint in the background; waits for the one before it.

        The state is copied to the host first: its device buffers are donated to the next training step.
        """
        self._manager.wait_until_finished()
        state = jax.tree.map(lambda leaf: np.array(leaf), state)
        serial = max(self._manager.all_steps(), default=-1) + 1
        about = {"cursor": cursor, "checksum": checksum(state)}
        self._manager.save(
            serial,
            args=ocp.args.Composite(state=ocp.args.StandardSave(state), about=ocp.args.JsonSave(about)),
        )

    def restore(self, template: Callable[[dict], Any]) -> tuple[Any, dict] | None:
        """Read the newest checkpoint that is whole.

        Args:
            template: cursor -> the state as a tree of shapes and dtypes.

        Returns:
            (state, cursor), or None if there is no readable checkpoint.
        """
        for serial in sorted(self._manager.all_steps(), reverse=True):
            try:
                return self._read(serial, template)
            except Exception as error:  # whatever a damaged file makes a reader raise
                reason = (str(error) or type(error).__name__).splitlines()[0]
                self._report(f"checkpoint {self._folder / str(serial)} cannot be read ({reason}); trying an older one")
        return None

    def close(self) -> None:
        """Wait for the last save to be complete."""
        self._manager.wait_until_finished()
        self._manager.close()

    def _read(self, serial: int, template: Callable[[dict], Any]) -> tuple[Any, dict]:
        about = self._manager.restore(serial, args=ocp.args.Composite(about=ocp.args.JsonRestore()))["about"]
        tree = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), template(about["cursor"]))
        restored = self._manager.restore(serial, args=ocp.args.Composite(state=ocp.args.StandardRestore(tree)))
        if checksum(restored["state"]) != about["checksum"]:
            raise ValueError("its checksum does not match its contents")
        return restored["state"], about["cursor"]


def save_model(folder: Path, model: dict) -> None:
    """Write a model, a nested dict of arrays, complete or not at all; one that is there is removed first.

    A kill in between leaves no model; the run, gone on with from its checkpoints, writes it again.
    """
    with ocp.StandardCheckpointer(multiprocessing_options=_alone()) as checkpointer:
        checkpointer.save(folder.absolute(), jax.tree.map(np.array, model), force=True)


def load_model(folder: Path) -> dict:
    """Read a model that `save_model` wrote.

    Raises:
        FileNotFoundError: there is none.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no model at {folder}")
    with ocp.StandardCheckpointer(multiprocessing_options=_alone()) as checkpointer:
        return checkpointer.restore(folder.absolute())


def _alone() -> ocp.options.MultiprocessingOptions:
    """The process that writes does so without waiting for others, which do not know when it does."""
    if jax.process_count() == 1:
        return ocp.options.MultiprocessingOptions()
    me = jax.process_index()
    return ocp.options.MultiprocessingOptions(
        primary_host=me, active_processes={me}, barrier_sync_key_prefix=f"process{me}"
    )


def checksum(tree: Any) -> int:
    """CRC-32 of all arrays of a tree."""
    total = 0
    for leaf in jax.tree.leaves(tree):
        total = zlib.crc32(np.ascontiguousarray(leaf).data, total)
    return total
