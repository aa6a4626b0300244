"""Locality-sensitive hashing: random hyperplanes."""

import numpy as np

from jaxcluster.hashing import rows
from jaxcluster.hashing.projection import Projection, encode

__all__ = ["encode", "fit"]


def fit(seed, X, bits: int) -> Projection:
    """Draw hyperplanes through the mean of the training vectors.

    b = 1[(x - mean) W > 0],   W_jk ~ N(0, 1)

    Args:
      seed: integer or NumPy Generator.
      X: [n, d] training vectors; only their mean is used.
      bits: any number.

    Returns:
      Parameters for `encode`.

    Reference: Charikar (2002), Similarity estimation techniques from rounding algorithms; the LSH row of
      ClusterGAN (CVPR 2019), Table 3.
    """
    X = rows.as_rows("X", X)
    rows.check_bits(bits)
    mean = sum(block.sum(0, dtype=np.float64) for _, block in rows.blocks(X)) / len(X)
    return Projection(mean, np.random.default_rng(seed).normal(size=(X.shape[1], bits)))
