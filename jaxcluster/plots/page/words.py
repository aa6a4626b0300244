"""The summary in words, and how numbers are written on the page."""

import math

import numpy as np

from jaxcluster.plots.page.contents import Contents

__all__ = ["flat_settings", "number", "share", "summary"]


def number(value: float) -> str:
    """Three digits or more, without an exponent where that can be read; a dash for what is no number."""
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return "–"
    if isinstance(value, int) or value == 0:
        return f"{value:,}"
    exponent = math.floor(math.log10(abs(value)))
    if not -4 <= exponent < 7:
        return f"{value:.2e}"
    return f"{value:,.{max(2 - exponent, 0)}f}"


def share(part: float, whole: float) -> str:
    """A percentage with one decimal; below .1 % "< 0.1 %", and no decimals for nothing."""
    if not whole:
        return "–"
    if not part:
        return "0 %"
    percent = 100 * part / whole
    return "< 0.1 %" if 0 < percent < 0.1 else f"{percent:.1f} %"


def summary(contents: Contents, sizes: np.ndarray) -> list[str]:
    """How many samples and clusters, how sure, how much training has moved; sentences."""
    n, k = len(contents.labels), len(sizes)
    filled = sizes[sizes > 0]
    assigned = int(sizes.sum())
    said = [f"{n:,} {'sample' if n == 1 else 'samples'} in {k:,} {'cluster' if k == 1 else 'clusters'}"]
    if len(filled) < k:
        said[0] += f", {k - len(filled):,} of them empty"
    if len(filled) > 1:
        even = filled.min() == filled.max()
        said[0] += f", {filled[0]:,} in each" if even else f"; sizes from {filled.min():,} to {filled.max():,}"
    said[0] += "."
    if assigned < n:
        said.append(f"{n - assigned:,} samples ({share(n - assigned, n)}) are left out of all clusters.")
    confidence = contents.confidence[np.isfinite(contents.confidence)]
    if len(confidence):
        said.append(
            f"The mean confidence is {confidence.mean():.2f}; {share(int((confidence < 0.5).sum()), n)} of the samples "
            f"are below 0.5, {share(int((confidence >= 0.9).sum()), n)} at 0.9 or above."
        )
    if contents.initial_labels is not None:
        moved = n - _matched(contents.initial_labels, contents.labels)
        said.append(
            f"Training has moved {moved:,} samples ({share(moved, n)}) to another cluster than the one they began in."
            if moved
            else "Training has left every sample in the cluster it began in."
        )
    return said


def _matched(before: np.ndarray, after: np.ndarray) -> int:
    """Samples on the diagonal of the best one-to-one matching of two clusterings."""
    from scipy.optimize import linear_sum_assignment

    (first, rows), (second, columns) = (np.unique(labels, return_inverse=True) for labels in (before, after))
    table = np.zeros((len(first), len(second)), np.int64)
    np.add.at(table, (rows.ravel(), columns.ravel()), 1)
    return int(table[linear_sum_assignment(table, maximize=True)].sum())


def flat_settings(settings, prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as (dotted name, value), in their order."""
    rows = []
    for name, value in settings.items():
        if hasattr(value, "items") and len(value):
            rows += flat_settings(value, f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", str(value)))
    return rows
