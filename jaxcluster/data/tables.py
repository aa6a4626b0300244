"""Tables: columns of numbers or text from .csv, .tsv and .parquet files."""

import csv
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jaxcluster.data.dataset import DataError
from jaxcluster.data.memory import check_fits

__all__ = ["EXTENSIONS", "Column", "delimiter_of", "is_number", "read_rows", "read_table"]

EXTENSIONS = (".csv", ".tsv", ".parquet")
MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-", "<na>")
TRUTH = {"true": 1.0, "false": 0.0}
SAMPLE = 200  # rows that decide which columns hold numbers
NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
COMMA = re.compile(r"\s*[-+]?\d+,\d+([eE][-+]?\d+)?\s*")


class Column(NamedTuple):
    """One column of a table."""

    name: str
    """Its heading; its position, from 0, where the table has no headings."""
    values: np.ndarray
    """[n] numbers (float64) or text; [n, d] numbers for a column of vectors."""

    @property
    def is_text(self) -> bool:
        """Whether it holds text."""
        return self.values.dtype.kind in "OU"


def read_table(path: str, where: str, texts: tuple[str, ...] = ()) -> tuple[list[Column], bool]:
    """Read all columns of a table.

    Columns of a text file: those in which more than half of the first 200 cells that are not missing are numbers
    (or true and false) hold numbers, and every cell of them must be one; the others hold text. The first line is a
    heading if no cell of it is a number, or if its cells are the whole numbers from 0 or 1 on. The delimiter is a tab
    in .tsv files, else the one of comma, semicolon, tab and bar that is most frequent in the first line; with
    semicolons, numbers may have a decimal comma.

    Args:
        path: a .csv, .tsv or .parquet file.
        where: field and value, as errors name them.
        texts: headings, in lower case, of columns to be read as text whatever they hold, so that 007 stays 007.

    Returns:
        The columns in their order, and whether they have headings.

    Raises:
        DataError: if the file cannot be read, rows differ in length, or numbers are missing; it names column and line.
    """
    if path.lower().endswith(".parquet"):
        return _read_parquet(path, where), True
    return _read_text(path, where, texts)


def read_rows(path: str, where: str) -> Iterator[tuple[int, list[str]]]:
    """Go through the rows of a text file: (line number, stripped cells); empty lines are left out.

    Raises:
        DataError: if it is no UTF-8 text, or no table.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            start = file.readline()
            delimiter = delimiter_of(start, path)
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True)
            for row in reader:
                if row and (len(row) > 1 or row[0].strip()):
                    yield reader.line_num, [cell.strip() for cell in row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{where}: unreadable as UTF-8 text ({error})") from error


def delimiter_of(line: str, path: str) -> str:
    """The delimiter of a table by its name and first line."""
    if path.lower().endswith(".tsv"):
        return "\t"
    return max(",;\t|", key=line.count)


def is_number(cell: str, comma: bool = False) -> bool:
    """Whether a cell holds a finite number."""
    return bool(NUMBER.fullmatch(cell) or (comma and COMMA.fullmatch(cell)))


def _read_text(path: str, where: str, texts: tuple[str, ...]) -> tuple[list[Column], bool]:
    rows = read_rows(path, where)
    sample = [row for _, row in zip(range(SAMPLE + 1), rows)]
    rows.close()
    if not sample:
        raise DataError(f"{where}: the file is empty; expected a table")
    with open(path, encoding="utf-8-sig") as file:
        delimiter = delimiter_of(file.readline(), path)
    comma = delimiter == ";"
    first = sample[0][1]
    headed = _is_heading(first)
    names = tuple(first) if headed else tuple(str(i) for i in range(len(first)))
    body = sample[headed:]
    if not body:
        raise DataError(f"{where}: there is a heading and no row below it")
    numeric = [
        name.lower() not in texts and _holds_numbers([row[i] for _, row in body if i < len(row)], comma)
        for i, name in enumerate(names)
    ]
    fast = _fast(path, delimiter, headed, numeric) if all(numeric) or sum(numeric) > 30 else None
    return _columns(path, where, names, headed, numeric, comma, fast), headed


def _is_heading(cells: list[str]) -> bool:
    if not any(is_number(cell) for cell in cells):
        return any(cells)
    counted = [str(i) for i in range(len(cells) + 1)]
    return len(cells) > 1 and cells in (counted[:-1], counted[1:])


def _holds_numbers(cells: list[str], comma: bool) -> bool:
    known = [cell for cell in cells if cell.lower() not in MISSING]
    numbers = sum(is_number(cell, comma) or cell.lower() in TRUTH for cell in known)
    return 2 * numbers > len(known) or not known


def _fast(path: str, delimiter: str, headed: bool, numeric: list[bool]) -> np.ndarray | None:
    """[n, d] of the columns of numbers, many times as fast as cell by cell; None if one of them is no number."""
    some = [i for i, is_numeric in enumerate(numeric) if is_numeric]
    columns = None if all(numeric) else some  # without a choice of columns, rows of another length are noticed
    try:
        with open(path, encoding="utf-8-sig") as file:
            if headed:
                next(csv.reader(file, delimiter=delimiter))
            return np.loadtxt(file, delimiter=delimiter, usecols=columns, quotechar='"', comments=None, ndmin=2)
    except (ValueError, StopIteration):
        return None


def _columns(path, where, names, headed: bool, numeric, comma: bool, fast: np.ndarray | None) -> list[Column]:
    """Cell by cell: what `fast` does not hold, and what is wrong."""
    slow = [i for i, is_numeric in enumerate(numeric) if not is_numeric or fast is None]
    found: dict[int, list] = {i: [] for i in slow}
    missing: dict[int, int] = {}
    at = None
    for k, (line, row) in enumerate(read_rows(path, where) if slow else ()):
        if headed and k == 0:
            continue
        if len(row) != len(names):
            raise DataError(f"{where}, line {line}: {len(row)} cells, where the first line has {len(names)}")
        for i in slow:
            cell = row[i]
            if not numeric[i]:
                found[i].append(cell)
            elif is_number(cell, comma):
                found[i].append(float(cell.replace(",", ".") if comma else cell))
            elif cell.lower() in TRUTH:
                found[i].append(TRUTH[cell.lower()])
            elif cell.lower() in MISSING:
                missing[i] = missing.get(i, 0) + 1
                at = at or line
            else:
                raise DataError(
                    f"{where}, line {line}, column '{names[i]}': '{cell[:40]}' is no number, where most are; "
                    "correct it or leave out the column"
                )
    if missing:
        raise _missing({names[i]: count for i, count in missing.items()}, where, f", first in line {at}")
    if fast is not None:
        _check_present(fast, [name for name, is_numeric in zip(names, numeric) if is_numeric], where)
    numbers = iter(() if fast is None else fast.T)
    return [
        Column(name, np.array(found[i], float if numeric[i] else object) if i in found else next(numbers))
        for i, name in enumerate(names)
    ]


def _check_present(values: np.ndarray, names: list[str], where: str) -> None:
    absent = np.isnan(values).sum(0)
    if absent.any():
        raise _missing({names[i]: int(absent[i]) for i in np.flatnonzero(absent)}, where, "")


def _missing(counts: dict[str, int], where: str, first: str) -> DataError:
    shown = ", ".join(f"'{name}' ({count})" for name, count in list(counts.items())[:10])
    more = f" and {len(counts) - 10} more" if len(counts) > 10 else ""
    return DataError(
        f"{where}: values are missing in columns {shown}{more}{first}; fill them in, or leave out those rows or columns"
    )


def _read_parquet(path: str, where: str) -> list[Column]:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise DataError(f"{where}: reading parquet needs pyarrow: pip install 'jaxcluster[tables]'") from error
    try:
        about = parquet.read_metadata(path)
        check_fits(about.num_rows * about.num_columns * 8, f"{about.num_rows:,} rows", where)
        table = parquet.read_table(path)
    except (DataError, MemoryError):
        raise
    except Exception as error:  # pyarrow has errors of its own, and raises OSError and ValueError too
        raise DataError(f"{where}: truncated, damaged or no parquet file ({str(error).splitlines()[0]})") from error
    if table.num_rows == 0:
        raise DataError(f"{where}: the table has no rows")
    absent = {name: table[name].null_count for name in table.column_names if table[name].null_count}
    columns, counts = [], {}
    for name in table.column_names:
        values = _parquet_values(table[name], name, where)
        if name in absent and values.dtype.kind not in "OU":
            counts[name] = absent[name]
        columns.append(Column(name, values))
    if counts:
        raise _missing(counts, where, "")
    return columns


def _parquet_values(column, name: str, where: str) -> np.ndarray:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_boolean(kind):
        column, kind = column.cast(pa.int8()), pa.int8()
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return column.cast(pa.float64(), safe=False).to_numpy()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        rows = column.to_pylist()
        lengths = {None if row is None else len(row) for row in rows}
        if len(lengths) != 1 or None in lengths:
            raise DataError(f"{where}, column '{name}': lists of different lengths; expected vectors of one length")
        return np.array(rows, np.float64)
    return np.array(["" if value is None else str(value) for value in column.to_pylist()], object)
