"""Samples as small pictures inside the page: data URIs under a bound of bytes."""

import base64
import io
from typing import Any

import numpy as np

from jaxcluster.plots import mosaic

__all__ = ["data_uri", "thumbnails"]

SIDES = (96, 64, 48, 32, 24, 16)  # pixels of the longer side, the first that fits
LOSSLESS_UP_TO = 40  # pixels of the longer side: below it PNG, above it JPEG


def data_uri(data: bytes, kind: str = "png") -> str:
    """Give the bytes of a picture as an address that holds them."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def thumbnails(samples: Any, rows: np.ndarray, *, at_most: int) -> dict[int, str]:
    """Encode some samples.

    Args:
      samples: [n, h, w, c] as `mosaic.as_tiles` takes them.
      rows: positions, as often as they are shown.
      at_most: bytes of all data URIs together, as often as they are shown; pictures become smaller where they would
        take more.

    Returns:
      {position: data URI}.
    """
    each = at_most // max(len(rows), 1)
    rows = np.unique(rows)
    found = {}
    for start in range(0, len(rows), 256):  # large pictures: not all of them in memory at once
        some = rows[start : start + 256]
        tiles = np.rint(mosaic.as_tiles(samples[some]) * 255).astype(np.uint8)
        found |= {int(row): _encoded(tile, each) for row, tile in zip(some, tiles, strict=True)}
    return found


def _encoded(tile: np.ndarray, at_most: int) -> str:
    from PIL import Image

    gray = (tile == tile[..., :1]).all()
    picture = Image.fromarray(tile[..., 0] if gray else tile)
    longer = max(picture.size)
    uri = ""
    for side in [longer if longer < SIDES[0] else SIDES[0], *(side for side in SIDES[1:] if side < longer)]:
        scale = min(1.0, side / longer)
        size = tuple(max(1, round(length * scale)) for length in picture.size)
        small = picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)
        kind = "png" if max(size) <= LOSSLESS_UP_TO else "jpeg"
        stream = io.BytesIO()
        small.save(stream, kind, **({} if kind == "png" else {"quality": 80}))
        uri = data_uri(stream.getvalue(), kind)
        if len(uri) <= at_most:
            break
    return uri
