"""Codes by the sign of projections: what LSH, PCA hashing and ITQ share, and principal axes."""

from typing import NamedTuple

import numpy as np

from jaxcluster.hashing import rows

__all__ = ["Projection", "encode", "principal_axes"]


class Projection(NamedTuple):
    """Directions through the mean of the training vectors.

    Attributes:
      mean: [d] float64.
      directions: [d, bits] float64.
    """

    mean: np.ndarray
    directions: np.ndarray


def encode(params: Projection, X) -> np.ndarray:
    """Tell on which side of each hyperplane the vectors lie.

    b = 1[(x - mean) W > 0]

    Args:
      params: as `fit` returned it.
      X: [n, d] or [n, ...].

    Returns:
      [n, bits] bool.
    """
    return rows.centered_product(rows.as_rows("X", X), params.mean, params.directions) > 0


def principal_axes(X, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the directions of largest variance.

    C p = v p,   C = (1 / n) sum_i (x_i - mean)(x_i - mean)^T

    Args:
      X: [n, d].
      count: how many, at most d.

    Returns:
      (mean [d], axes [d, count], variances [count]) float64, largest first; the entry of largest size of each
      axis is positive.
    """
    n, d = X.shape
    mean = sum(block.sum(0, dtype=np.float64) for _, block in rows.blocks(X)) / n
    covariance = np.zeros((d, d))
    for _, block in rows.blocks(X):
        centered = block - mean
        covariance += centered.T @ centered
    values, vectors = np.linalg.eigh(covariance / n)
    axes = vectors[:, ::-1][:, :count]
    largest = np.abs(axes).argmax(0)
    axes = axes * np.sign(axes[largest, np.arange(count)])
    return mean, axes, np.maximum(values[::-1][:count], 0.0)
