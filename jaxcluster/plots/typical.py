"""The most typical images of each cluster: what a cluster is about, at a glance."""

import numpy as np

from jaxcluster.plots import canvas, mosaic

__all__ = ["most_typical"]


def most_typical(
    images, clusters, confidence, path=None, *, per_cluster: int = 10, max_rows: int = 50, title: str = ""
):
    """Show the most confident images of each cluster, one row a cluster, the most confident first.

    Args:
      images: [n, h, w] or [n, h, w, c], grey or RGB, in [0, 1] or uint8; None or feature vectors are skipped.
      clusters: [n] the cluster of each image.
      confidence: [n] higher is more typical; equal ones keep their order, NaN comes last.
      path: where to write the PNG, or None.
      per_cluster: images in a row, at most; a smaller cluster leaves cells empty.
      max_rows: with more clusters only the largest ones are shown, and the title says so.
      title: first line above the picture.

    Returns:
      The Figure, or None if `images` are no images.
    """
    tiles = mosaic.as_tiles(images)
    if tiles is None:
        return None
    clusters = canvas.names_of("clusters", clusters, len(tiles))
    confidence = canvas.names_of("confidence", confidence, len(tiles))
    names, sizes = np.unique(clusters, return_counts=True)
    kept = np.sort(np.argsort(-sizes, kind="stable")[:max_rows])
    rows, texts = [], []
    for k in kept:
        members = np.flatnonzero(clusters == names[k])
        rows.append(members[np.argsort(-confidence[members], kind="stable")][:per_cluster])
        texts.append(f"cluster {names[k]} ({sizes[k]:,})")
    what = f"most typical images of {len(names):,} clusters" if len(names) > 1 else "most typical images"
    if len(kept) < len(names):
        what = f"most typical images of the {len(kept)} largest of {len(names):,} clusters"
    lines = [canvas.plain(title, limit=60), what] if title else [what]
    return mosaic.draw(tiles, rows, texts, path, title="\n".join(lines), columns=max(map(len, rows)))
