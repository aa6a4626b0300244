"""One run in a workdir at a time, and in the workdir that it began in.

On a disk the lock is the system's: it ends with the process that holds it, however that ends. A bucket has no such
thing, see `files.lease`. What the lock file says is only for the message to whoever comes second.
"""

import contextlib
import datetime
import json
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jaxcluster.files import lease, storage
from jaxcluster.files.reading import WorkdirError, printable

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

__all__ = ["FILE", "Anchor", "hold"]

FILE = ".lock"


@contextlib.contextmanager
def hold(workdir: Path, *, say: Callable[[str], None]) -> Iterator[None]:
    """Keep others from starting a run in `workdir` until the block ends; the folder is made if it is absent.

    A network folder is locked for all machines if its server and its mount say so to the system, as NFS does by
    default; a mount that keeps locks to one machine cannot be told from one that does not.

    Args:
        workdir: a local folder or one in a bucket.
        say: told where it cannot be locked, and that another machine has left a lock behind.

    Raises:
        WorkdirError: another process holds it (the message names it), or it cannot be written.
    """
    me = {"host": socket.gethostname(), "pid": os.getpid(), "since": _now()}
    try:
        storage.check_writable(workdir)
    except storage.StorageError as error:
        raise WorkdirError(f"--workdir {error}") from error
    with lease.held(workdir, me, say=say) if storage.is_bucket(workdir) else _locked(workdir, me, say):
        yield


@contextlib.contextmanager
def _locked(workdir: Path, me: dict[str, Any], say: Callable[[str], None]) -> Iterator[None]:
    file = workdir / FILE
    try:
        descriptor, reason = _open_locked(file)
    except BlockingIOError:
        raise lease.in_use(workdir, _holder(file)) from None
    except OSError as error:
        raise WorkdirError(f"--workdir {file} cannot be locked: {storage.reason(error)}") from error
    if reason:
        say(f"{workdir} cannot be locked ({reason}): see to it that no second run is started in it")
    other = _holder(file).get("host", me["host"])
    if other != me["host"]:
        say(
            f"a run on {printable(str(other))} was killed in {workdir}; if it is still at work there, this file system "
            "does not keep locks between machines: stop one of the two"
        )
    try:
        with contextlib.suppress(OSError):  # a full disk: the lock holds all the same
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(me).encode(), 0)
        yield
    finally:
        with contextlib.suppress(OSError):
            if _is(descriptor, file):
                file.unlink()
        os.close(descriptor)


def _open_locked(file: Path) -> tuple[int, str]:
    """The lock file, open and locked, and an empty string, or why it could not be locked."""
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | storage.NO_LINK, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(0, "it is no file")
            if fcntl is None:
                return descriptor, "this system has no locks"
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise
            except OSError as error:  # a network folder without locks
                return descriptor, storage.reason(error)
            if _is(descriptor, file):
                return descriptor, ""
            os.close(descriptor)  # whoever held it has left meanwhile, and removed it
        except BaseException:
            os.close(descriptor)
            raise


def _is(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(file))
    except FileNotFoundError:
        return False


def _holder(file: Path) -> dict[str, Any]:
    """What a lock file says; an empty dict if that is nothing."""
    try:
        with file.open("rb") as stream:
            said = json.loads(stream.read(1000))
        return said if isinstance(said, dict) else {}
    except (OSError, ValueError):
        return {}


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


class Anchor:
    """Notices that a local folder is no longer where it was.

    The folder is kept open, so that its number cannot pass to a new one. A bucket has no folders to lose.

    Args:
        folder: one that exists.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._open = None
        if not storage.is_bucket(folder) and os.name == "posix":
            with storage.told(folder, "read"):
                self._open = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def check(self) -> None:
        """Compare the folder with the one that has this name now.

        Raises:
            FolderGoneError: it was removed, renamed or replaced.
        """
        if self._open is None:
            return
        try:
            same = os.path.samestat(os.fstat(self._open), os.stat(self._folder))
        except (FileNotFoundError, NotADirectoryError):
            same = False
        except OSError:  # a network that is down for a while: writing will tell
            return
        if not same:
            raise storage.FolderGoneError(
                f"{self._folder} was removed, renamed or replaced while the run was at work; "
                "put it back and start the same command again to go on from its last checkpoint"
            )

    def close(self) -> None:
        """Let the folder go."""
        if self._open is not None:
            os.close(self._open)
            self._open = None
