"""Pixels: which arrays are images, and which scale brings them to [0, 1].

The rule of scale, `x = (pixels - offset) * scale`:

- uint8: 0 and 1/255; bool: 0 and 1; a source that defines its white (the bundled digits: 16): 0 and 1/white;
- float that lies inside [0, 1] already: 0 and 1;
- anything else: the minimum and 1/(maximum - minimum) over the whole array, never per image or per feature,
  and a sentence that says so.

Where the values lie so far from zero that float32 would round their differences away, the minimum is subtracted
before the cast, in the type of the source: `center_of` says when.
"""

import math
from collections.abc import Callable

import numpy as np

from jaxcluster.data.dataset import DataError, Frame

__all__ = ["as_images", "center_of", "check_shape", "frame_for", "scale_of", "stored"]

CHANNELS = (1, 2, 3, 4)
SHAPES = "[n, h, w], [n, h, w, c] with c from 1 to 4, or [n, d]"
NARROW = 0.02  # of the range of the fitted data: new data that fill no more of it are on another scale
MANY = 20  # values that are all positive by no chance
FAR = 1000.0  # values so many times their range away from zero lose 10 of the 24 bits of float32


def as_images(array: np.ndarray, where: str) -> np.ndarray:
    """Give an array the shape and the type that the package works with: `stored(check_shape(array))`."""
    return stored(check_shape(array, where))


def check_shape(array: np.ndarray, where: str) -> np.ndarray:
    """Check that an array holds images or feature vectors, and give gray images their channel.

    Args:
        array: [n, h, w], [n, h, w, c] with c from 1 to 4, or [n, d]; bool, integer or float.
        where: field and value, as errors name them: `data.path=faces.npz`.

    Returns:
        [n, h, w, c] or [n, d], of the type it came in.

    Raises:
        DataError: on another rank, an empty array, channels that are not last, or a type that is no real
            number.
    """
    if array.dtype.kind not in "buif":
        raise DataError(f"{where}: dtype is {array.dtype}; expected bool, integer or float pixels")
    if array.ndim not in (2, 3, 4):
        raise DataError(f"{where}: array of shape {array.shape} has rank {array.ndim}; expected {SHAPES}")
    if array.size == 0:
        raise DataError(f"{where}: array of shape {array.shape} is empty; expected at least one image")
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim == 4 and array.shape[-1] not in CHANNELS:
        hint = "; channels seem to come first: np.moveaxis(x, 1, -1)" if array.shape[1] in CHANNELS else ""
        raise DataError(f"{where}: shape {array.shape} has {array.shape[-1]} channels; expected {SHAPES}{hint}")
    return array


def stored(array: np.ndarray, center: float | int | None = None) -> np.ndarray:
    """Bring pixels to the type they are stored in: uint8 (from uint8 and bool) or float32 (from everything else).

    Args:
        array: [n, ...] real numbers.
        center: what is subtracted first, in float64, or between whole numbers; None: nothing.
    """
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is reported as such
        if center is not None:
            done = np.empty(array.shape, np.float32)
            for i in range(len(array)):  # no float64 copy of the whole
                whole = array.dtype.kind in "iu" and isinstance(center, int)
                done[i] = array[i].astype(np.int64) - center if whole else array[i].astype(np.float64) - center
            return done
        if array.dtype.kind == "b" or array.dtype == np.uint8:
            return np.ascontiguousarray(array, dtype=np.uint8)
        return np.ascontiguousarray(array, dtype=np.float32)


def center_of(array: np.ndarray) -> float | int | None:
    """The value to subtract before the cast to float32: the minimum, if the array lies far from zero for its range.

    Args:
        array: [n, ...] real numbers.

    Returns:
        None where float32 keeps the differences: of types it holds exactly, and of values less than `FAR` times their
        range away from zero.
    """
    if array.dtype.kind == "b" or array.dtype.itemsize < 4 or array.dtype == np.float32:
        return None
    with np.errstate(invalid="ignore"):
        low, high = array.min().item(), array.max().item()
    spread = float(high - low)
    if not math.isfinite(spread) or spread == 0 or max(abs(low), abs(high)) < FAR * spread:
        return None
    return low


def _range(images: np.ndarray, where: str) -> tuple[float, float]:
    with np.errstate(invalid="ignore"):
        low, high = float(images.min()), float(images.max())  # NaN and infinity both show in one of them
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    bad = ~np.isfinite(images)
    first = tuple(int(i) for i in np.unravel_index(bad.argmax(), bad.shape))
    raise DataError(
        f"{where}: {bad.sum()} of {bad.size} pixels are NaN or infinite in float32 (first at index {first}); "
        "expected finite pixels"
    )


def scale_of(images: np.ndarray, white: float | None, where: str, report: Callable[[str], None]) -> tuple[float, float]:
    """Choose offset and scale for data that a model will be fitted on.

    Args:
        images: [n, ...] from `as_images`.
        white: the value that means 1.0, where the source defines it.
        where: field and value, as errors name them.
        report: takes a sentence for the user.

    Returns:
        `(offset, scale)` with `(images - offset) * scale` in [0, 1].

    Raises:
        DataError: if pixels are not finite, or all the same.
    """
    low, high = _range(images, where)
    if low == high:
        raise DataError(f"{where}: all pixels are {low:g}; constant data has no clusters")
    if white is None and images.dtype == np.uint8:
        white = 255.0
        if high < 32:
            report(f"{where}: uint8 pixels reach {high:g} of 255 only; if {high:g} is white, save them as float")
    if white is not None and low >= 0 and high <= white:
        return 0.0, 1.0 / white
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    report(f"{where}: values lie in [{low:g}, {high:g}]; scaled to [0, 1] by this minimum and maximum")
    return low, 1.0 / (high - low)


def frame_for(
    images: np.ndarray, white: float | None, like: Frame, where: str, report: Callable[[str], None]
) -> tuple[float, float]:
    """Check new data against the frame of a fitted model, and return the model's offset and scale.

    Args:
        images: [n, ...] from `as_images`.
        white: the value that means 1.0, where the source defines it.
        like: the frame of the data that the model was fitted on.
        where: field and value, as errors name them.
        report: takes a sentence for the user.

    Returns:
        `(like.offset, like.scale)`.

    Raises:
        DataError: if one sample has another shape, pixels are not finite, or their scale is plainly another
            (0..1 against 0..255), which would give labels without meaning.
    """
    shape = tuple(images.shape[1:])
    if shape != tuple(like.shape):
        raise DataError(f"{where}: a sample has shape {shape}, but the model was fitted on {tuple(like.shape)}")
    low, high = _range(images, where)
    unit = 1.0 / like.scale
    in_unit = white == 1 or (low >= 0 and high <= 1 and (white is None or images.dtype == np.uint8))
    x_low, x_high = (low - like.offset) * like.scale, (high - like.offset) * like.scale
    # Only where white is known: new features may well leave the range of the fitted ones.
    known = like.offset == 0 and any(math.isclose(unit, white) for white in (1, 16, 255))
    if known and ((in_unit and high > 0 and unit > 2) or x_low < -10 or x_high > 10):
        raise DataError(
            f"{where}: pixels lie in [{low:g}, {high:g}], but the model was fitted on pixels from 0 to "
            f"{unit:g}; bring them to that scale"
        )
    if x_low < -1e-3 or x_high > 1 + 1e-3:
        report(f"{where}: scaled as the fitted data, values lie in [{x_low:.3g}, {x_high:.3g}], not in [0, 1]")
    elif 0 < x_high - x_low < NARROW and not known:
        report(
            f"{where}: values lie in [{low:g}, {high:g}], {x_high - x_low:.2%} of the range of the fitted data "
            f"([{like.offset:g}, {like.offset + unit:g}]); are they on the same scale?"
        )
    elif like.offset < 0 and low >= 0 and high <= 1 and images.size >= MANY:
        report(
            f"{where}: values lie in [{low:g}, {high:g}] and none is negative, but those of the fitted data reach from "
            f"{like.offset:g} to {like.offset + unit:g}; are they on the same scale?"
        )
    return like.offset, like.scale
