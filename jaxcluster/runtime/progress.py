"""What a run says while it works: a live line on a terminal, a plain line now and then in a log."""

import sys
import time
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

__all__ = ["Reporter"]

LOG_SECONDS = 15.0


class Reporter:
    """Prints sentences, and the progress of phases: epoch, loss, seconds left.

    Args:
        stream: where to; standard error by default, so that it stays out of piped results.
    """

    def __init__(self, stream: TextIO | None = None):
        self._console = Console(file=stream or sys.stderr, highlight=False, soft_wrap=True)
        self._bar: Progress | None = None
        self._last_line = 0.0

    def say(self, sentence: str) -> None:
        """Print one line."""
        self._console.print(sentence, markup=False)

    def start(self, phase: str, *, epoch: int, epochs: int | None) -> None:
        """Open a phase at `epoch` of `epochs` (None: open end)."""
        self._phase, self._epochs = phase, epochs
        self._began, self._began_at = time.monotonic(), float(epoch)
        self._last_line = 0.0
        if self._console.is_terminal:
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[text]}"),
            )
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._task = self._bar.add_task(phase, total=epochs, completed=epoch, text="")
            self._bar.start()

    def update(self, epoch: float, figures: dict[str, float]) -> None:
        """Show that `epoch` epochs (with a fraction) are done."""
        text = self._line(epoch, figures)
        if self._bar is not None:
            self._bar.update(self._task, completed=epoch, text=text)
        elif time.monotonic() - self._last_line >= LOG_SECONDS:
            self._last_line = time.monotonic()
            self.say(f"{self._phase}: {text}")

    def finish(self, epoch: float, figures: dict[str, float], remark: str = "") -> None:
        """Close the phase with a last line."""
        self.abandon()
        text = self._line(epoch, figures, last=True)
        self.say(f"{self._phase}: {text}{f' ({remark})' if remark else ''}")

    def abandon(self) -> None:
        """Take the live line away, before an error or an interruption is told."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _line(self, epoch: float, figures: dict[str, float], *, last: bool = False) -> str:
        of = "" if self._epochs is None else f"/{self._epochs}"
        parts = [f"epoch {int(epoch)}{of}"]
        parts += [f"{name} {value:.4g}" for name, value in figures.items() if name not in ("acc", "nmi")]
        if "acc" in figures:
            parts.append(f"scoring only: ACC {figures['acc']:.4f} NMI {figures['nmi']:.4f}")
        done = epoch - self._began_at
        if done > 0:
            pace = (time.monotonic() - self._began) / done
            parts.append(f"{pace:.2f} s/epoch")
            if self._epochs is not None and not last:
                parts.append(f"{_clock(pace * (self._epochs - epoch))} left")
        return "  ".join(parts)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
