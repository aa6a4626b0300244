"""How much this machine can hold, asked before anything large is allocated."""

import os

from jaxcluster.data.dataset import DataError

__all__ = ["check_fits", "memory"]


def memory() -> float:
    """Bytes of memory of the machine, or of the container if it has a limit; infinite if that is not known."""
    try:
        found = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError, AttributeError):
        found = float("inf")
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(name) as file:
                found = min(found, float(file.read()))
        except (OSError, ValueError):  # not there, or "max"
            continue
    return found


def check_fits(size: int, what: str, where: str, advice: str = "") -> None:
    """Refuse what needs more memory than there is.

    Args:
        size: bytes that will be needed.
        what: what needs them, for the sentence: "20,000 images of 4000x3000".
        where: field and value, as errors name them.
        advice: what the user can do.

    Raises:
        DataError: with the bytes needed and there.
    """
    there = memory()
    if size > there:
        raise DataError(
            f"{where}: {what} need {size / 2**30:,.1f} GiB, and there are {there / 2**30:,.1f} GiB of memory{advice}"
        )
