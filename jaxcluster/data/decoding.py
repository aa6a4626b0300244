"""One image file, decoded: upright, without transparency, gray or color."""

import os
from typing import NamedTuple

import numpy as np

from jaxcluster.data.shaping import to_size

__all__ = ["LARGEST", "Picture", "Plan", "UnreadableError", "decode"]

LARGEST = 1 << 26  # pixels of one image; beyond it lies a small file that unpacks to gigabytes

FORMATS = {
    ".png": ("PNG",),
    ".jpg": ("JPEG",),
    ".jpeg": ("JPEG",),
    ".bmp": ("BMP",),
    ".gif": ("GIF",),
    ".tif": ("TIFF",),
    ".tiff": ("TIFF",),
    ".webp": ("WEBP",),
    ".pgm": ("PPM",),
    ".ppm": ("PPM",),
}
SIXTEEN = ("I;16", "I;16L", "I;16B", "I;16N", "I")  # 16-bit PGM files come as I
TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")


class UnreadableError(Exception):
    """An image that cannot be used, and why."""


class Plan(NamedTuple):
    """How all images of one data set are decoded."""

    size: tuple[int, int] | None = None
    """(height, width), or None: as they are."""
    fit: str = "pad"
    ground: int | None = None
    """0 or 255, behind transparent pixels; None: not chosen yet, and 255 stands in."""
    white: float | None = None
    """The value that white gets in all images, whatever their depth; None: values as they are stored."""


class Picture(NamedTuple):
    """What one file holds."""

    pixels: np.ndarray
    """[h, w, 1] or [h, w, 3]; uint8, or float32 if it is deeper than 8 bits or the plan names a white."""
    depth: str
    """8 bits, 16 bits or float: of the file."""
    transparent: bool = False
    """Whether any pixel is."""
    opacity: int = 0
    """Sum of alpha, from 0 to 255, over a transparent image."""
    light: int = 0
    """Sum of alpha times brightness."""


def decode(path: str, plan: Plan) -> Picture:
    """Decode one file.

    EXIF's orientation is applied. Transparent pixels are blended with the ground. A palette counts as color; so do
    CMYK and the other color spaces, which become RGB. Of an animation the first frame is read.

    The format must be the one that the name says, so that a file cannot choose which decoder it is given to (an EPS
    file named .png would start Ghostscript), and the size is read and checked before anything is decoded.

    Args:
        path: the file.
        plan: what is done to all images.

    Returns:
        Its pixels and what they were made from.

    Raises:
        UnreadableError: with the reason.
    """
    from PIL import Image

    try:
        # A file object, not its name: named files are mapped into memory, and Pillow mixes up the sides of those that
        # are turned (TIFF).
        with open(path, "rb") as file, Image.open(file, formats=FORMATS[os.path.splitext(path)[1].lower()]) as image:
            w, h = image.size
            if w * h > LARGEST:
                raise UnreadableError(f"{w}x{h} pixels; at most {LARGEST:,} are read")
            if plan.size is not None and image.format == "JPEG":
                side = 2 * max(plan.size)
                image.draft(None, (side, side))  # decodes at a half, a quarter or an eighth, still twice as large
            picture = _pixels(_upright(image), plan)
    except (MemoryError, UnreadableError):
        raise
    except Exception as error:  # decoders raise whatever the damage leads them to
        raise UnreadableError(_reason(path, error)) from error
    if plan.white is not None and not (picture.depth == "8 bits" and plan.white == 255):
        picture = picture._replace(pixels=_to_white(picture, plan.white))
    if plan.size is not None:
        picture = picture._replace(pixels=to_size(picture.pixels, plan.size, plan.fit))
    return picture


def _upright(image):
    from PIL import ImageOps

    if image.format == "PNG":
        image.load()  # the chunk may follow the pixels
    if image.format == "TIFF" or "exif" in image.info or "Raw profile type exif" in image.info:
        return ImageOps.exif_transpose(image)
    return image


def _pixels(image, plan: Plan) -> Picture:
    if image.mode in SIXTEEN or image.mode == "F":
        depth = "float" if image.mode == "F" else "16 bits"
        return Picture(np.asarray(image).astype(np.float32)[..., None], depth)
    if image.mode in TRANSPARENT or "transparency" in image.info:
        return _blended(image.convert("LA" if image.mode in ("L", "LA", "La", "1") else "RGBA"), plan.ground)
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    array = np.asarray(image)
    return Picture(array if array.ndim == 3 else array[..., None], "8 bits")


def _blended(image, ground: int | None) -> Picture:
    """Blend [h, w, c] and alpha with the ground, rounded to the nearest value."""
    array = np.asarray(image).astype(np.uint32)
    colors, alpha = array[..., :-1], array[..., -1:]
    if (alpha == 255).all():
        return Picture(colors.astype(np.uint8), "8 bits")
    behind = 255 if ground is None else ground
    mixed = (colors * alpha + behind * (255 - alpha) + 127) // 255
    light = int((colors * alpha).sum(dtype=np.uint64)) // colors.shape[2]
    return Picture(mixed.astype(np.uint8), "8 bits", True, int(alpha.sum(dtype=np.uint64)), light)


def _to_white(picture: Picture, white: float) -> np.ndarray:
    """Bring black and white of a file to 0 and `white`; of floats, by the smallest usual white that holds them."""
    pixels = picture.pixels.astype(np.float32)
    if picture.depth == "8 bits":
        return pixels * np.float32(white / 255)
    if picture.depth == "16 bits":
        return pixels * np.float32(white / 65535)
    low, high = float(pixels.min()), float(pixels.max())
    own = next((usual for usual in (1.0, 255.0, 65535.0) if high <= usual), None)
    if own is None or not low >= 0:
        raise UnreadableError(f"float pixels from {low:g} to {high:g}, among images of other depths; expected 0 to 1")
    return pixels * np.float32(white / own)


def _reason(path: str, error: Exception) -> str:
    """Say what is wrong; a known format under another name is the most frequent case."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        try:
            with open(path, "rb") as file:
                start = file.read(16)
        except OSError:
            start = b""
        if not start:
            return "the file is empty"
        named = FORMATS[os.path.splitext(path)[1].lower()][0]
        known = {
            b"\x89PNG": "PNG",
            b"\xff\xd8\xff": "JPEG",
            b"GIF8": "GIF",
            b"BM": "BMP",
            b"RIFF": "WEBP",
            b"II*\0": "TIFF",
            b"MM\0*": "TIFF",
            b"%!PS": "PostScript",
            b"%PDF": "PDF",
        }
        found = next((kind for magic, kind in known.items() if start.startswith(magic)), None)
        if found and found != named:
            return f"a {found} file under the name of a {named} file"
        return f"no {named} file, or damaged"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"too many pixels; at most {LARGEST:,} are read"
    text = str(error).replace(path, "").strip() or type(error).__name__
    return f"{type(error).__name__}: {text}".splitlines()[0][:200]
