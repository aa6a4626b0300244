"""Arrays in `.npy` and `.npz` files, never with pickled objects in them.

What a file declares is checked before anything is allocated: a few bytes may promise hundreds of gigabytes.
"""

import math
import os
import zipfile
import zlib
from collections.abc import Callable

import numpy as np

from jaxcluster.data.dataset import DataError, Source
from jaxcluster.data.memory import check_fits

__all__ = ["EXTENSIONS", "only_key", "read_arrays", "read_npy", "read_npz"]

EXTENSIONS = (".npz", ".npy")
IMAGE_KEYS = ("x", "X", "images", "data")
LABEL_KEYS = ("y", "labels", "label", "targets")
NAMES_KEY = "label_names"
SPARSE_KEYS = {"data", "format", "shape"}

BOMB_RATIO, BOMB_BYTES = 500, 1 << 30  # packed so well and unpacked so large: nothing but one value repeated

# What np.load raises on files that are cut short, overwritten or of another kind.
DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    SyntaxError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
)


def read_arrays(path: str, where: str, *, with_labels: bool = True) -> Source:
    """Read images, and labels if there are any, from a `.npy` or `.npz` file.

    In an `.npz`, images are `x`, `X`, `images` or `data`, else the only array that is left; labels are `y`, `labels`,
    `label` or `targets`, and may be missing. If there is an array `label_names`, labels are whole numbers that count
    in it. No other array is read.

    Args:
        path: the file.
        where: field and value, as errors name them.
        with_labels: whether labels are read at all.

    Returns:
        The pixels, unchecked, and the labels or None.

    Raises:
        DataError: if the file is damaged, holds Python objects, or leaves open which array is meant.
    """
    if path.lower().endswith(".npy"):
        return _source(read_npy(path, where), None, None)
    chosen: list[str | None] = []

    def choose(keys: list[str]) -> list[str]:
        labeled = [key for key in LABEL_KEYS if key in keys]
        if len(labeled) > 1:
            raise DataError(f"{where}: arrays {', '.join(labeled)} may all be the labels; keep one of them")
        others = [key for key in keys if key not in (*labeled[: len(keys) > 1], NAMES_KEY)]
        (image_key,) = only_key(others, IMAGE_KEYS, where, "images", keys)
        label_key = labeled[0] if labeled and image_key != labeled[0] and with_labels else None
        chosen.extend([image_key, label_key])
        names = [NAMES_KEY] if label_key and NAMES_KEY in keys else []
        return [image_key, *([label_key] if label_key else []), *names]

    found = read_npz(path, where, choose)
    image_key, label_key = chosen
    return _source(found[image_key], found.get(label_key), found.get(NAMES_KEY), where)


def _source(pixels: np.ndarray, labels, label_names, where: str = "") -> Source:
    white = 1.0 if pixels.dtype == bool else None
    if labels is None or label_names is None:
        return Source(pixels, labels, white=white)
    names = tuple(str(name) for name in label_names.ravel().tolist())
    whole = labels.dtype.kind in "iu" and labels.ndim == 1 and len(labels)
    if not whole or labels.min() < 0 or labels.max() >= len(names):
        raise DataError(f"{where}: labels do not count in '{NAMES_KEY}', which has {len(names)} names")
    if pixels.ndim == 0 or len(labels) != len(pixels):
        raise DataError(
            f"{where}: {len(labels)} labels for arrays of shape {pixels.shape}; expected one label per sample"
        )
    return Source(pixels, labels.astype(np.int32), names, white=white)


def read_npy(path: str, where: str) -> np.ndarray:
    """Read one array, or say in one sentence why it cannot be read."""
    try:
        with open(path, "rb") as file:
            if file.read(4) == b"PK\x03\x04":
                raise DataError(f"{where}: holds several arrays; rename it to .npz")
            file.seek(0)
            _check_header(file, os.path.getsize(path), where)
        return np.load(path, allow_pickle=False)
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(f"{where}: there is not enough memory for it ({error})") from error
    except DAMAGE as error:
        raise _unreadable(where, error) from error


def read_npz(path: str, where: str, choose: Callable[[list[str]], list[str]]) -> dict[str, np.ndarray]:
    """Read some arrays of an `.npz`, or say in one sentence why they cannot be read.

    Args:
        path: the file.
        where: field and value, as errors name them.
        choose: takes the names of all arrays, and returns those to read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            return {key: _member(archive, members[key], f"{where}, array '{key}'") for key in choose(list(members))}
    except DataError:
        raise
    except DAMAGE as error:
        raise _unreadable(where, error) from error


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> np.ndarray:
    try:
        if info.file_size > BOMB_BYTES and info.file_size > BOMB_RATIO * info.compress_size:
            raise DataError(
                f"{where}: unpacks from {info.compress_size / 2**20:,.1f} MiB to {info.file_size / 2**30:,.1f} GiB, "
                "which no data do; save it without compression if it is what you want"
            )
        with archive.open(info) as file:
            _check_header(file, info.file_size, where)
        with archive.open(info) as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(f"{where}: there is not enough memory for it ({error})") from error
    except DAMAGE as error:
        raise _unreadable(where, error) from error


def _check_header(file, size: int, where: str) -> None:
    """Compare what a header declares with the bytes that follow it, and with the memory there is."""
    version = np.lib.format.read_magic(file)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = reader(file)
    if dtype.hasobject:
        raise DataError(f"{where}: holds Python objects (dtype object); expected plain numbers")
    declared, there = math.prod(shape) * dtype.itemsize, size - file.tell()
    if min(shape, default=0) < 0 or declared > there:
        raise DataError(
            f"{where}: truncated, damaged or no NumPy file (its header declares shape {shape} of {dtype}, "
            f"{declared / 2**30:,.1f} GiB, and {max(there, 0):,} bytes follow)"
        )
    check_fits(declared, f"an array of shape {shape}", where)


def _unreadable(where: str, error: Exception) -> DataError:
    return DataError(f"{where}: truncated, damaged or no NumPy file ({type(error).__name__}: {error})")


def only_key(
    keys: list[str], preferred: tuple[str, ...], where: str, meaning: str, listed: list[str] | None = None
) -> list[str]:
    """Pick the one of `preferred` that is there, else the only one; an error lists what there is."""
    named = [key for key in preferred if key in keys] or list(keys)
    if len(named) == 1:
        return named
    shown = ", ".join(keys if listed is None else [key for key in listed if key in keys]) or "none"
    raise DataError(
        f"{where}: arrays in the file are: {shown}; expected the {meaning} under one of {', '.join(preferred)}"
    )
