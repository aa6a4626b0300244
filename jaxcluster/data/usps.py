"""Make usps.npz from the public files of the USPS digits (9,298 images of 16x16 pixels).

    python -m jaxcluster.data.usps --train zip.train.gz --test zip.test.gz --out usps.npz

Two publishers, one content: the data page of the book "The Elements of Statistical Learning" (zip.train.gz,
7,291 lines; zip.test.gz, 2,007 lines; a label from 0 to 9, then 256 values in [-1, 1]) and LIBSVM's
multiclass page (usps, usps.t, also as .bz2; labels from 1 to 10, then index:value pairs). Both are
recognized by their first line. The result holds `x` [n, 16, 16, 1] float32 in [0, 1] as (value + 1) / 2,
training images first, and `y` [n] int64.
"""

import argparse
import bz2
import gzip
import sys
import zlib
from pathlib import Path

import numpy as np

from jaxcluster.data.dataset import DataError

__all__ = ["main", "read_digits"]

PIXELS = 256
PUBLISHED = {"--train": 7291, "--test": 2007}


def read_digits(path: str, field: str) -> tuple[np.ndarray, np.ndarray]:
    """Read one file of either publisher, plain, gzipped or bzip2ed.

    Args:
        path: the file.
        field: the option that named it, for errors.

    Returns:
        Pixels [n, 16, 16, 1] float32 in [0, 1] and labels [n] int64 from 0 to 9.

    Raises:
        DataError: if the file is missing, damaged, or not what its publisher documents; it names the line.
    """
    where = f"{field} {path}"
    lines = [(number, line) for number, line in enumerate(_lines(path, where), 1) if line.strip()]
    if not lines:
        raise DataError(f"{where}: the file is empty")
    sparse = ":" in lines[0][1]
    values = np.empty((len(lines), PIXELS), np.float32)
    labels = np.empty(len(lines), np.int64)
    for row, (number, line) in enumerate(lines):
        try:
            labels[row], values[row] = _sparse(line) if sparse else _dense(line)
        except ValueError as error:
            raise DataError(f"{where}, line {number}: {error}") from error
    pixels = (values + 1) / 2
    return pixels.reshape(-1, 16, 16, 1), labels


def _lines(path: str, where: str) -> list[str]:
    try:
        data = Path(path).read_bytes()
        if data[:2] == b"\x1f\x8b":  # by content: browsers unpack a download, or not, and keep its name
            data = gzip.decompress(data)
        elif data[:3] == b"BZh":
            data = bz2.decompress(data)
        return data.decode("ascii").splitlines()
    except FileNotFoundError as error:
        raise DataError(f"{where}: no such file") from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{where}: truncated or no text file ({error})") from error


def _dense(line: str) -> tuple[int, np.ndarray]:
    words = line.split()
    if len(words) != PIXELS + 1:
        raise ValueError(f"{len(words)} numbers; expected a label and {PIXELS} values")
    return _label(words[0], first=0), _in_range(np.array(words[1:], float))


def _sparse(line: str) -> tuple[int, np.ndarray]:
    label, *pairs = line.split()
    values = np.zeros(PIXELS)  # LIBSVM leaves zeros out
    for pair in pairs:
        index, _, value = pair.partition(":")
        if not 1 <= int(index) <= PIXELS:
            raise ValueError(f"index {index}; expected 1 to {PIXELS}")
        values[int(index) - 1] = float(value)
    return _label(label, first=1), _in_range(values)


def _label(word: str, first: int) -> int:
    label = float(word)  # the book writes 6.0000
    if label != int(label) or not first <= label <= first + 9:
        raise ValueError(f"label {word}; expected {first} to {first + 9}")
    return int(label) - first


def _in_range(values: np.ndarray) -> np.ndarray:
    if not (np.abs(values) <= 1).all():
        raise ValueError(f"values from {values.min():g} to {values.max():g}; expected -1 to 1")
    return values


def main(argv: list[str] | None = None) -> int:
    """Read both files and write the result; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m jaxcluster.data.usps", description=__doc__.splitlines()[0])
    parser.add_argument("--train", required=True, help="zip.train.gz, or LIBSVM's usps or usps.bz2")
    parser.add_argument("--test", required=True, help="zip.test.gz, or LIBSVM's usps.t or usps.t.bz2")
    parser.add_argument("--out", default="usps.npz", help="file to write (usps.npz); never overwritten")
    options = parser.parse_args(argv)
    out = Path(options.out)
    try:
        if out.suffix != ".npz":
            raise DataError(f"--out {out}: expected a name that ends in .npz")
        if out.exists():
            raise DataError(f"--out {out}: exists already; remove it or choose another name")
        if not out.parent.is_dir():
            raise DataError(f"--out {out}: there is no folder {out.parent}")
        parts = []
        for field, path in (("--train", options.train), ("--test", options.test)):
            parts.append(read_digits(path, field))
            found = len(parts[-1][1])
            if found != PUBLISHED[field]:
                print(
                    f"{field} {path}: {found} digits, where {PUBLISHED[field]} were published",
                    file=sys.stderr,
                )
        x, y = (np.concatenate(pieces) for pieces in zip(*parts))
        with out.open("xb") as file:
            np.savez_compressed(file, x=x, y=y)
    except (DataError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{out}: x {list(x.shape)} float32 in [0, 1], y [{len(y)}]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
