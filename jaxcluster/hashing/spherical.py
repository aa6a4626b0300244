"""Spherical hashing: each bit tells whether a vector lies inside a ball."""

from typing import NamedTuple

import numpy as np

from jaxcluster.hashing import rows

__all__ = ["Balls", "encode", "fit"]


class Balls(NamedTuple):
    """One ball for each bit.

    Attributes:
      centers: [bits, d] float64.
      radii: [bits] float64.
      overlap_mean: mean over pairs of |o_kl - n/4| / (n/4) at the end.
      overlap_std: standard deviation over pairs of o_kl / (n/4) at the end.
      iterations: how many moves were made.
    """

    centers: np.ndarray
    radii: np.ndarray
    overlap_mean: float
    overlap_std: float
    iterations: int


def fit(
    seed,
    X,
    bits: int,
    *,
    mean_tolerance: float = 0.1,
    std_tolerance: float = 0.15,
    max_iterations: int = 100,
) -> Balls:
    """Place balls that each hold half of the training vectors and that share a quarter of them pairwise.

    c_k += (1 / bits) sum_l (1/2) (o_kl - n/4) / (n/4) (c_k - c_l),   o_kl = #{i : x_i in ball k and in ball
    l}

    so balls with too much in common move apart and ones with too little move together; after each move the
    radii are set to the median distances.

    Args:
      seed: integer or NumPy Generator; each center starts as the mean of five random training vectors.
      X: [n, d] training vectors, at least five.
      bits: any number.
      mean_tolerance: stop if the mean of |o_kl - n/4| is at most this times n/4, and
      std_tolerance: the standard deviation of o_kl is at most this times n/4.
      max_iterations: stop anyhow after so many moves.

    Returns:
      Parameters for `encode`, with how far the conditions are met.

    Reference: Heo, Lee, He, Chang and Yoon (2012), Spherical hashing; the SphH row of ClusterGAN (CVPR 2019),
      Table 3.

    Differs from the paper in that codes are meant to be compared by Hamming distance, as ClusterGAN does; its
      authors divide that by the number of balls that hold both vectors.
    """
    X = rows.as_rows("X", X)
    rows.check_bits(bits)
    n = len(X)
    if n < 5:
        raise ValueError(f"X must have at least 5 rows, got {n}")
    rng = np.random.default_rng(seed)
    first = np.stack([X[rng.choice(n, 5, replace=False)].mean(0, dtype=np.float64) for _ in range(bits)])
    # Centers stay combinations of the first ones, c = M first: distances need the products with those only.
    products, squares = _products(X, first)
    gram = first @ first.T
    M = np.eye(bits)
    pairs = np.triu_indices(bits, 1)
    for moves in range(max_iterations + 1):
        distance2 = squares[:, None] - 2 * products @ M.T + np.einsum("kl,lm,km->k", M, gram, M)
        radius2 = np.median(distance2, 0)
        inside = (distance2 <= radius2).astype(np.float32)
        excess = (inside.T @ inside).astype(np.float64) / (n / 4) - 1
        mean, std = (np.abs(excess[pairs]).mean(), excess[pairs].std()) if bits > 1 else (0.0, 0.0)
        if moves == max_iterations or (mean <= mean_tolerance and std <= std_tolerance):
            break
        np.fill_diagonal(excess, 0.0)
        M = M + 0.5 / bits * (excess.sum(1)[:, None] * M - excess @ M)
    return Balls(M @ first, np.sqrt(np.maximum(radius2, 0.0)), float(mean), float(std), moves)


def encode(params: Balls, X) -> np.ndarray:
    """Tell in which balls the vectors lie.

    b = 1[||x - c|| <= r]

    Args:
      params: as `fit` returned it.
      X: [n, d] or [n, ...].

    Returns:
      [n, bits] bool.
    """
    X = rows.as_rows("X", X)
    if X.shape[1] != params.centers.shape[1]:
        raise ValueError(f"X must have the {params.centers.shape[1]} columns that were fitted, got {X.shape[1]}")
    products, squares = _products(X, params.centers)
    distance2 = squares[:, None] - 2 * products + (params.centers**2).sum(1)
    return distance2 <= params.radii**2


def _products(X, centers) -> tuple[np.ndarray, np.ndarray]:
    """X centers^T and the squared lengths of X."""
    products, squares = np.empty((len(X), len(centers))), np.empty(len(X))
    for block_rows, block in rows.blocks(X):
        block = block.astype(np.float64)
        products[block_rows] = block @ centers.T
        squares[block_rows] = np.einsum("nd,nd->n", block, block)
    return products, squares
