"""The door to where a run's files lie, a local folder or a bucket; besides orbax the only code that knows which.

A local file is written beside the old one, under a name that nobody can foresee, and renamed. An object in a bucket
needs no such thing: it appears when its upload is complete. But it can neither be renamed nor grown, and there are no
folders in a bucket, only names with slashes.
"""

import contextlib
import contextvars
import importlib.util
import io
import logging
import math
import os
import re
import secrets
import shutil
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

__all__ = [
    "NO_LINK",
    "FolderGoneError",
    "StorageError",
    "WorkdirError",
    "absolute",
    "check_writable",
    "exists",
    "files_below",
    "filled_folder",
    "is_bucket",
    "is_empty",
    "is_folder",
    "is_partial",
    "make_folder",
    "new_file",
    "new_folder",
    "noting",
    "place",
    "read_array",
    "read_bytes",
    "read_text",
    "reason",
    "told",
    "write_array",
    "write_text",
]

_PARTIAL = re.compile(r"\.[0-9a-f]{16}\.partial")
NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # for os.open; Windows has no such flag
_notes: contextvars.ContextVar[tuple[list[Path], ...]] = contextvars.ContextVar("notes", default=())


class StorageError(OSError):
    """Something could not be written or read; one sentence says what, and why."""


class WorkdirError(ValueError):
    """A folder that cannot take this run, or whose run cannot be read."""


class FolderGoneError(StorageError):
    """The folder of a run was removed, renamed or replaced while the run was at work."""


def place(name: str) -> Path:
    """Take the name of a folder for a path.

    Args:
        name: of a local folder, where a ~ at the beginning is the home and ~NAME somebody's, or gs://BUCKET/FOLDER.

    Returns:
        A `pathlib.Path`, or an `etils.epath.Path`, which has the same methods; of the two only a bucket's holds "://".

    Raises:
        ValueError: another scheme, no bucket, a home that is not known, or the package for buckets is not installed.
    """
    scheme, mark, rest = name.partition("://")
    if not mark:
        path = os.path.expanduser(name)  # a shell leaves the ~ of --workdir=~/runs as it is
        if path.startswith("~"):
            raise ValueError(f"the home folder {name.partition('/')[0]} is not known; write ./{name} for a folder here")
        return Path(path)
    if scheme != "gs":
        raise ValueError(f"{scheme}:// cannot be written to; name a local folder or gs://BUCKET/FOLDER")
    if not rest.partition("/")[0]:
        raise ValueError("no bucket is named; expected gs://BUCKET/FOLDER")
    if importlib.util.find_spec("gcsfs") is None:
        raise ValueError("gs:// needs the package gcsfs; install it with: pip install 'etils[epath-gcs]'")
    # With TensorFlow installed epath would go through it instead: one way for all, the one that is tested.
    os.environ.setdefault("EPATH_USE_TF", "false")
    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # it logs a traceback of what it raises all the same
    logging.getLogger("google.auth").setLevel(logging.CRITICAL)
    from etils import epath

    return epath.Path(name)


def is_bucket(path: Path) -> bool:
    """Whether a path that `place` made, or one below it, lies in a bucket."""
    return "://" in str(path)  # a pathlib.Path folds two slashes into one


def absolute(path: Path) -> Path:
    """The same path from the root; one in a bucket is so already."""
    return path if is_bucket(path) else path.absolute()


def reason(error: BaseException) -> str:
    """Why something failed, in a few words: the system's own, or the start of what a library says."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).strip().splitlines()
    said = lines[0] if lines else type(error).__name__
    inner = re.search(r"([^:\[\]]+) \[os_error_code=|([^:\[\]]+) \[tensorstore_spec=", said)  # TensorStore's messages
    return (inner[1] or inner[2]).strip() if inner else said if len(said) <= 200 else said[:200] + "…"


def check_writable(folder: Path) -> None:
    """Make a folder if it is absent and write something in it.

    Raises:
        StorageError: it cannot be made or written.
    """
    with told(folder, "written"):
        make_folder(folder)
        if is_bucket(folder):
            probe = folder / _partial_name().replace(".partial", ".probe")
            probe.write_text("")
        else:
            probe, stream = _create_partial(folder)
            stream.close()
        probe.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder, with those above it, unless it is there; in a bucket there is nothing to make."""
    if not is_bucket(folder):  # epath would make the bucket, should its name be mistyped
        folder.mkdir(parents=True, exist_ok=True)


def new_folder(parent: Path, name: str) -> Path:
    """Make parent/name, or name-2, name-3, ...: nothing is overwritten, unless two runs in a bucket choose at once."""
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}-{number}")
        if is_bucket(folder):
            if not is_folder(folder):
                return folder
        else:
            with contextlib.suppress(FileExistsError):
                folder.mkdir(parents=True)
                return folder
        number += 1


class Filled:
    """A folder that `filled_folder` has made; its path changes when it is complete."""

    def __init__(self, folder: Path):
        self.folder = folder


@contextlib.contextmanager
def filled_folder(parent: Path, name: str) -> Iterator["Filled"]:
    """A folder to fill, which gets the name parent/name, or name-2, ..., when the block ends well.

    Until then it is called name.SOMETHING.partial, and so it stays if the process is killed; what fails otherwise is
    taken away again. In a bucket, where folders are no more than names, it has its name from the beginning.
    """
    if is_bucket(parent):
        yield Filled(new_folder(parent, name))
        return
    with told(parent, "written"):
        parent.mkdir(parents=True, exist_ok=True)
        partial = parent / f"{name}{_partial_name()}"
        partial.mkdir()
    try:
        filled = Filled(partial)
        yield filled
    except BaseException:  # Ctrl-C too
        shutil.rmtree(partial, ignore_errors=True)
        raise
    with told(parent, "written"):
        filled.folder = new_folder(parent, name)
        filled.folder.rmdir()
        partial.rename(filled.folder)


def is_folder(path: Path) -> bool:
    """Whether there is a folder; in a bucket, whether anything lies below this name."""
    with told(path, "read"):
        return path.is_dir()


def is_empty(folder: Path, *, besides: Callable[[str], bool] = lambda name: False) -> bool:
    """Whether nothing lies in a folder, or in a bucket below this name, but names for which `besides` is true."""
    with told(folder, "read"):
        try:
            # In a bucket some mark a folder by an object of its name.
            children = [child for child in folder.iterdir() if str(child).rstrip("/") != str(folder)]
            return all(besides(child.name) for child in children)
        except FileNotFoundError:
            return True


def files_below(folder: Path) -> list[Path]:
    """All files below a folder, or all objects in a bucket below this name."""
    with told(folder, "read"):
        if not is_bucket(folder):
            return sorted(path for path in folder.rglob("*") if path.is_file())
        import fsspec

        system = fsspec.filesystem("gcs", finalize_on_close=True)  # the one that etils keeps, too
        system.invalidate_cache()  # orbax writes past it, through TensorStore
        top = str(folder).removeprefix("gs://")
        return [folder / name.removeprefix(top).lstrip("/") for name in sorted(system.find(top))]


def read_text(file: Path) -> str | None:
    """Read a text file; None if there is none."""
    with told(file, "read"):
        return file.read_text() if file.exists() else None


def read_bytes(file: Path) -> bytes | None:
    """Read a file; None if there is none."""
    with told(file, "read"):
        return file.read_bytes() if file.exists() else None


def is_partial(name: str) -> bool:
    """Whether `new_file` gave a file this name while it was being written; a kill may leave one behind."""
    return _PARTIAL.fullmatch(name) is not None


@contextlib.contextmanager
def noting() -> Iterator[list[Path]]:
    """List the files that `new_file` completes inside the block."""
    written: list[Path] = []
    token = _notes.set((*_notes.get(), written))
    try:
        yield written
    finally:
        _notes.reset(token)


@contextlib.contextmanager
def new_file(file: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that appears, in the place of an older one, when the block ends well.

    Raises:
        StorageError: it cannot be written; the older one is still there.
    """
    if is_bucket(file):
        content = io.BytesIO()
        yield content
        with told(file, "written"):
            file.write_bytes(content.getvalue())
    else:
        partial = None
        try:
            partial, stream = _create_partial(file.parent)
            with stream:
                yield stream
            partial.replace(file)
        except BaseException as error:
            if partial is not None:
                with contextlib.suppress(OSError):
                    partial.unlink()  # on a full disk its room is needed
            if isinstance(error, OSError):
                raise StorageError(f"{file} cannot be written: {reason(error)}") from error
            raise
    for written in _notes.get():
        written.append(file)


def write_text(file: Path, text: str) -> None:
    """Write a text file in one piece: a reader sees the old file or the new one.

    Names of files in it, as Python gives them, are written with their own bytes, whether or not these are UTF-8.
    """
    with new_file(file) as stream:
        stream.write(text.encode(errors="surrogateescape"))


def write_array(file: Path, array: np.ndarray) -> None:
    """Write an .npy file in one piece."""
    with new_file(file) as stream:
        np.save(stream, array)


def exists(file: Path) -> bool:
    """Whether there is a file."""
    with told(file, "read"):
        return file.exists()


def read_array(file: Path) -> np.ndarray:
    """Read an array of numbers that `write_array` wrote.

    Raises:
        StorageError: there is none, or it is no such file: nothing is allocated that the file does not hold.
    """
    with told(file, "read"):
        content = file.read_bytes()
        stream = io.BytesIO(content)
        version = np.lib.format.read_magic(stream)
        read_header = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}[version[0]]
        shape, _, dtype = read_header(stream)
        if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
            raise ValueError("its header does not fit its size")
        return np.load(io.BytesIO(content), allow_pickle=False)


def _partial_name() -> str:
    return f".{secrets.token_hex(8)}.partial"


def _create_partial(folder: Path) -> tuple[Path, BinaryIO]:
    """Open a new file: not one that is there, and not what a link points to."""
    partial = folder / _partial_name()
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK | getattr(os, "O_BINARY", 0), 0o666)
    return partial, os.fdopen(descriptor, "wb")


@contextlib.contextmanager
def told(path: Path, done: str) -> Iterator[None]:
    """Turn whatever a bucket's library raises, and what the system does, into one sentence."""
    try:
        yield
    except (StorageError, WorkdirError):
        raise
    except Exception as error:
        # What the frames of gcsfs hold of a failed upload makes Python 3.12 crash when it ends.
        traceback.clear_frames(error.__traceback__)
        raise StorageError(f"{path} cannot be {done}: {reason(error)}") from error
