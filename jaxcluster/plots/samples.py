"""Generated samples, in rows: what a generator draws for each cluster."""

import numpy as np

from jaxcluster.plots import canvas, mosaic

__all__ = ["grid"]


def grid(images, path=None, *, clusters=None, columns: int = 10, max_rows: int = 50, title: str = "samples"):
    """Show images in a grid, one row a cluster if clusters are given, else in reading order.

    Args:
      images: [n, h, w] or [n, h, w, c], gray or RGB, in [0, 1] or uint8; None or feature vectors are skipped.
      path: where to write the PNG, or None.
      clusters: [n] the cluster each image was drawn for, or None.
      columns: images in a row; further images of a cluster are left out.
      max_rows: rows beyond it are left out, and the title says so.
      title: above the picture.

    Returns:
      The Figure, or None if `images` are no images.
    """
    tiles = mosaic.as_tiles(images)
    if tiles is None:
        return None
    if clusters is None:
        rows = [np.arange(start, min(start + columns, len(tiles))) for start in range(0, len(tiles), columns)]
        names = None
    else:
        clusters = canvas.names_of("clusters", clusters, len(tiles))
        groups = np.unique(clusters)
        rows = [np.flatnonzero(clusters == group)[:columns] for group in groups]
        names = [f"cluster {group}" for group in groups[:max_rows]]
    text = canvas.plain(title, limit=60)
    if len(rows) > max_rows:
        text += f"\nfirst {max_rows} of {len(rows):,} rows"
    return mosaic.draw(tiles, rows[:max_rows], names, path, title=text, columns=max(map(len, rows)))
