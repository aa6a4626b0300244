"""Labels: for scoring only, optional everywhere, of any type a person may have them in."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxcluster.data.dataset import DataError

__all__ = ["as_labels", "numbers_if_all", "plain_labels"]


def plain_labels(values: Any, where: str) -> np.ndarray:
    """Bring labels as people have them (lists, pandas, masked arrays, objects) to a plain NumPy array.

    Args:
        values: labels of any container.
        where: field and value, as errors name them.

    Returns:
        An array of integers, floats, bools, text or bytes.

    Raises:
        DataError: on masked or missing labels, and where numbers and text are mixed.
    """
    if isinstance(values, np.ma.MaskedArray):
        if np.ma.is_masked(values):
            hidden = np.ma.getmaskarray(values)
            raise DataError(f"{where}: {hidden.sum()} labels are masked; give labels for all samples or for none")
        values = values.data
    array = np.asarray(values)
    if array.dtype.kind not in "OT":
        return array
    flat = array.ravel().tolist()
    missing = [i for i, v in enumerate(flat) if v is None or v != v or type(v).__name__ in ("NAType", "NaTType")]
    if missing:
        raise DataError(
            f"{where}: {len(missing)} labels are missing (first at index {missing[0]}); give labels for all samples or "
            "for none"
        )
    for kinds in (str, bytes, (bool, np.bool_), (int, np.integer), (int, float, np.integer, np.floating)):
        if all(isinstance(v, kinds) for v in flat):
            return np.array(flat).reshape(array.shape)
    types = sorted({type(v).__name__ for v in flat})
    raise DataError(f"{where}: labels are of types {', '.join(types)}; expected integers or text")


def as_labels(
    values: np.ndarray, n: int, where: str, report: Callable[[str], None] = lambda sentence: None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Map labels of any type to class ids.

    Integers keep their order (7, 10, 100 become 0, 1, 2); text is sorted; floats must be whole numbers; bytes are
    read as UTF-8, or all as Latin-1 if one of them is no UTF-8, so that no two become one.
    Negative numbers are refused: -1 means "unknown" to some and "the other class" to others, and a score
    over such a guess would mislead.

    Args:
        values: [n] or [n, 1]; integer, bool, float of whole numbers, text or bytes; objects as pandas keeps them.
        n: number of samples.
        where: field and value, as errors name them.
        report: takes a sentence for the user, if there are nearly as many classes as samples.

    Returns:
        Class ids [n] int32 from 0 to C-1, and the C names behind them.

    Raises:
        DataError: on another shape, length or type, on missing and on negative labels.
    """
    values = plain_labels(values, where)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(f"{where}: labels have shape {values.shape}; expected [n], one label per sample")
    if len(values) != n:
        raise DataError(f"{where}: {len(values)} labels for {n} samples; expected one label per sample")
    if values.dtype.kind not in "buifUS":
        raise DataError(f"{where}: labels have dtype {values.dtype}; expected integers or text")
    if values.dtype.kind == "S":
        values = _decoded(values)
    if values.dtype.kind == "f":
        values = _whole(values, where)
    if values.dtype.kind == "i" and values.min() < 0:
        i = int((values < 0).argmax())
        raise DataError(
            f"{where}: {(values < 0).sum()} labels are negative (first at index {i}: {values[i]}); "
            "number classes from 0, and give labels for all samples or for none"
        )
    classes, ids = np.unique(values, return_inverse=True)
    if n > 2 and (len(classes) == n or (n >= 20 and 2 * len(classes) > n)):
        report(f"{where}: {len(classes)} classes for {n} samples; are these labels, or names of samples?")
    return ids.reshape(-1).astype(np.int32), tuple(str(c) for c in classes.tolist())


def _decoded(values: np.ndarray) -> np.ndarray:
    try:
        return np.char.decode(values, "utf-8")
    except UnicodeDecodeError:
        return np.char.decode(values, "latin-1")  # every byte is a character, so that different bytes stay different


def _whole(values: np.ndarray, where: str) -> np.ndarray:
    broken = ~np.isfinite(values) | (values != np.floor(values))
    if broken.any():
        i = int(broken.argmax())
        raise DataError(f"{where}: {broken.sum()} labels are no whole numbers (first at index {i}: {values[i]:g})")
    huge = np.abs(values) >= 2.0**53
    if huge.any():
        i = int(huge.argmax())
        raise DataError(
            f"{where}: {huge.sum()} labels are too large to number classes (first at index {i}: {values[i]:g}); "
            "expected whole numbers below 2**53"
        )
    return values.astype(np.int64)


def numbers_if_all(words: list[str]) -> np.ndarray:
    """Turn text into numbers if all of it is numbers.

    So 10 comes after 9, and "3.0", as spreadsheets write it, is 3.
    Text with a leading zero stays text, 01 and 1 are two names; so does 1_0, which Python would read as 10.
    """
    if any("_" in word or (word[:1] == "0" and word[1:2].isdigit()) for word in words):
        return np.array(words)
    for kind in (np.int64, np.float64):
        try:
            numbers = np.array([kind(word) for word in words])
        except (ValueError, OverflowError):
            continue
        return numbers
    return np.array(words)
