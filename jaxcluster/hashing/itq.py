"""Iterative quantisation: principal components, rotated towards the corners of the cube."""

import numpy as np

from jaxcluster.hashing import rows
from jaxcluster.hashing.projection import Projection, encode, principal_axes

__all__ = ["encode", "fit"]


def fit(seed, X, bits: int, *, iterations: int = 50) -> Projection:
    """Rotate the leading principal components so that their signs lose least.

    min over orthogonal R and B in {-1, 1}^{n x bits} of ||B - V R||_F^2,   V = (X - mean) P

    Alternately: B = sign(V R); then R = W U^T from the singular value decomposition B^T V = U S W^T.

    Args:
      seed: integer or NumPy Generator; the first rotation is drawn from it.
      X: [n, d] training vectors.
      bits: at most d.
      iterations: of both steps; neither can raise the objective.

    Returns:
      Parameters for `encode`.

    Reference: Gong and Lazebnik (2011), Iterative quantization: a Procrustean approach to learning binary
      codes; the ITQ row of ClusterGAN (CVPR 2019), Table 3.
    """
    X = rows.as_rows("X", X)
    rows.check_bits(bits, X.shape[1], "the dimensions of X")
    mean, axes, _ = principal_axes(X, bits)
    V = rows.centered_product(X, mean, axes)
    R, _, _ = np.linalg.svd(np.random.default_rng(seed).normal(size=(bits, bits)))
    for _ in range(iterations):
        B = np.where(V @ R >= 0, 1.0, -1.0)
        U, _, Wt = np.linalg.svd(B.T @ V)
        R = Wt.T @ U.T
    return Projection(mean, axes @ R)
