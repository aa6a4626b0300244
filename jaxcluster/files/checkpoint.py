"""Checkpoints and models on disk; the only file that knows orbax.

A checkpoint is the training state and the cursor that says where training stood. Both are written beside the older
ones and renamed when complete (in a bucket: marked as complete by one last object), so that a kill or a full disk
leaves the last good one; a checksum over both finds what a disk spoilt later. The files of a model are entered in the
manifest of their workdir.
"""

import contextlib
import json
import logging
import math
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from jaxcluster.files import manifest, reading, storage
from jaxcluster.files.lock import Anchor

__all__ = ["Checkpoints", "checksum", "load_model", "save_model"]

UNPACKED = 1000  # at most so many numbers are packed in a byte of a model's files, which hold zeros at best


class Checkpoints:
    """The last few checkpoints of a run.

    Args:
        folder: where they are, in the workdir; made if absent.
        report: told about a checkpoint that cannot be read or written.
        keep: how many are kept.

    Raises:
        StorageError: the folder cannot be made or looked through.
    """

    def __init__(self, folder: Path, *, report: Callable[[str], None], keep: int = 3):
        self._folder, self._keep, self._report = storage.absolute(folder), keep, report
        _hush_closed_loops()
        self._manager: ocp.CheckpointManager | None = None  # after a save that failed there is none until the next
        self._written = True
        self.noted: Any = None
        """What `first` had returned when the checkpoint that was restored was written."""
        self._open()
        self._anchor = Anchor(self._folder.parent)

    def save(self, state: Any, cursor: dict, *, first: Callable[[], Any] = lambda: None) -> None:
        """Write a checkpoint in the background; waits for the one before it.

        The state is copied to the host first: its device buffers are donated to the next training step. What cannot be
        written is told, and the older checkpoints are kept.

        Args:
            state: a tree of arrays.
            cursor: JSON data.
            first: writes what the checkpoint relies on, and returns JSON data to be kept with it; where it raises
                OSError the checkpoint is not written.

        Raises:
            FolderGoneError: the workdir was removed, renamed or replaced.
        """
        self._anchor.check()
        self.finish()
        state = jax.tree.map(lambda leaf: np.array(leaf), state)
        try:
            if self._manager is None:
                self._open()
            about = {"cursor": cursor, "noted": first()}
            about["seal"] = _seal(about, state)
            args = ocp.args.Composite(state=ocp.args.StandardSave(state), about=ocp.args.JsonSave(about))
            serial = max(self._manager.all_steps(), default=-1) + 1
            self._manager.save(serial, args=args)
            self._written = True
        except Exception as error:  # the system's, or whatever orbax and TensorStore make of it
            self._give_up(error)

    def finish(self) -> bool:
        """Wait for the last save; whether it is complete."""
        try:
            if self._manager is not None:
                self._manager.wait_until_finished()
        except Exception as error:
            self._give_up(error)
        return self._written

    def restore(self, template: Callable[[dict], Any]) -> tuple[Any, dict] | None:
        """Read the newest checkpoint that is whole.

        Args:
            template: cursor -> the state as a tree of shapes and dtypes.

        Returns:
            (state, cursor), or None if there is no checkpoint.

        Raises:
            StorageError: there are some, and none can be read; a new beginning would drop all that they stand for.
        """
        serials = sorted(self._manager.all_steps(), reverse=True)
        for serial in serials:
            try:
                return self._read(serial, template)
            except Exception as error:  # whatever a damaged file makes a reader raise
                reason = (str(error) or type(error).__name__).splitlines()[0]
                self._report(f"checkpoint {self._folder / str(serial)} cannot be read ({reason})")
        if serials:
            raise storage.StorageError(
                f"none of the checkpoints in {self._folder} can be read; remove this folder to train anew, "
                "or start with the environment that they were written in"
            )
        return None

    def close(self) -> None:
        """Wait for the last save."""
        self._anchor.close()
        self.finish()
        if self._manager is not None:
            self._manager.close()

    def _open(self) -> None:
        options = ocp.CheckpointManagerOptions(max_to_keep=self._keep, create=False, multiprocessing_options=_alone())
        try:
            storage.make_folder(self._folder)
            self._manager = ocp.CheckpointManager(self._folder, options=options)
        except Exception as error:
            raise storage.StorageError(f"{self._folder} cannot be read: {storage.reason(error)}") from error

    def _give_up(self, error: Exception) -> None:
        """Tell that a save has failed; the next begins anew with what is there: orbax has lost count of it."""
        self._report(
            f"a checkpoint could not be written ({storage.reason(error)}); the last good one is kept, "
            "and the next is tried at the usual time"
        )
        with contextlib.suppress(Exception):  # the same error once more
            if self._manager is not None:
                self._manager.close()
        self._manager, self._written = None, False

    def _read(self, serial: int, template: Callable[[dict], Any]) -> tuple[Any, dict]:
        about = self._manager.restore(serial, args=ocp.args.Composite(about=ocp.args.JsonRestore()))["about"]
        older = about.keys() == {"cursor", "checksum"}  # as it was before the cursor had a checksum
        if not older and about.keys() != {"cursor", "noted", "seal"}:
            raise ValueError("what it says about itself is damaged")
        tree = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), template(about["cursor"]))
        restored = self._manager.restore(serial, args=ocp.args.Composite(state=ocp.args.StandardRestore(tree)))
        state = restored["state"]
        whole = checksum(state) == about["checksum"] if older else _seal(about, state) == about["seal"]
        if not whole:
            raise ValueError("its checksum does not match its contents")
        if older:
            self._report(f"checkpoint {self._folder / str(serial)} is of an older version: its position is unverified")
        self.noted = about.get("noted")
        return state, about["cursor"]


def save_model(folder: Path, model: dict) -> None:
    """Write a model, a nested dict of arrays, complete or not at all; one that is there is removed first.

    A kill in between leaves no model; the run, gone on with from its checkpoints, writes it again.

    Args:
        folder: WORKDIR/model/NAME.
        model: a nested dict of arrays.

    Raises:
        StorageError: it cannot be written.
    """
    _hush_closed_loops()
    root, name = _root_and_name(folder)
    try:
        manifest.drop(root, name)
        with ocp.StandardCheckpointer(multiprocessing_options=_alone()) as checkpointer:
            checkpointer.save(storage.absolute(folder), jax.tree.map(np.array, model), force=True)
        manifest.enter(root, storage.files_below(folder))
    except storage.WorkdirError:
        raise
    except Exception as error:  # the system's, or whatever orbax and TensorStore make of it
        raise storage.StorageError(
            f"the model {folder} cannot be written: {storage.reason(error)}; "
            "the same command goes on from the last good checkpoint once it can"
        ) from error


def load_model(folder: Path, *, expected: Any = None, report: Callable[[str], None] = lambda sentence: None) -> dict:
    """Read a model that `save_model` wrote.

    Args:
        folder: WORKDIR/model/NAME; nothing of it is used unless all of it is as it was written.
        expected: the model as a tree of shapes and dtypes: one of another is refused before it is read.
        report: told if nothing is known of the files, which an older version wrote.

    Raises:
        FileNotFoundError: there is none.
        WorkdirError: it is damaged, not what was expected, larger than such files can be, or holds a link.
    """
    if not storage.is_folder(folder):
        raise FileNotFoundError(f"no model at {folder}")
    root, name = _root_and_name(folder)
    size = sum(file.stat().st_size for file in reading.plain_entries(folder.parent, itself=True))
    if not manifest.verify(root, name):
        report(f"{folder} has no checksums, as in runs of older versions: it is read unverified")
    with ocp.StandardCheckpointer(multiprocessing_options=_alone()) as checkpointer:
        try:
            stored = checkpointer.metadata(storage.absolute(folder)).item_metadata.tree
            _check_shapes(folder, stored, expected, None if storage.is_bucket(folder) else size)
            return checkpointer.restore(storage.absolute(folder))
        except storage.WorkdirError:
            raise
        except Exception as error:  # whatever a damaged file makes a reader raise
            raise storage.WorkdirError(f"the model in {folder} cannot be read: {storage.reason(error)}") from error


def _check_shapes(folder: Path, stored: Any, expected: Any, size: int | None) -> None:
    """Refuse a model that is not what was expected, or that says it is far larger than its files."""
    found = _shapes(stored)
    if expected is not None:
        wanted = _shapes(expected)
        for name in sorted(wanted.keys() | found.keys()):
            if wanted.get(name) != found.get(name):
                raise storage.WorkdirError(
                    f"the model in {folder} does not fit: {name} has shape {found.get(name, 'none')}, "
                    f"expected {wanted.get(name, 'none')}"
                )
    cells = sum(math.prod(shape) for shape in found.values())
    if size is not None and cells > UNPACKED * (size + 2**20):
        raise storage.WorkdirError(f"the model in {folder} has {cells} numbers in files of {size} bytes: it is damaged")


def _shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="."): tuple(leaf.shape) for path, leaf in leaves}


def _root_and_name(folder: Path) -> tuple[Path, str]:
    """The workdir of a model, and what the names of its files begin with in the manifest."""
    return folder.parent.parent, f"{folder.parent.name}/{folder.name}/"


def _hush_closed_loops() -> None:
    """Keep tracebacks of two kinds from the screen.

    Where several arrays of a tree cannot be written, orbax raises the first error and closes its event loop; then
    TensorStore, which calls back for each other one, finds the loop closed and prints so, and asyncio logs the errors
    that nobody asked for.
    """
    logging.getLogger("asyncio").addFilter(_is_news)
    if sys.unraisablehook is not _print_but_closed_loops:
        _print_but_closed_loops.before = sys.unraisablehook
        sys.unraisablehook = _print_but_closed_loops


def _is_news(record: logging.LogRecord) -> bool:
    return "exception was never retrieved" not in record.getMessage()


def _print_but_closed_loops(unraisable) -> None:
    if str(unraisable.exc_value) != "Event loop is closed":
        _print_but_closed_loops.before(unraisable)


def _alone() -> ocp.options.MultiprocessingOptions:
    """The process that writes does so without waiting for others, which do not know when it does."""
    if jax.process_count() == 1:
        return ocp.options.MultiprocessingOptions()
    me = jax.process_index()
    return ocp.options.MultiprocessingOptions(
        primary_host=me, active_processes={me}, barrier_sync_key_prefix=f"process{me}"
    )


def _seal(about: dict[str, Any], state: Any) -> int:
    """CRC-32 of a checkpoint: of the arrays, of their names, shapes and types, and of what is said about them."""
    said = json.loads(json.dumps({name: about[name] for name in ("cursor", "noted")}))
    leaves = [
        (jax.tree_util.keystr(path), str(leaf.dtype), list(leaf.shape))
        for path, leaf in jax.tree_util.tree_leaves_with_path(state)
    ]
    return zlib.crc32(json.dumps([said, leaves, checksum(state)], sort_keys=True).encode())


def checksum(tree: Any) -> int:
    """CRC-32 of all arrays of a tree."""
    total = 0
    for leaf in jax.tree.leaves(tree):
        total = zlib.crc32(np.ascontiguousarray(leaf).data, total)
    return total
