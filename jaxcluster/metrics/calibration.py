"""Whether a confidence means what it says: of the samples at .9, about 90 % should be in the right cluster.

    ECE = Σ_b (n_b / n) |acc_b − conf_b|

over equally wide bins b of the confidence; acc_b is the share of the n_b samples of a bin whose cluster is matched to
their class (`match`), conf_b the mean confidence of the bin.

Reference: Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017, Eq. 3 (there for
classifiers; here a cluster stands for the class that it is matched to).
"""

from typing import NamedTuple

import numpy as np

from jaxcluster.metrics.clustering import match

__all__ = ["Reliability", "reliability"]


class Reliability(NamedTuple):
    """The reliability curve, and its distance from the diagonal."""

    ece: float
    """Expected calibration error, 0 to 1."""
    counts: np.ndarray
    """[bins] samples in each bin of the confidence."""
    confidence: np.ndarray
    """[bins] mean confidence; NaN in an empty bin."""
    accuracy: np.ndarray
    """[bins] share of the samples that are in the right cluster; NaN in an empty bin."""


def reliability(labels_true, labels_pred, confidence, *, num_bins: int = 15) -> Reliability:
    """Compare the confidence with the accuracy, bin by bin; see the module's docstring for the equation.

    Args:
      labels_true: [n] the given labels.
      labels_pred: [n] the clusters.
      confidence: [n] probability, 0 to 1, that a sample belongs to its cluster.
      num_bins: equally wide bins over 0 to 1; a confidence on an edge is in the bin above, 1 in the last.

    Returns:
      `Reliability`. A cluster that is matched to no class, as there are more clusters than classes, is wrong
      about all of its samples.

    Raises:
      ValueError: a shape does not fit, there is no sample, or a confidence is not between 0 and 1.
    """
    true, pred, confidence = np.asarray(labels_true), np.asarray(labels_pred), np.asarray(confidence, np.float64)
    if true.shape != pred.shape or true.shape != confidence.shape or true.ndim != 1 or not len(true):
        raise ValueError(
            "labels_true, labels_pred and confidence must be of one shape [n], not empty, "
            f"got {true.shape}, {pred.shape} and {confidence.shape}"
        )
    if not np.all((confidence >= 0) & (confidence <= 1)):
        raise ValueError("confidence must lie between 0 and 1")
    matched = match(true, pred)
    correct = np.zeros(len(true), bool)
    for cluster, label in matched.items():
        correct |= (pred == cluster) & (true == label)
    bins = np.minimum((confidence * num_bins).astype(np.int64), num_bins - 1)
    counts = np.bincount(bins, minlength=num_bins)
    means = np.full((2, num_bins), np.nan)
    filled = counts > 0
    for mean, values in zip(means, (confidence, correct), strict=True):
        mean[filled] = np.bincount(bins, values, num_bins)[filled] / counts[filled]
    ece = float(np.sum(counts[filled] * np.abs(means[0] - means[1])[filled]) / len(true))
    return Reliability(ece, counts, *means)
