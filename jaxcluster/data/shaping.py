"""Images of any size brought to one: the aspect is kept, and pixels are averaged where an image shrinks."""

import numpy as np

from jaxcluster.data.dataset import DataError

__all__ = ["FITS", "as_size", "to_size"]

FITS = ("pad", "crop")
LARGEST = 8192


def as_size(value, where: str = "data.size") -> tuple[int, int] | None:
    """Read a size as people write it: 32, "32", "32,48", (32, 48).

    Args:
        value: height and width, or a number for both; None, 0, "" or () for none.
        where: the field, as errors name it.

    Returns:
        (height, width), or None.

    Raises:
        DataError: on anything else.
    """
    if value is None or value in ("", (), [], 0, (0,), "0"):
        return None
    parts = value.replace("x", ",").split(",") if isinstance(value, str) else value
    parts = list(parts) if isinstance(parts, list | tuple) else [parts]
    try:
        if any(isinstance(part, bool | float) for part in parts):
            raise ValueError
        numbers = [int(part) for part in parts]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) not in (1, 2) or not all(1 <= number <= LARGEST for number in numbers):
        raise DataError(f"{where}={value!r}: expected a number of pixels, or height and width, from 1 to {LARGEST}")
    return (numbers[0], numbers[-1])


def to_size(pixels: np.ndarray, size: tuple[int, int], fit: str) -> np.ndarray:
    """Bring one image to a size.

    Shrinking averages over all pixels that fall into one (antialiased), growing interpolates; both bicubic.

    Args:
        pixels: [h, w, c] uint8 or float32.
        size: (height, width) to bring it to.
        fit: "pad": the whole image, centered, and around it the median color of its own border, channel by channel;
            "crop": the largest centered part of that aspect.

    Returns:
        [height, width, c] of the same type. Values stay within those of the image.
    """
    height, width = size
    h, w = pixels.shape[:2]
    if (h, w) == (height, width):
        return pixels
    if fit == "crop":
        return _resized(_cropped(pixels, height / width), size)
    ratio = min(height / h, width / w)
    inner = (min(height, max(1, round(h * ratio))), min(width, max(1, round(w * ratio))))
    small = _resized(pixels, inner)
    if inner == size:
        return small
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    padded = np.empty((height, width, pixels.shape[2]), pixels.dtype)
    padded[:] = np.median(edge, axis=0).astype(pixels.dtype)
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    padded[top : top + inner[0], left : left + inner[1]] = small
    return padded


def _cropped(pixels: np.ndarray, aspect: float) -> np.ndarray:
    h, w = pixels.shape[:2]
    tall, wide = min(h, max(1, round(w * aspect))), min(w, max(1, round(h / aspect)))
    top, left = (h - tall) // 2, (w - wide) // 2
    return pixels[top : top + tall, left : left + wide]


def _resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    if pixels.shape[:2] == size:
        return pixels
    flipped = (size[1], size[0])
    if pixels.dtype == np.uint8 and pixels.shape[2] in (1, 3):
        image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels))
        done = np.asarray(image.resize(flipped, Image.Resampling.BICUBIC))
        return done if done.ndim == 3 else done[..., None]
    channels = [
        np.asarray(Image.fromarray(np.ascontiguousarray(channel, np.float32)).resize(flipped, Image.Resampling.BICUBIC))
        for channel in np.moveaxis(pixels, -1, 0)
    ]
    done = np.stack(channels, -1).clip(pixels.min(), pixels.max())  # bicubic weights overshoot at edges
    return np.rint(done).astype(np.uint8) if pixels.dtype == np.uint8 else done
