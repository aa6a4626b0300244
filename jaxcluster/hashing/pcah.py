"""PCA hashing: the signs of the leading principal components."""

from jaxcluster.hashing import rows
from jaxcluster.hashing.projection import Projection, encode, principal_axes

__all__ = ["encode", "fit"]


def fit(seed, X, bits: int) -> Projection:
    """Find the principal axes of the training vectors.

    b = 1[(x - mean) P > 0],   P the eigenvectors of the covariance with the largest eigenvalues

    Args:
      seed: not used.
      X: [n, d] training vectors.
      bits: at most d.

    Returns:
      Parameters for `encode`.

    Reference: Wang, Kumar and Chang (2010), Semi-supervised hashing for scalable image retrieval; the PCAH
      row of ClusterGAN (CVPR 2019), Table 3.
    """
    del seed
    X = rows.as_rows("X", X)
    rows.check_bits(bits, X.shape[1], "the dimensions of X")
    mean, axes, _ = principal_axes(X, bits)
    return Projection(mean, axes)
