"""Many small images as one: rows of tiles with names beside them."""

import numpy as np

from jaxcluster.plots import canvas

__all__ = ["are_images", "as_tiles", "draw"]

_GAP = 1  # pixels of paper between tiles


def are_images(images) -> bool:
    """Whether these can be shown: [n, h, w] or [n, h, w, c] with c = 1, 3 or 4, at least one and none empty."""
    shape = np.shape(images)
    return len(shape) in (3, 4) and 0 not in shape and (len(shape) == 3 or shape[-1] in (1, 3, 4))


def as_tiles(images) -> np.ndarray | None:
    """Bring images to one shape and range for showing.

    Args:
      images: [n, h, w] or [n, h, w, c] with c = 1, 3 or 4; uint8, or floats in [0, 1] (clipped to it; NaN
        shows as 0).

    Returns:
      [n, h, w, 3] float32 in [0, 1], or None if they are no images (None, feature vectors, other channel
      counts).
    """
    if not are_images(images):
        return None
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    tiles = images.astype(np.float32) / (255 if images.dtype == np.uint8 else 1)
    tiles = np.clip(np.nan_to_num(tiles), 0.0, 1.0)[..., :3]
    return np.broadcast_to(tiles, (*tiles.shape[:3], 3))


def draw(tiles, rows, names, path, *, title: str, columns: int):
    """Draw rows of tiles.

    Args:
      tiles: [n, h, w, 3] as `as_tiles` gives them.
      rows: one array of positions into `tiles` for each row; cells beyond its end stay empty.
      names: one text for each row, or None for no texts.
      path: where to write the PNG, or None.
      title: above the picture.
      columns: how many cells in a row.

    Returns:
      The Figure.
    """
    _, height, width, _ = tiles.shape
    step_y, step_x = height + _GAP, width + _GAP
    page = np.ones((len(rows) * step_y + _GAP, columns * step_x + _GAP, 3), np.float32)
    for row, positions in enumerate(rows):
        for column, position in enumerate(positions[:columns]):
            y, x = row * step_y + _GAP, column * step_x + _GAP
            page[y : y + height, x : x + width] = tiles[position]
    scale = 0.52 / max(step_x, step_y)  # the longer side of a cell takes 0.52 inches
    margin = 1.7 if names else 0.3
    wide, tall = scale * page.shape[1], scale * page.shape[0]
    fig = canvas.figure(max(wide + margin, 4.2), tall + 0.55)
    axes = fig.add_subplot()
    axes.imshow(page, interpolation="nearest")
    axes.set_title(title, fontsize=10)
    axes.set_xticks([])
    axes.set_yticks([])
    if names:
        centers = [row * step_y + _GAP + height / 2 - 0.5 for row in range(len(rows))]
        axes.set_yticks(centers, [canvas.plain(name) for name in names], fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return canvas.finish(fig, path)
