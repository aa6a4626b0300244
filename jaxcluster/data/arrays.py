"""Arrays in `.npy` and `.npz` files, never with pickled objects in them."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from jaxcluster.data.dataset import DataError, Source

__all__ = ["EXTENSIONS", "only_array", "read_arrays", "read_npy", "read_npz"]

EXTENSIONS = (".npz", ".npy")
IMAGE_KEYS = ("x", "X", "images", "data")
LABEL_KEYS = ("y", "labels", "label", "targets")

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


def read_arrays(path: str, where: str) -> Source:
    """Read images, and labels if there are any, from a `.npy` or `.npz` file.

    In an `.npz`, images are `x`, `X`, `images` or `data`, else the only array that is left; labels are `y`,
    `labels`,
    `label` or `targets`, and may be missing.

    Args:
        path: the file.
        where: field and value, as errors name them.

    Returns:
        The pixels, unchecked, and the labels or None.

    Raises:
        DataError: if the file is damaged, holds Python objects, or leaves open which array is meant.
    """
    if Path(path).suffix.lower() == ".npy":
        pixels, labels = read_npy(path, where), None
    else:
        found = read_npz(path, where)
        labeled = [key for key in LABEL_KEYS if key in found]
        if len(labeled) > 1:
            raise DataError(f"{where}: arrays {', '.join(labeled)} may all be the labels; keep one of them")
        labels = found.pop(labeled[0]) if labeled and len(found) > 1 else None
        pixels = only_array(found, IMAGE_KEYS, where, "images")
    return Source(pixels, labels, white=1.0 if pixels.dtype == bool else None)


def read_npy(path: str, where: str) -> np.ndarray:
    """Read one array, or say in one sentence why it cannot be read."""
    try:
        found = np.load(path, allow_pickle=False)
    except DAMAGE as error:
        raise _unreadable(where, error) from error
    if not isinstance(found, np.ndarray):  # an .npz under the name .npy
        found.close()
        raise DataError(f"{where}: holds several arrays; rename it to .npz")
    return found


def read_npz(path: str, where: str) -> dict[str, np.ndarray]:
    """Read all arrays of an `.npz`, or say in one sentence why it cannot be read."""
    try:
        with zipfile.ZipFile(path):  # np.load leaves the file open when the archive is damaged
            pass
        with np.load(path, allow_pickle=False) as archive:
            return {key: _member(archive, key, where) for key in archive.files}
    except DataError:
        raise
    except DAMAGE as error:
        raise _unreadable(where, error) from error


def _member(archive, key: str, where: str) -> np.ndarray:
    try:
        return archive[key]
    except DAMAGE as error:
        raise _unreadable(f"{where}, array '{key}'", error) from error


def _unreadable(where: str, error: Exception) -> DataError:
    if "Object arrays" in str(error):
        return DataError(f"{where}: holds Python objects (dtype object); expected plain numbers")
    return DataError(f"{where}: truncated, damaged or no NumPy file ({type(error).__name__}: {error})")


def only_array(found: dict[str, np.ndarray], keys: tuple[str, ...], where: str, meaning: str) -> np.ndarray:
    """Pick the array under one of `keys`, else the only one; an error lists what there is."""
    named = [key for key in keys if key in found] or list(found)
    if len(named) == 1:
        return found[named[0]]
    listed = ", ".join(found) or "none"
    raise DataError(f"{where}: arrays in the file are: {listed}; expected the {meaning} under one of {', '.join(keys)}")
