"""A text file that grows by lines, on a disk or in a bucket."""

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from jaxcluster.files import storage

__all__ = ["Lines"]

REWRITE_SECONDS = 30.0  # between two uploads of a file that grows


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
            with contextlib.suppress(storage.StorageError):
                self.flush()

    def flush(self) -> None:
        """Make the file hold all lines.

        Raises:
            StorageError: it cannot be written.
        """
        if self._complete and self._in_place():
            return
        self._complete = False
        self._leave_stream()
        self._tried_at = self._clock()
        storage.write_text(self._file, "".join(line + "\n" for line in self._lines))
        if not storage.is_bucket(self._file):
            with storage.told(self._file, "written"):
                descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | storage.NO_LINK)
                self._stream = os.fdopen(descriptor, "a")
        self._complete = True

    def close(self) -> None:
        """Flush and close, whether or not it can be written."""
        with contextlib.suppress(storage.StorageError):
            self.flush()
        self._leave_stream()

    def _in_place(self) -> bool:
        """Whether the file that lines go to is still the one of this name: somebody may have removed it."""
        if self._stream is None:
            return True
        try:
            return os.path.samestat(os.fstat(self._stream.fileno()), os.stat(self._file))
        except OSError:
            return False

    def _leave_stream(self) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError):  # closing tries once more to write what could not be written
                self._stream.close()
            self._stream = None
