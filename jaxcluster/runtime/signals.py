"""Ctrl-C and termination, heard between device calls, and obeyed in any case after a while."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["INTERRUPTED", "Interrupted", "bounded_exit", "interruption", "listen"]

INTERRUPTED = "interrupted; this is what has been fitted so far"  # why training ended early
END_SECONDS = 25.0  # from a signal to the end of the process, whatever still waits: a notice is 30 s long at best

_bounded: list[bool] = []  # one entry inside `bounded_exit`
_ending: list[bool] = []  # one entry once there is a time limit
_lock = threading.Lock()


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM asked a run with a workdir to stop; what was computed is saved by whoever catches it."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.number = number
        self.exit_code = 128 + number
        self.saved_in = ""

    def __str__(self) -> str:
        saved = f": saved in {self.saved_in}; the same call goes on from there" if self.saved_in else ""
        return self.args[0] + saved


@contextmanager
def listen() -> Iterator[Callable[[], None]]:
    """Turn SIGINT and SIGTERM into a request that `poll()` answers by raising `Interrupted`.

    A second signal acts at once, as if nobody listened; also in a background job, where a shell has SIGINT ignored.
    One that no `poll` was left to hear is raised at the end of the block. Inside `bounded_exit` the first signal also
    sets a time limit to the process.
    Outside the main thread, where Python delivers no signals, `poll` never raises.
    """
    heard: list[int] = []
    raised: list[bool] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    at_once = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.getsignal(number) for number in at_once}

    def install(handlers) -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def note(number, frame) -> None:
        del frame
        heard.append(number)
        install(at_once)
        if _bounded:
            _end_after_signal(number)

    def poll() -> None:
        if heard:
            raised.append(True)
            raise Interrupted(heard[0])

    install(dict.fromkeys(before, note))
    try:
        yield poll
    finally:
        install(before)
    if not raised:
        poll()


@contextmanager
def bounded_exit() -> Iterator[None]:
    """For a process that runs one command: it ends `END_SECONDS` after a signal, or after the block, at the latest.

    A save may hang, or threads that Python joins at its exit, after a disk was full or a folder lost. Python runs the
    handler of a signal between two of its own instructions, and a device call may take hours: so a thread listens too.
    """
    code = 1
    _bounded.append(True)
    try:
        with _heard_by_a_thread():
            yield
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise
    finally:
        _bounded.pop()
        _end_later(code, "")


@contextmanager
def _heard_by_a_thread() -> Iterator[None]:
    """Set the time limit of a signal at once, though the main thread is inside a call that takes long."""
    ears, mouth = os.pipe()
    os.set_blocking(mouth, False)
    before = signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)

    def watch() -> None:
        while number := os.read(ears, 1):  # empty at the end of the block
            if number[0] in (signal.SIGINT, signal.SIGTERM):
                _end_after_signal(number[0])
        os.close(ears)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(mouth)


def _end_after_signal(number: int) -> None:
    name = signal.Signals(number).name
    _end_later(128 + number, f"{name}: not all was saved. The same command goes on from the last good checkpoint")


def _end_later(exit_code: int, sentence: str) -> None:
    """End this process after `END_SECONDS` unless it has ended by itself; the first time limit holds."""
    with _lock:
        if _ending:
            return
        _ending.append(True)

    def end() -> None:
        with contextlib.suppress(Exception):
            if sentence:
                print(sentence, file=sys.stderr, flush=True)
        os._exit(exit_code)

    timer = threading.Timer(END_SECONDS, end)
    timer.daemon = True
    timer.start()


@contextmanager
def interruption() -> Iterator[Callable[[], str]]:
    """Turn Ctrl-C into a reason to end training early, for a run that has nowhere to save its state.

    A second Ctrl-C acts at once. Outside the main thread Python delivers no signals, and there is never a reason.
    """
    heard: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: ""
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number, frame) -> None:
        del frame
        heard.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: INTERRUPTED if heard else ""
    finally:
        signal.signal(signal.SIGINT, before)
