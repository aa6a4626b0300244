"""Several processes that train one run together, each with devices of its own; the first alone reads and writes files.

All processes compute the same from the same data, and take every decision that a clock or a signal could make
differently from the first of them, or together. What fails on one is told on all: before training by what they tell
each other, later by the connections that break when a process ends.
"""

import contextlib
import io
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import jax
import numpy as np
from jax.experimental import multihost_utils

from jaxcluster.files.workdir import differences
from jaxcluster.runtime.signals import Interrupted

__all__ = [
    "HostError",
    "abort",
    "agree",
    "arrays_of_first",
    "broken_is_told",
    "first",
    "is_multiprocess",
    "is_primary",
    "join",
    "leave",
    "only_first",
    "synchronized",
]

HEARTBEAT_SECONDS = 60  # after which a process that is silent, but whose connections are open, counts as dead
GRACE_SECONDS = 2  # the first process goes last, because JAX ends the others roughly when it is gone
JOIN_SECONDS = 100  # all processes must have started by then


class HostError(RuntimeError):
    """Another process failed, or does not fit to this one."""


def join(coordinator: str | None = None, processes: int | None = None, process: int | None = None) -> None:
    """Meet the other processes; once, and before anything touches a device.

    Args:
        coordinator: HOST:PORT of the first process. Left out with the next two, the cloud's environment tells.
        processes: how many there are.
        process: number of this one.

    Where they do not meet in time, this process ends here: JAX would abort it with a stack trace.

    Raises:
        HostError: the cloud's environment does not tell, or this process cannot take part.
    """
    before = signal.getsignal(signal.SIGTERM)
    watch = threading.Timer(JOIN_SECONDS, _give_up_joining, [coordinator, process])
    watch.daemon = True
    watch.start()
    try:
        jax.distributed.initialize(
            coordinator,
            processes,
            process,
            initialization_timeout=2 * JOIN_SECONDS,  # not before the watch
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
            shutdown_timeout_seconds=HEARTBEAT_SECONDS,
        )
    except (RuntimeError, ValueError) as error:
        if coordinator is None and isinstance(error, ValueError):
            raise HostError(
                f"--distributed finds no Cloud TPU slice, Slurm job or Kubernetes job here ({_line(error)}); "
                "elsewhere give --coordinator, --processes and --process"
            ) from error
        raise HostError(f"the other processes of this run cannot be met: {_line(error)}") from error
    finally:
        watch.cancel()
    # JAX has taken SIGTERM for a service that nothing here asks, and would only log it until `signals.listen`.
    signal.signal(signal.SIGTERM, before)


def leave() -> None:
    """Part in peace: when no process needs another any more. Waits for all."""
    if jax.distributed.is_initialized():
        jax.distributed.shutdown()


def is_multiprocess() -> bool:
    """Whether this process trains together with others."""
    return jax.distributed.is_initialized() and jax.process_count() > 1


def abort(exit_code: int) -> NoReturn:
    """End this process at once if there are others.

    An orderly exit would wait for them, while they wait for this one in the middle of a step; the broken connection
    is what they hear.
    """
    if is_multiprocess():
        if is_primary():
            time.sleep(GRACE_SECONDS)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)
    sys.exit(exit_code)


def is_primary() -> bool:
    """Whether this process reads and writes the files of the run."""
    return jax.process_index() == 0


def first(value: int) -> int:
    """The whole number that the first process gives."""
    if jax.process_count() == 1:
        return value
    return int(multihost_utils.broadcast_one_to_all(np.asarray(value, np.int32)))


def synchronized(poll: Callable[[], None]) -> Callable[[], None]:
    """Make `poll` interrupt all processes when it interrupts one; all must call it equally often."""
    if jax.process_count() == 1:
        return poll

    def poll_all() -> None:
        number = 0
        try:
            poll()
        except Interrupted as interrupted:
            number = interrupted.number
        heard = int(np.max(multihost_utils.process_allgather(np.asarray(number, np.int32))))
        if heard:
            raise Interrupted(heard)

    return poll_all


def agree(make: Callable[[], Any]) -> Any:
    """Let every process make the same, and check that it is.

    Args:
        make: () -> (identity, value): JSON data that must be equal everywhere, and anything.

    Returns:
        The value.

    Raises:
        HostError: another process could not make it, or its identity differs; the message names the fields.
    """
    if jax.process_count() == 1:
        return make()[1]
    value, told, failure = None, {}, None
    try:
        identity, value = make()
        told = {"identity": identity}
    except Exception as error:
        failure = error
        told = {"error": _line(error)}
    everyone = [json.loads(data) for data in _gather(json.dumps(told).encode())]
    if failure is not None:
        raise failure
    for number, other in enumerate(everyone):
        if "error" in other:
            raise HostError(f"process {number} of this run stopped: {other['error']}")
    _check_equal([other["identity"] for other in everyone])
    return value


def only_first(make: Callable[[], Any]) -> Any:
    """What the first process makes (JSON data), for all; raises on all if it fails there."""
    made = agree(lambda: (None, make() if is_primary() else None))
    return json.loads(_from_first(json.dumps(made).encode())) if jax.process_count() > 1 else made


def arrays_of_first(tree: Any) -> Any:
    """A tree of NumPy arrays as the first process has it, bit for bit; the others give a tree of the same kind."""
    if jax.process_count() == 1:
        return tree
    leaves, structure = jax.tree.flatten(tree)
    packed = io.BytesIO()
    np.savez(packed, *leaves)
    with np.load(io.BytesIO(_from_first(packed.getvalue()))) as unpacked:
        return jax.tree.unflatten(structure, [unpacked[f"arr_{i}"] for i in range(len(leaves))])


@contextlib.contextmanager
def broken_is_told() -> Iterator[None]:
    """Turn what JAX says of a broken connection, until this process leaves, into one sentence.

    That this process has too little memory is no broken connection, and is passed on.
    """
    try:
        yield
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        broken = isinstance(error, jax.errors.JaxRuntimeError) or "Gloo" in str(error)
        broken = broken and "RESOURCE_EXHAUSTED" not in str(error)
        if not is_multiprocess() or not broken:
            raise
        raise HostError(
            f"another process of this run has ended or cannot be reached ({_line(error)}); its own output says why. "
            "Start all of them again with the same commands: the run goes on from the last checkpoint"
        ) from error


def _give_up_joining(coordinator: str | None, process: int | None) -> NoReturn:
    me = "" if process is None else f"process {process}: "
    where = "" if coordinator is None else f" at {coordinator}"
    print(
        f"{me}error: not all processes of this run have met{where} within {JOIN_SECONDS} s; "
        "see what the others say, and start all of them again",
        file=sys.stderr,
        flush=True,
    )
    os._exit(1)  # the main thread waits inside JAX, where no exception reaches it


def _from_first(data: bytes) -> bytes:
    size = int(multihost_utils.broadcast_one_to_all(np.asarray(len(data), np.int32)))
    mine = np.frombuffer(data, np.uint8) if is_primary() else np.zeros(size, np.uint8)
    return np.asarray(multihost_utils.broadcast_one_to_all(mine)).tobytes()


def _gather(data: bytes) -> list[bytes]:
    sizes = np.ravel(multihost_utils.process_allgather(np.asarray(len(data), np.int32)))
    padded = np.zeros(int(sizes.max()), np.uint8)
    padded[: len(data)] = np.frombuffer(data, np.uint8)
    everyone = np.asarray(multihost_utils.process_allgather(padded))
    return [row[:size].tobytes() for row, size in zip(everyone, sizes, strict=True)]


def _check_equal(identities: list[Any]) -> None:
    for number, identity in enumerate(identities[1:], start=1):
        found = differences(identities[0], identity)
        if found:
            fields = "; ".join(f"{name} is {other!r}, in process 0 it is {zeroth!r}" for name, zeroth, other in found)
            raise HostError(f"process {number} of this run does not fit process 0: {fields}")


def _line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
