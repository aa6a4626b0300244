"""How much the images that a generator draws for a cluster differ from each other; needs no labels."""

import numpy as np

__all__ = ["intra_cluster_diversity"]


def intra_cluster_diversity(drawn, drawn_for, images, labels) -> float:
    """Compare the spread of generated images with that of the real ones of the same cluster.

    diversity = mean over clusters of sum_p var_p(drawn) / sum_p var_p(real), with the unbiased variance of each pixel p

    Args:
      drawn: [g, ...] generated images.
      drawn_for: [g] the cluster each was drawn for.
      images: [n, ...] real images of the same range; [rows] must give some of them.
      labels: [n] their clusters.

    Returns:
      A float: 0 if all images of a cluster are the same, 1 if they vary as much as the real ones do. Clusters with
      fewer than two images on either side, or with real images that are all the same, are left out; NaN if none is
      left.
    """
    drawn_for, labels = np.asarray(drawn_for), np.asarray(labels)
    ratios = []
    for cluster in np.unique(drawn_for):
        ours, real = np.flatnonzero(drawn_for == cluster), np.flatnonzero(labels == cluster)
        if len(ours) < 2 or len(real) < 2:
            continue
        spread = _spread(images[real])
        if spread > 0:
            ratios.append(_spread(drawn[ours]) / spread)
    return float(np.mean(ratios)) if ratios else float("nan")


def _spread(images) -> float:
    return float(np.sum(np.var(np.asarray(images, np.float64), axis=0, ddof=1)))
