"""The door to where a run's files lie, a local folder or a bucket; besides orbax the only code that knows which.

A local file is written beside the old one and renamed. An object in a bucket needs no such thing: it appears when its
upload is complete. But it can neither be renamed nor grown, and there are no folders in a bucket, only names with
slashes.
"""

import contextlib
import importlib.util
import io
import logging
import os
import re
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

__all__ = [
    "Lines",
    "StorageError",
    "absolute",
    "check_writable",
    "is_bucket",
    "is_empty",
    "is_folder",
    "make_folder",
    "new_file",
    "new_folder",
    "place",
    "read_text",
    "reason",
    "write_array",
    "write_text",
]

REWRITE_SECONDS = 30.0  # between two uploads of a file that grows


class StorageError(OSError):
    """Something could not be written or read; one sentence says what, and why."""


def place(name: str) -> Path:
    """Take the name of a folder for a path.

    Args:
        name: of a local folder, where a ~ at the beginning is the home, or gs://BUCKET/FOLDER.

    Returns:
        A `pathlib.Path`, or an `etils.epath.Path`, which has the same methods; of the two only a bucket's holds "://".

    Raises:
        ValueError: another scheme, no bucket, or the package for buckets is not installed.
    """
    scheme, mark, rest = name.partition("://")
    if not mark:
        return Path(os.path.expanduser(name))  # a shell leaves the ~ of --workdir=~/runs as it is
    if scheme != "gs":
        raise ValueError(f"{scheme}:// cannot be written to; name a local folder or gs://BUCKET/FOLDER")
    if not rest.partition("/")[0]:
        raise ValueError("no bucket is named; expected gs://BUCKET/FOLDER")
    if importlib.util.find_spec("gcsfs") is None:
        raise ValueError("gs:// needs the package gcsfs; install it with: pip install 'etils[epath-gcs]'")
    # With TensorFlow installed epath would go through it instead: one way for all, the one that is tested.
    os.environ.setdefault("EPATH_USE_TF", "false")
    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # it logs a traceback of what it raises all the same
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
    probe = folder / ".probe"
    with _told(folder, "written"):
        make_folder(folder)
        probe.write_text("")
        probe.unlink(missing_ok=True)  # another run may have come to the same folder


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


def is_folder(path: Path) -> bool:
    """Whether there is a folder; in a bucket, whether anything lies below this name."""
    with _told(path, "read"):
        return path.is_dir()


def is_empty(folder: Path, *, besides: str = "") -> bool:
    """Whether nothing lies in a folder, or in a bucket below this name, besides one file."""
    with _told(folder, "read"):
        try:
            # In a bucket some mark a folder by an object of its name.
            children = [child for child in folder.iterdir() if str(child).rstrip("/") != str(folder)]
            return all(child.name == besides for child in children)
        except FileNotFoundError:
            return True


def read_text(file: Path) -> str | None:
    """Read a text file; None if there is none."""
    with _told(file, "read"):
        return file.read_text() if file.exists() else None


@contextlib.contextmanager
def new_file(file: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that appears, in the place of an older one, when the block ends well.

    Raises:
        StorageError: it cannot be written; the older one is still there.
    """
    if is_bucket(file):
        content = io.BytesIO()
        yield content
        with _told(file, "written"):
            file.write_bytes(content.getvalue())
        return
    partial = file.with_suffix(".partial")
    try:
        with partial.open("wb") as stream:
            yield stream
        partial.replace(file)
    except BaseException as error:
        with contextlib.suppress(OSError):
            partial.unlink()  # on a full disk its room is needed
        if isinstance(error, OSError):
            raise StorageError(f"{file} cannot be written: {reason(error)}") from error
        raise


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
    return file.exists()


def read_array(file: Path) -> np.ndarray:
    """Read an array that `write_array` wrote.

    Raises:
        FileNotFoundError: there is none.
    """
    return np.load(io.BytesIO(file.read_bytes()), allow_pickle=False)


class Lines:
    """A text file that grows by lines.

    A local file holds each line as soon as it is added. An object in a bucket is uploaded anew, and so is a local file
    after a line that could not be written, every `REWRITE_SECONDS` at most and when it is flushed.

    Args:
        file: an older one is replaced.
        lines: what it begins with, without line ends.
        clock: seconds that pass.

    Raises:
        StorageError: it cannot be written.
    """

    def __init__(self, file: Path, lines: Iterable[str] = (), *, clock: Callable[[], float] = time.monotonic):
        self._file, self._lines, self._clock = file, list(lines), clock
        self._stream = None  # where lines can be appended
        self._complete = False  # whether the file holds all lines
        self.flush()

    def add(self, line: str) -> None:
        """Append one line; one that cannot be written yet is kept for the next `flush`."""
        self._lines.append(line)
        if self._stream is not None:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
                return
            except OSError:  # half of the line may be there: the file is written anew
                self._leave_stream()
        self._complete = False
        if self._clock() - self._tried_at >= REWRITE_SECONDS:
            with contextlib.suppress(StorageError):
                self.flush()

    def flush(self) -> None:
        """Make the file hold all lines.

        Raises:
            StorageError: it cannot be written.
        """
        if self._complete:
            return
        self._tried_at = self._clock()
        write_text(self._file, "".join(line + "\n" for line in self._lines))
        if not is_bucket(self._file):
            with _told(self._file, "written"):
                self._stream = self._file.open("a")
        self._complete = True

    def close(self) -> None:
        """Flush and close, whether or not it can be written."""
        with contextlib.suppress(StorageError):
            self.flush()
        self._leave_stream()

    def _leave_stream(self) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError):  # closing tries once more to write what could not be written
                self._stream.close()
            self._stream = None


@contextlib.contextmanager
def _told(path: Path, done: str) -> Iterator[None]:
    """Turn whatever a bucket's library raises, and what the system does, into one sentence."""
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        # What the frames of gcsfs hold of a failed upload makes Python 3.12 crash when it ends.
        traceback.clear_frames(error.__traceback__)
        raise StorageError(f"{path} cannot be {done}: {reason(error)}") from error
