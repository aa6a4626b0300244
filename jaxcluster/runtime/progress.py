"""What a run says while it works: a live line on a terminal, a plain line now and then in a log.

Nothing that is said is worth the run: a stream that cannot be written, on a full disk or because its reader has left,
is passed over. Names that come from files cannot move the cursor or change a title: see `printable`.
"""

import contextlib
import io
import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from jaxcluster.files.reading import printable

__all__ = ["Reporter", "guard_streams"]

LOG_SECONDS = 15.0
MARKS = 40  # updates that the pace is taken from
SHARES = {"selected": "selected", "change": "label change"}  # figures that are shown in percent


class _Guarded:
    """A stream whose failures cost its text and nothing else."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):  # ValueError: it is closed, or cannot encode the text
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard_streams() -> None:
    """Keep standard output and error from ending this process, and from changing its exit code, by failing.

    Where they are closed, something is put in their place: a file of the run that got their number would be written
    into by whatever library warns.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, _Guarded):
            setattr(sys, name, _Guarded(io.StringIO() if stream is None else stream))


class Reporter:
    """Prints sentences, and the progress of phases: epoch, loss, seconds left.

    Args:
        stream: where to; standard error by default, so that it stays out of piped results.
        clock: seconds that pass.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic):
        guarded = _Guarded(stream or sys.stderr or io.StringIO())
        self._console = Console(file=guarded, highlight=False, soft_wrap=True, emoji=False)
        self._clock = clock
        self._last_line = clock()
        self._bar: Progress | None = None

    @classmethod
    def quiet(cls) -> "Reporter":
        """A reporter that shows nothing."""
        return cls(io.StringIO())

    def say(self, sentence: str) -> None:
        """Print one line."""
        self._console.print(printable(sentence), markup=False)

    def part(self, phase: str, what: str, done: int, total: int) -> None:
        """Show that `done` of `total` device calls of what comes before a phase's epochs are made."""
        if self._console.is_terminal or self._console.is_jupyter:
            if self._bar is None:
                self._open(phase, total=total, completed=done)
            self._bar.update(self._task, total=total, completed=done, text=what)
            if done == total:
                self.abandon()
        elif self._clock() - self._last_line >= LOG_SECONDS:
            self._last_line = self._clock()
            self.say(f"{phase}: {what} {done} of {total}")

    def _open(self, phase: str, *, total: int | None, completed: int) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[text]}"),
        )
        self._bar = Progress(*columns, console=self._console, transient=True)
        self._task = self._bar.add_task(phase, total=total, completed=completed, text="")
        self._bar.start()

    def start(self, phase: str, *, epoch: int, epochs: int | None) -> None:
        """Open a phase at `epoch` of `epochs` (None: open end)."""
        self._phase, self._epochs, self._first = phase, epochs, epoch
        self._began = self._clock()
        self._last_line = -math.inf
        self._marks: deque[tuple[float, float]] = deque(maxlen=MARKS)  # (time, epoch) of the last updates
        self._pace: float | None = None
        self.abandon()
        if self._console.is_terminal or self._console.is_jupyter:
            self._open(phase, total=epochs, completed=epoch)

    def update(self, epoch: float, figures: dict[str, float]) -> None:
        """Show that `epoch` epochs (with a fraction) are done."""
        self._mark(epoch)
        text = self._line(epoch, figures)
        if self._pace is not None and self._epochs is not None:
            text += f"  {_duration(self._pace * (self._epochs - epoch))} left"
        if self._bar is not None:
            self._bar.update(self._task, completed=epoch, text=text)
        elif self._clock() - self._last_line >= LOG_SECONDS:
            self._last_line = self._clock()
            self.say(f"{self._phase}: {text}")

    def finish(self, epoch: float, figures: dict[str, float], remark: str = "") -> None:
        """Close the phase with a last line."""
        self.abandon()
        took = _duration(self._clock() - self._began)
        self.say(f"{self._phase}: {self._line(epoch, figures)}  took {took}{f' ({remark})' if remark else ''}")

    def abandon(self) -> None:
        """Take the live line away, before an error or an interruption is told."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _mark(self, epoch: float) -> None:
        """Measure the pace, from the first update on and again from the first whole epoch on.

        What comes before compiles: the first device call the training step, the end of the first epoch the rest.
        """
        compiled_until = self._marks[-1][1] if self._marks else -math.inf
        if compiled_until < self._first + 1 <= epoch:
            self._marks.clear()
        self._marks.append((self._clock(), epoch))
        seconds, epochs = (last - first for first, last in zip(self._marks[0], self._marks[-1], strict=True))
        if epochs >= 1 or (epochs > 0 and len(self._marks) > 2):
            self._pace = seconds / epochs

    def _line(self, epoch: float, figures: dict[str, float]) -> str:
        of = "" if self._epochs is None else f"/{self._epochs}"
        parts = [f"epoch {int(epoch)}{of}"]
        for name, value in figures.items():
            if name in SHARES:
                parts.append(f"{SHARES[name]} {100 * value:.3g} %")
            elif name not in ("acc", "nmi"):
                parts.append(f"{name} {value:.4g}")
        if "acc" in figures:
            parts.append(f"scoring only: ACC {figures['acc']:.4f} NMI {figures['nmi']:.4f}")
        if self._pace is not None:
            parts.append(f"{self._pace:.3g} s/epoch")
        return "  ".join(parts)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
