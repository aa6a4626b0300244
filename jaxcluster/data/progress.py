"""A progress bar on stderr for reads that take longer than a moment."""

import contextlib
from collections.abc import Callable, Iterator

__all__ = ["bar"]


@contextlib.contextmanager
def bar(description: str, total: int, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show how many of `total` items are done, on a terminal only (a log file gets no bar).

    Yields:
        `advance(n)`, to be called when n more items are done.
    """
    if not shown:
        yield lambda n: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(description, total=total)
        yield lambda n: progress.advance(task, n)
