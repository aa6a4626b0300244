"""The most typical images of each cluster: what a cluster is about, at a glance."""

import numpy as np

from jaxcluster.plots import canvas, mosaic

__all__ = ["most_typical"]


def most_typical(
    images,
    clusters,
    confidence,
    path=None,
    *,
    n_clusters: int | None = None,
    per_cluster: int = 10,
    max_rows: int = 50,
    title: str = "",
):
    """Show the most confident images of each cluster, one row a cluster, the most confident first.

    Args:
      images: [n, h, w] or [n, h, w, c], gray or RGB, in [0, 1] or uint8; None or feature vectors are skipped. Only
        those that are shown are asked for, see `canvas.rows_of`.
      clusters: [n] the cluster of each image.
      confidence: [n] higher is more typical; equal ones keep their order, NaN comes last.
      path: where to write the PNG, or None.
      n_clusters: with it clusters are 0 to n_clusters - 1, and one without images has its row and is counted in
        the title; without it only clusters that have images are known.
      per_cluster: images in a row, at most; a smaller cluster leaves cells empty.
      max_rows: with more clusters only the largest ones are shown, and the title says so.
      title: first line above the picture.

    Returns:
      The Figure, or None if `images` are no images.

    Raises:
      ValueError: a shape is wrong, or a cluster lies outside `n_clusters`.
    """
    if not mosaic.are_images(images):
        return None
    images = canvas.rows_of(images)
    clusters = canvas.names_of("clusters", clusters, len(images))
    confidence = canvas.names_of("confidence", confidence, len(images))
    names, sizes = np.unique(clusters, return_counts=True)
    if n_clusters is not None:
        names, sizes = _with_empty(names, sizes, n_clusters)
    kept = np.sort(np.argsort(-sizes, kind="stable")[:max_rows])
    rows, texts = [], []
    for k in kept:
        members = np.flatnonzero(clusters == names[k])
        rows.append(members[np.argsort(-confidence[members], kind="stable")][:per_cluster])
        texts.append(f"cluster {names[k]} ({f'{sizes[k]:,}' if sizes[k] else 'empty'})")
    what = f"most typical images of {len(names):,} clusters" if len(names) > 1 else "most typical images"
    if len(kept) < len(names):
        what = f"most typical images of the {len(kept)} largest of {len(names):,} clusters"
    if (empty := np.sum(sizes == 0)) > 0:
        what += f", {empty:,} of them empty"
    lines = [canvas.plain(title, limit=60), what] if title else [what]
    lengths = [len(row) for row in rows]
    tiles = mosaic.as_tiles(images[np.concatenate(rows)])  # of those shown alone: all at once may not fit in memory
    places = np.split(np.arange(len(tiles)), np.cumsum(lengths)[:-1])
    return mosaic.draw(tiles, places, texts, path, title="\n".join(lines), columns=max(lengths))


def _with_empty(names, sizes, n_clusters: int) -> tuple[np.ndarray, np.ndarray]:
    outside = names[(names < 0) | (names >= n_clusters)]
    if outside.size:
        raise ValueError(f"clusters must be 0 to n_clusters - 1 = {n_clusters - 1}, got {outside[0]}")
    all_sizes = np.zeros(n_clusters, sizes.dtype)
    all_sizes[names] = sizes
    return np.arange(n_clusters), all_sizes
