"""Ctrl-C and termination, heard between device calls."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Interrupted", "interruption", "listen"]


class Interrupted(Exception):
    """A signal asked the run to stop; what was computed is saved by whoever catches it."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.number = number
        self.exit_code = 128 + number


@contextmanager
def listen() -> Iterator[Callable[[], None]]:
    """Turn SIGINT and SIGTERM into a request that `poll()` answers by raising `Interrupted`.

    A second signal acts at once, as if nobody listened; also in a background job, where a shell has SIGINT ignored.
    Outside the main thread, where Python delivers no signals, `poll` never raises.
    """
    heard: list[int] = []
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

    def poll() -> None:
        if heard:
            raise Interrupted(heard[0])

    install(dict.fromkeys(before, note))
    try:
        yield poll
    finally:
        install(before)


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
        yield lambda: "interrupted; this is what has been fitted so far" if heard else ""
    finally:
        signal.signal(signal.SIGINT, before)
