"""Feature vectors: preprocessing that is fitted once and applied to new data alike.

The arithmetic is float64: a column of times near 1.7e9 seconds would lose its seconds in float32, so the mean is
subtracted before the cast.

A fitted transform is a dict of plain JSON types:

    {"kind": "features", "scaling": "feature", "n_features": 4, "names": ["a", "b", "c", "d"] or None,
     "columns": [0, 1, 3], "center": [...], "spread": [...], "rows": False}

and maps a row x to `(x[columns] - center) / spread`, divided by its Euclidean length if `rows`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from jaxcluster.data.dataset import DataError
from jaxcluster.data.pixels import center_of

__all__ = ["SCALINGS", "apply", "check_scale", "differ_in_unit", "fit", "moments", "span"]

SCALINGS = ("auto", "feature", "row", "both", "none")
BLOCK = 1 << 22  # numbers converted to float64 at a time (32 MB)
TAIL = 10.0  # standard deviations beyond which a value does not widen the range that becomes [0, 1]
UNITS = 10.0  # a spread so many times the median spread is another unit


def fit(
    x: np.ndarray,
    scaling: str,
    where: str,
    report: Callable[[str], None],
    *,
    names: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    """Fit the preprocessing of feature vectors.

    Args:
        x: [n, d] finite numbers of any real type.
        scaling: "feature": every column to mean 0 and standard deviation 1, constant columns left out; "row": every
            row to length 1, so that distances are those of cosine similarity; "both": the one, then the other;
            "none": as they are.
        where: field and value, as errors name them.
        report: takes a sentence for the user.
        names: [d] headings of the columns.

    Returns:
        The transform, for `apply`.

    Raises:
        DataError: if all columns are constant.

    Reports columns left out as constant, and columns whose unit differs where they are not scaled each by its own.
    """
    d = x.shape[1]
    names = None if names is None else list(names)
    fitted = {"kind": "features", "scaling": scaling, "n_features": d, "names": names, "columns": list(range(d))}
    if scaling == "none":
        _warn_of_units(x, moments(x)[1], names, where, report)
        return fitted | {"center": _far_centers(x), "spread": None, "rows": False}
    if scaling == "row":
        _warn_of_units(x, moments(x)[1], names, where, report)
        return fitted | {"center": None, "spread": None, "rows": True}
    constant = (x == x[:1]).all(0)
    if constant.all():
        raise DataError(f"{where}: all columns are constant; constant data has no clusters")
    if constant.any():
        report(f"{where}: {_listed(np.flatnonzero(constant), names)} constant; left out")
    kept = np.flatnonzero(~constant)
    mean, spread = moments(x)
    return fitted | {
        "columns": kept.tolist(),
        "center": mean[kept].tolist(),
        "spread": spread[kept].tolist(),
        "rows": scaling == "both",
    }


def apply(transform: dict[str, Any], x: np.ndarray) -> np.ndarray:
    """Preprocess feature vectors by a fitted transform.

    Args:
        transform: from `fit`.
        x: [n, d] with the d columns that it was fitted on.

    Returns:
        [n, k] float32, or `x` itself if there is nothing to do.

    A row of zeros has no direction, and stays zero where rows are scaled to length 1.
    """
    columns = np.asarray(transform["columns"], np.int64)
    whole = len(columns) == x.shape[1] and (columns == np.arange(x.shape[1])).all()
    if whole and transform["center"] is None and not transform["rows"]:
        return x
    done = np.empty((len(x), len(columns)), np.float32)
    center = 0.0 if transform["center"] is None else np.asarray(transform["center"])
    spread = 1.0 if transform["spread"] is None else np.asarray(transform["spread"])
    for rows in _blocks(x):
        block = x[rows].astype(np.float64)
        block = (block if whole else block[:, columns]) - center
        block /= spread
        if transform["rows"]:
            length = np.sqrt(np.einsum("ij,ij->i", block, block))
            block /= np.where(length > 0, length, 1.0)[:, None]
        done[rows] = block
    return done


def span(x: np.ndarray, scaling: str, where: str, report: Callable[[str], None]) -> tuple[float, float]:
    """Choose what becomes 0 and 1 among preprocessed features: the smallest and the largest value.

    Where columns are standardized, values more than `TAIL` standard deviations from their mean do not count, so that
    one outlier does not press all other samples together; it then lies outside [0, 1], which is reported.

    Args:
        x: [n, k] preprocessed features.
        scaling: how they were preprocessed.
        where: field and value, as errors name them.
        report: takes a sentence for the user.

    Returns:
        (low, high).

    Raises:
        DataError: if all values are the same.
    """
    low, high = float(x.min()), float(x.max())
    if low == high:
        raise DataError(f"{where}: all values are {low:g} after scaling; constant data has no clusters")
    if scaling == "feature" and (low < -TAIL or high > TAIL):
        beyond = int((np.abs(x) > TAIL).any(1).sum())
        low, high = max(low, -TAIL), min(high, TAIL)
        report(
            f"{where}: {beyond} of {len(x)} samples have a feature more than {TAIL:g} standard deviations from its "
            "mean; they are kept, but do not set the range"
        )
    return low, high


def check_scale(x: np.ndarray, where: str, report: Callable[[str], None]) -> None:
    """Report new data that are standardized by the fitted means and spreads, and plainly are on another scale.

    That is: half of all values lie more than 5 standard deviations from the fitted means, or, over 10 samples or more,
    half of the columns spread less than a twentieth or more than twenty times as far as those of the fitted data.

    Args:
        x: [n, k] from `apply` with scaling "feature".
        where: field and value, as errors name them.
        report: takes a sentence for the user.
    """
    away = float(np.median(np.abs(x)))
    spread = float(np.median(moments(x)[1])) if len(x) >= 10 else 1.0
    if away > 5:
        report(
            f"{where}: half of the values lie {away:.3g} or more standard deviations from the means of the fitted "
            "data; are they on the same scale?"
        )
    elif spread < 1 / 20 or spread > 20:
        report(
            f"{where}: columns spread {spread:.3g} times as far as those of the fitted data; are they on the same "
            "scale?"
        )


def moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every column, in float64 and in two passes.

    Args:
        x: [n, d].

    Returns:
        [d] means and [d] standard deviations.
    """
    mean = sum(x[rows].astype(np.float64).sum(0) for rows in _blocks(x)) / len(x)
    square = sum(np.square(x[rows].astype(np.float64) - mean).sum(0) for rows in _blocks(x)) / len(x)
    return mean, np.sqrt(square)


def _far_centers(x: np.ndarray) -> list[float] | None:
    """What is subtracted from each column: its minimum if it lies too far from zero for float32, else nothing."""
    centers = [center_of(x[:, i]) for i in range(x.shape[1])]
    if all(center is None for center in centers):
        return None
    return [0.0 if center is None else center for center in centers]


def _blocks(x: np.ndarray) -> Iterator[slice]:
    step = max(1, BLOCK // max(1, x.shape[1]))
    return (slice(start, start + step) for start in range(0, len(x), step))


def differ_in_unit(x: np.ndarray, spread: np.ndarray) -> bool:
    """Whether one column spreads more than `UNITS` times as far as the median column.

    Principal components, which spread unequally in one unit, are excepted: they are uncorrelated.

    Args:
        x: [n, d].
        spread: [d] standard deviations of the columns.
    """
    varying = spread[spread > 0]
    return len(varying) > 1 and spread.max() > UNITS * np.median(varying) and not _are_uncorrelated(x, spread)


def _warn_of_units(x, spread, names, where: str, report: Callable[[str], None]) -> None:
    """Report the column that outweighs the others."""
    if not differ_in_unit(x, spread):
        return
    varying = spread[spread > 0]
    most, factor = int(spread.argmax()), spread.max() / np.median(varying)
    report(
        f"{where}: columns differ in unit: the values of {_listed([most], names, verb=False)} spread {factor:,.3g} "
        "times as far as those of a median column, and decide alone; scaling 'feature' gives all columns equal weight"
    )


def _are_uncorrelated(x: np.ndarray, spread: np.ndarray) -> bool:
    kept = np.flatnonzero(spread > 0)[:500]
    some = x[:20_000, kept].astype(np.float64)
    if len(some) < 10 * len(kept):  # too few samples to tell
        return False
    matrix = np.abs(np.corrcoef(some.T))
    return bool((matrix - np.eye(len(kept))).max() < 0.05)


def _listed(columns, names, *, verb: bool = True) -> str:
    """Name columns: "column 3 is", "columns 'a', 'b' are"; ten at most."""
    named = [f"'{names[i]}'" if names else str(i) for i in columns]
    shown = ", ".join(named[:10]) + (f" and {len(named) - 10} more" if len(named) > 10 else "")
    text = f"column{'s' if len(named) > 1 else ''} {shown}"
    return f"{text} {'are' if len(named) > 1 else 'is'}" if verb else text
