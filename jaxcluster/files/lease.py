"""One run at a time in a bucket: an object that its holder renews, each time on condition that nobody else has.

A process that is killed leaves its object. It is taken over at once by a process of the same machine, which can see
that the holder is gone, and by another one after `LEASE_SECONDS` in which it was not renewed. No clock of one machine
is compared with that of another.
"""

import contextlib
import json
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from jaxcluster.files import storage
from jaxcluster.files.reading import WorkdirError, printable

__all__ = ["held", "in_use"]

RENEW_SECONDS = 15.0
LEASE_SECONDS = 60.0
LOOK_SECONDS = 1.0


_mine: set[str] = set()  # tokens of this process


class _Seen(NamedTuple):
    generation: int
    holder: dict[str, Any]


@contextlib.contextmanager
def held(workdir: Path, me: dict[str, Any], *, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lease of a folder in a bucket until the block ends.

    A run that was suspended for so long that another has taken its lease over is ended at once, exit code 1: it must
    not write there again.

    Args:
        workdir: gs://BUCKET/FOLDER.
        me: host, pid and start of this process, for the message to others.
        say: told that a holder is being waited for, or that the lease is lost.

    Raises:
        WorkdirError: another process holds it.
    """
    blob = _blob(workdir)
    me = me | {"machine": _machine(), "token": secrets.token_hex(8)}
    _mine.add(me["token"])
    with storage.told(workdir, "locked"):
        generation = _take(blob, workdir, me, say)
    over = threading.Event()
    renewing = threading.Thread(target=_renew, args=(blob, me, generation, over, workdir, say), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        renewing.join(timeout=10)
        with contextlib.suppress(Exception):  # it runs out by itself
            seen = _look(blob)
            if seen is not None and seen.holder.get("token") == me["token"]:
                blob.delete(if_generation_match=seen.generation)


def in_use(workdir: Path, holder: dict[str, Any]) -> WorkdirError:
    """What to tell whoever comes second."""
    process, host, since = (printable(str(holder.get(name, "?"))) for name in ("pid", "host", "since"))
    return WorkdirError(
        f"--workdir {workdir} is in use by process {process} on {host} since {since}; "
        "wait until that run has ended, or name another folder"
    )


def _take(blob: Any, workdir: Path, me: dict[str, Any], say: Callable[[str], None]) -> int:
    """Put this process's object where none is, or in the place of one that is not renewed; its generation."""
    while True:
        seen = _look(blob)
        if seen is not None and not _is_dead(seen.holder, me):
            say(f"{workdir} was locked by another process; waiting up to {LEASE_SECONDS:g} s to see if it is at work")
            until = time.monotonic() + LEASE_SECONDS
            while time.monotonic() < until:
                time.sleep(LOOK_SECONDS)
                now = _look(blob)
                if now is None:
                    break
                if now.generation != seen.generation:
                    raise in_use(workdir, now.holder)
        generation = _put(blob, me, 0 if seen is None else seen.generation)
        if generation is not None:
            return generation


def _renew(blob, me, generation, over, workdir, say) -> None:
    while not over.wait(RENEW_SECONDS):
        try:
            renewed = _put(blob, me, generation)
        except Exception:  # the network is down for a while; others wait longer than this
            continue
        if renewed is None and not over.is_set():
            say(f"error: {workdir} was taken over by another process while this one was suspended; it ends here")
            sys.stderr.flush()
            os._exit(1)
        generation = renewed


def _put(blob: Any, me: dict[str, Any], generation: int) -> int | None:
    """Upload if the object there is of this generation (0: if there is none); its new generation, or None."""
    from google.api_core.exceptions import PreconditionFailed

    try:
        blob.upload_from_string(json.dumps(me), if_generation_match=generation)
        return blob.generation
    except PreconditionFailed:
        seen = _look(blob)  # an answer may have been lost, and the upload tried once more
        mine = seen is not None and seen.holder.get("token") == me["token"]
        return seen.generation if mine else None


def _look(blob: Any) -> _Seen | None:
    from google.api_core.exceptions import NotFound

    try:
        blob.reload()
        generation = blob.generation
        holder = json.loads(blob.download_as_bytes(if_generation_match=generation))
    except NotFound:
        return None
    except ValueError:
        holder = {}
    return _Seen(generation, holder if isinstance(holder, dict) else {})


def _is_dead(holder: dict[str, Any], me: dict[str, Any]) -> bool:
    """Whether this machine can see that the holder is gone."""
    if not me["machine"] or holder.get("machine") != me["machine"] or type(holder.get("pid")) is not int:
        return False
    if holder["pid"] == me["pid"]:
        return holder.get("token") not in _mine
    try:
        os.kill(holder["pid"], 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass
    return False


def _machine() -> str:
    """What names this start of this machine and what it calls processes; empty if it does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _blob(workdir: Path) -> Any:
    from google.cloud import storage as buckets

    bucket, _, folder = str(workdir).removeprefix("gs://").partition("/")
    return buckets.Client().bucket(bucket).blob(f"{folder.rstrip('/')}/.lock".lstrip("/"))
