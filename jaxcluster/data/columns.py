"""Which column of a table names the samples, which labels them, and which are features."""

import difflib
from collections.abc import Callable

import numpy as np

from jaxcluster.data.dataset import DataError, Frame, Source
from jaxcluster.data.tables import Column, read_table

__all__ = ["ID_HEADINGS", "LABEL_HEADINGS", "by_headings", "find_column", "read_features"]

LABEL_HEADINGS = (
    "y", "label", "labels", "target", "targets", "class", "classes", "class_name", "class_label", "category",
    "cell_type", "celltype", "ground_truth",
)  # fmt: skip
ID_HEADINGS = (
    "", "id", "ids", "index", "unnamed: 0", "__index_level_0__", "file", "files", "filename", "file_name", "filepath",
    "path", "image", "image_id", "image_path", "img", "name", "key", "uuid", "sample", "sample_id",
    "barcode", "cell_id",
)  # fmt: skip


def find_column(names: list[str], wanted: str, headings: tuple[str, ...], field: str, where: str) -> int | None:
    """Find a column by the heading that the user gives, else by the usual ones.

    Args:
        names: the headings.
        wanted: the user's heading, or a position from 0 (from the end if negative); empty: one of `headings`;
            "none": no column.
        headings: the usual headings, in lower case.
        field: the setting that names the column, for errors.
        where: field and value of the table.

    Returns:
        Its position, or None.

    Raises:
        DataError: if the user's column is not there, or several have usual headings.
    """
    if wanted == "none":
        return None
    if wanted:
        if wanted in names:
            return names.index(wanted)
        try:
            return range(len(names))[int(wanted)]
        except (ValueError, IndexError) as error:
            shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
            lower = {name.lower(): name for name in reversed(names)}
            near = difflib.get_close_matches(wanted.lower(), lower, n=1)
            hint = f"; did you mean '{lower[near[0]]}'?" if near else ""
            raise DataError(f"{field}='{wanted}': no such column in {where}; the columns are {shown}{hint}") from error
    usual = [i for i, name in enumerate(names) if name.lower() in headings]
    if len(usual) > 1 and headings is LABEL_HEADINGS:
        shown = ", ".join(names[i] for i in usual)
        raise DataError(
            f"{where}: columns {shown} may all be the labels; say which: {field}={names[usual[0]]}, or none"
        )
    return usual[0] if usual else None


def read_features(
    path: str,
    where: str,
    report: Callable[[str], None],
    *,
    like: Frame | None = None,
    id_column: str = "",
    label_column: str = "",
) -> Source:
    """Read a table as feature vectors, with names and labels of the samples if there are such columns.

    Args:
        path: a .csv, .tsv or .parquet file.
        where: field and value, as errors name them.
        report: takes a sentence for the user: which columns are what, and which are left out.
        like: the frame of a fitted model; its columns are found by their headings, in any order.
        id_column: heading of the names; see `find_column`.
        label_column: heading of the labels; see `find_column`.

    Returns:
        [n, d] float64 numbers, names, labels and headings.

    Raises:
        DataError: if there are no numbers, or columns of the fitted data are missing.
    """
    texts = tuple({*ID_HEADINGS, *LABEL_HEADINGS, id_column.lower(), label_column.lower()})
    columns, headed = read_table(path, where, texts)
    names = [column.name for column in columns]
    label_at = find_column(names, label_column, LABEL_HEADINGS, "data.label_column", where)
    id_at = find_column(names, id_column, ID_HEADINGS, "data.id_column", where)
    labels = None if label_at is None else columns[label_at].values
    wanted = ((like.transform or {}).get("names") if like is not None else None) or []
    if labels is not None and not label_column and (names[label_at] in wanted or not _may_be_labels(labels)):
        label_at, labels = None, None  # a measurement called y
    if label_at is not None:
        report(f"{where}: column '{names[label_at]}' holds the labels (data.label_column)")
    ids = None if id_at is None else _as_words(columns[id_at].values)
    if id_at is not None:
        report(f"{where}: column '{names[id_at] or id_at}' names the samples (data.id_column)")
    names_of_samples = [i for i, name in enumerate(names) if name.lower() in ID_HEADINGS and not id_column]
    others = {label_at, id_at, *names_of_samples} - {None}
    kept = [_as_numbers(column) for i, column in enumerate(columns) if i not in others]
    x, headings = by_headings(kept, wanted, where, report)
    label_values = None if labels is None else _as_given(labels)
    return Source(x, label_values, ids=ids, feature_names=headings if headed else None)


def _may_be_labels(values: np.ndarray) -> bool:
    words = _as_given(values)
    return words.dtype.kind in "iUb" or bool((words == np.floor(words)).all())


def _as_given(values: np.ndarray) -> np.ndarray:
    from jaxcluster.data.labels import numbers_if_all

    return numbers_if_all(values.tolist()) if values.dtype.kind in "OU" else values


def _as_words(values: np.ndarray) -> tuple[str, ...]:
    whole = values.dtype.kind == "f" and values.ndim == 1 and (values == np.floor(values)).all()
    return tuple(str(int(v)) if whole else str(v) for v in values.tolist())


def _as_numbers(column: Column) -> Column:
    """Read a column that was kept as text for its heading as numbers, if all its cells are."""
    if not column.is_text:
        return column
    try:
        return column._replace(values=column.values.astype(np.float64))
    except (TypeError, ValueError):
        return column


def by_headings(columns: list[Column], wanted: list[str], where: str, report) -> tuple[np.ndarray, tuple[str, ...]]:
    """[n, d] of columns, and their headings: of a fitted model those that are `wanted`, else all of numbers.

    Raises:
        DataError: columns of the fitted data are missing, or none holds numbers.
    """
    words = [column.name for column in columns if column.is_text]
    there = {column.name: column for column in columns if not column.is_text}
    if wanted and len(there) == sum(not column.is_text for column in columns):
        spread = _spread(list(there.values()))
        absent = [name for name in wanted if name not in spread]
        if absent:
            raise DataError(
                f"{where}: columns of the fitted data are missing: {', '.join(absent[:10])} ({len(absent)} of "
                f"{len(wanted)})"
            )
        extra = [name for name in spread if name not in wanted]
        if extra:
            report(f"{where}: columns that the model does not know are left out: {', '.join(extra[:10])}")
        return np.column_stack([spread[name] for name in wanted]), tuple(wanted)
    if words:
        report(
            f"{where}: columns of text are left out: {', '.join(words[:10])}{' and more' if len(words) > 10 else ''}"
        )
    if not there:
        raise DataError(f"{where}: no column of numbers is left; the columns are {', '.join(words[:10]) or 'none'}")
    kept = [column for column in columns if not column.is_text]
    headings = [name for column in kept for name in _headings(column)]
    return np.column_stack([column.values for column in kept]), tuple(headings)


def _spread(columns: list[Column]) -> dict[str, np.ndarray]:
    """Columns by heading, a column of vectors as several."""
    return {
        name: values
        for column in columns
        for name, values in zip(_headings(column), column.values.reshape(len(column.values), -1).T)
    }


def _headings(column: Column) -> list[str]:
    if column.values.ndim == 1:
        return [column.name]
    return [f"{column.name}[{i}]" for i in range(column.values.shape[1])]
