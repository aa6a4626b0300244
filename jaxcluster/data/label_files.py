"""Labels from a file of their own, joined to the samples by name where both have names."""

import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jaxcluster.data import arrays
from jaxcluster.data.columns import ID_HEADINGS, LABEL_HEADINGS, find_column
from jaxcluster.data.dataset import DataError
from jaxcluster.data.discovery import EXTENSIONS as IMAGES
from jaxcluster.data.discovery import check_regular, missing
from jaxcluster.data.labels import numbers_if_all
from jaxcluster.data.tables import read_rows, read_table

__all__ = ["EXTENSIONS", "read_labels"]

EXTENSIONS = (".npy", ".npz", ".txt", ".csv", ".tsv", ".parquet")


class _Listed(NamedTuple):
    """What a file of labels holds."""

    values: np.ndarray
    """[m] labels as they came."""
    keys: list[str] | None = None
    """[m] what they are labels of; None: they are in the order of the samples."""
    called: str = ""
    """Where the keys stand, for sentences."""


def read_labels(
    path: str,
    where: str,
    n: int,
    report: Callable[[str], None],
    *,
    names: tuple[str, ...] | None = None,
    skipped: tuple[str, ...] = (),
    id_column: str = "",
    label_column: str = "",
) -> np.ndarray:
    """Read the labels of n samples.

    `.npy` and `.npz` hold them in the order of the samples; `.txt` one per line, or lines of PATH LABEL; tables
    (`.csv`, `.tsv`, `.parquet`) in their only column, or under a usual heading or `label_column`. Where the file
    names its samples (a column of paths, names or numbers), labels are joined by name, in any order of the
    lines: by the whole path, else by the file's name, else by the name without its extension. Samples without names
    (of an array) may be numbered, from 0 or 1.

    Args:
        path: the file; for a folder of images the order of the samples is that of the sorted relative paths.
        where: field and value, as errors name them.
        n: number of samples.
        report: takes a sentence for the user.
        names: [n] names of the samples; None if they have none.
        skipped: names of samples that were left out, and whose labels may be there.
        id_column: heading of the column that names the samples; empty: a usual one.
        label_column: heading of the column of labels; empty: a usual one.

    Returns:
        [n] labels as they came; text that reads as whole numbers is turned into numbers.

    Raises:
        DataError: if the file is missing, unreadable, of another kind, leaves open which labels are meant, or does not
            have all samples.
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in EXTENSIONS:
        raise DataError(f"{where}: extension '{suffix}'; expected one of {', '.join(EXTENSIONS)}")
    if not os.path.lexists(path):
        raise missing(path, where, "file")
    check_regular(path, where)
    if suffix == ".npy":
        listed = _Listed(arrays.read_npy(path, where))
    elif suffix == ".npz":
        found = arrays.read_npz(path, where, lambda keys: arrays.only_key(keys, LABEL_HEADINGS, where, "labels"))
        listed = _Listed(next(iter(found.values())))
    elif suffix == ".txt":
        listed = _from_lines(path, where, names)
    elif suffix == ".parquet":
        listed = _from_parquet(path, where, id_column, label_column)
    else:
        listed = _from_table(path, where, n + len(skipped), names, id_column, label_column)
    if listed.keys is None:
        return _in_order(listed.values, n, names, skipped)
    return _joined(listed, n, names, where, report)


def _from_lines(path: str, where: str, names: tuple[str, ...] | None) -> _Listed:
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = file.read().rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{where}: unreadable as UTF-8 text ({error})") from error
    lines = [line.strip() for line in lines]
    _check_words(lines, where)
    mark = "\t" if all("\t" in line for line in lines) else None
    pairs = [line.rsplit(mark, 1) for line in lines]
    if all(len(pair) == 2 for pair in pairs):
        keys = [pair[0].strip() for pair in pairs]
        known = set(names or ())
        if all(os.path.splitext(key)[1].lower() in IMAGES for key in keys) or any(key in known for key in keys):
            return _Listed(numbers_if_all([pair[1] for pair in pairs]), keys, "the paths before the labels")
    return _Listed(numbers_if_all(lines))


def _from_table(path, where, n: int, names, id_column: str, label_column: str) -> _Listed:
    rows = [row for _, row in read_rows(path, where)]
    if not rows:
        raise DataError(f"{where}: the file is empty; expected one label per line")
    head, width = rows[0], len(rows[0])
    short = [i for i, row in enumerate(rows) if len(row) != width]
    if short:
        raise DataError(f"{where}: row {short[0]} has {len(rows[short[0]])} cells, where the first has {width}")
    usual = [cell for cell in head if cell.lower() in LABEL_HEADINGS]
    headed = bool(usual) or (bool(label_column) and label_column in head) or (width == 1 and len(rows) == n + 1)
    label_at = find_column(head, label_column, LABEL_HEADINGS, "data.label_column", where) if headed else None
    id_at = find_column(head, id_column, ID_HEADINGS, "data.id_column", where) if headed else None
    body = rows[headed:]
    columns = [[row[i] for row in body] for i in range(width)]
    if width == 1:
        label_at, id_at = 0, None
    elif label_at is None and width == 2:
        id_at = next((i for i in (0, 1) if _are_keys(columns[i], names)), None)
        label_at = None if id_at is None else 1 - id_at
        if id_at is not None and not headed and _is_heading(head[id_at], names):
            headed, columns = True, [column[1:] for column in columns]
        if id_at is None and names:
            raise DataError(
                f"{where}: neither of its columns ({', '.join(head)}) holds names of samples (the first sample is "
                f"'{names[0]}'), and none is named {' or '.join(LABEL_HEADINGS[:6])}"
            )
    if label_at is None:
        raise DataError(
            f"{where}: columns are {', '.join(head)}; expected one column, or exactly one named "
            f"{' or '.join(LABEL_HEADINGS[:6])}, or data.label_column"
        )
    _check_words(columns[label_at], where)
    keys = columns[id_at] if id_at is not None and id_at != label_at else None
    return _Listed(
        numbers_if_all(columns[label_at]), keys, f"column '{head[id_at]}'" if keys and headed else "the names"
    )


def _from_parquet(path: str, where: str, id_column: str, label_column: str) -> _Listed:
    columns, _ = read_table(path, where)
    names = [column.name for column in columns]
    label_at = find_column(names, label_column, LABEL_HEADINGS, "data.label_column", where)
    id_at = find_column(names, id_column, ID_HEADINGS, "data.id_column", where)
    if label_at is None and len(columns) == 1:
        label_at = 0
    if label_at is None:
        raise DataError(f"{where}: columns are {', '.join(names)}; name the one of the labels: data.label_column")
    values = columns[label_at].values
    if columns[label_at].is_text:
        _check_words(values.tolist(), where)
    keys = None
    if id_at is not None and id_at != label_at:
        keys = [str(int(v)) if isinstance(v, float) and v == int(v) else str(v) for v in columns[id_at].values.tolist()]
    return _Listed(values, keys, f"column '{names[id_at]}'" if keys else "")


def _check_words(words: list[str], where: str) -> None:
    if not words:
        raise DataError(f"{where}: the file is empty; expected one label per line")
    if "" in words:
        raise DataError(f"{where}: label {words.index('')} (counted from 0) is empty; expected one label per line")


def _is_heading(cell: str, names: tuple[str, ...] | None) -> bool:
    """Whether the first cell of a column of names is its heading."""
    return cell.lower() in ID_HEADINGS and not any(_forms_match([cell], names))


def _are_keys(column: list[str], names: tuple[str, ...] | None) -> bool:
    return _numbered(column) is not None or any(_forms_match(column, names))


def _numbered(keys: list[str]) -> np.ndarray | None:
    """Positions, if the keys are the whole numbers from 0, or from 1, each once."""
    try:
        numbers = np.array([int(key) for key in keys])
    except (ValueError, OverflowError):
        return None
    for first in (0, 1):
        if np.array_equal(np.sort(numbers), np.arange(first, first + len(numbers))):
            return numbers - first
    return None


FORMS = (
    lambda name: name.replace("\\", "/").removeprefix("./"),
    lambda name: os.path.basename(name.replace("\\", "/")),
    lambda name: os.path.splitext(os.path.basename(name.replace("\\", "/")))[0],
)


def _forms_match(keys: list[str], names: tuple[str, ...] | None) -> list[bool]:
    return [bool({form(key) for key in keys} & {form(name) for name in names or ()}) for form in FORMS]


def _in_order(values: np.ndarray, n: int, names, skipped: tuple[str, ...]) -> np.ndarray:
    """Labels in the order of the samples; those of skipped files are left out, if they are there."""
    if not skipped or names is None or len(values) != n + len(skipped):
        return values
    left_out = set(skipped)
    return values[[name not in left_out for name in sorted({*names, *skipped})]]


def _joined(listed: _Listed, n: int, names, where: str, report: Callable[[str], None]) -> np.ndarray:
    keys = listed.keys
    numbers = _numbered(keys)
    if names is None:
        if len(keys) != n:
            raise DataError(f"{where}: {len(keys)} labels for {n} samples; expected one label per sample")
        if numbers is not None:
            return listed.values[np.argsort(numbers)]
        report(
            f"{where}: {listed.called} cannot be matched, as the samples have no names; labels are taken in their order"
        )
        return listed.values
    matches = _forms_match(keys, names)
    if not any(matches):
        if numbers is not None and len(keys) == n:
            return listed.values[np.argsort(numbers)]
        raise DataError(
            f"{where}: none of {listed.called} is a sample (first: '{keys[0]}'; the first sample is '{names[0]}')"
        )
    problems = []
    for form in (form for form, does in zip(FORMS, matches) if does):
        shown = [form(key) for key in keys]
        found, absent, problem = _lookup(shown, [form(name) for name in names], listed.values)
        if found is not None:
            known = {form(name) for name in names}
            extra = [key for key in shown if key not in known]
            if extra:
                what = (
                    "1 label belongs to no sample and is"
                    if len(extra) == 1
                    else (f"{len(extra)} labels belong to no sample and are")
                )
                report(f"{where}: {what} left out (first: '{extra[0]}')")
            return found
        problems.append((absent, problem))
    raise DataError(f"{where}: {min(problems, key=lambda pair: pair[0])[1]}")  # of the form that fits best


def _lookup(keys: list[str], names: list[str], values: np.ndarray) -> tuple[np.ndarray | None, int, str]:
    """Labels in the order of the names; or how many lack one (all, if the names do not tell samples apart), and why."""
    rows: dict[str, int] = {}
    for row, key in enumerate(keys):
        if rows.setdefault(key, row) != row and values[rows[key]] != values[row]:
            return None, len(names), f"'{key}' has several labels"
    absent = [name for name in names if name not in rows]
    if absent:
        what = f"{len(absent)} of {len(names)} samples have no label (first: '{absent[0]}')"
        return None, len(absent), f"{what}; give labels for all samples or for none"
    if len(set(names)) < len(names):
        return None, len(names), "several samples have the same name"
    return values[[rows[name] for name in names]], 0, ""
