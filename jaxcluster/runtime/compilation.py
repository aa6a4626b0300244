"""Compiled programs are kept on disk: the next start of a run, or the next seed, does not compile them again.

JAX keeps them and finds them by program, compiler and settings, so that a stale one is never used. Here it is said
where, and the folder is tidied, since JAX writes its entries in place and never replaces one: a kill in the middle
of a write would leave half an entry for good.
"""

import contextlib
import os
import platform
import stat
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import jax

__all__ = ["cache_folder", "enable_compilation_cache", "tidy"]

LIMIT = 2**30  # bytes on disk; a run leaves 1 to 20 MB
SLACK = 2.0  # seconds: the coarsest clock of a file system


def enable_compilation_cache(say: Callable[[str], None]) -> None:
    """Let JAX keep compiled programs in the user's cache folder; a cache that the user has set up is left as it is.

    Args:
        say: told if the folder cannot be used; the run then compiles as if there were no cache.
    """
    if jax.config.jax_compilation_cache_dir is not None or not jax.config.jax_enable_compilation_cache:
        return
    try:
        folder = cache_folder()
        _make_private(folder)
        tidy(folder)
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        say(f"compiled programs are not kept, the next start compiles again: {error}")
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)  # a run has many small programs
    # A full disk, or an entry that another run is just writing: the program is compiled, and nothing else is lost.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")


def cache_folder() -> Path:
    """Where this user's compiled programs for this kind of processor lie.

    A home that several machines share must not hand one of them the instructions of another.
    """
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = xdg if xdg.is_absolute() else Path.home() / ".cache"
    return base / "jaxcluster" / f"{platform.machine()}-{zlib.crc32(_processor().encode()):08x}"


def _make_private(folder: Path) -> None:
    """Make the folder and its parents for this user alone: who writes there decides what the user's runs execute.

    Raises:
        OSError: it, or one of the two folders above it, belongs to somebody else or can be written by others.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
    if os.name != "posix":
        return
    for path in (folder, *folder.parents[:2]):
        about = path.stat()
        if about.st_uid not in (os.geteuid(), 0):
            raise OSError(f"{path} belongs to another user")
        if about.st_mode & 0o022 and not about.st_mode & stat.S_ISVTX:
            raise OSError(f"{path} can be written by others (mode {stat.S_IMODE(about.st_mode):03o}); chmod go-w it")
    if folder.stat().st_uid != os.geteuid():
        raise OSError(f"{folder} belongs to another user")


def tidy(folder: Path, limit: int = LIMIT) -> None:
    """Drop entries that a kill cut short, and the oldest ones beyond `limit` bytes; others may run at the same time.

    Raises:
        OSError: the folder cannot be written.
    """
    mark, checked = folder / f"checking-{os.getpid()}", folder / "checked"
    mark.write_text("")  # its time, by the file system's own clock, is from when on the next call looks at entries
    since = checked.stat().st_mtime - SLACK if checked.exists() else 0.0
    total = 0
    for written, size, file in _entries(folder):
        whole = written < since or _is_whole(file)
        total += size if whole else 0
        if not whole or total > limit:
            file.unlink(missing_ok=True)
    mark.replace(checked)


def _entries(folder: Path) -> list[tuple[float, int, Path]]:
    """Time, size and file of each entry, the newest first."""
    found = []
    for file in folder.glob("*-cache"):
        with contextlib.suppress(FileNotFoundError):  # another run tidies too
            about = file.stat()
            found.append((about.st_mtime, about.st_size, file))
    return sorted(found, reverse=True)


def _is_whole(file: Path) -> bool:
    try:
        from jax._src.compilation_cache import decompress_executable  # no public way, and it may move
    except ImportError:
        return True
    try:
        decompress_executable(file.read_bytes())  # it carries a checksum
    except Exception:  # of whichever compressor there is
        return False
    return True


def _processor() -> str:
    """The instructions that the processor knows, where the system tells; else its name."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return line
    return platform.processor()
