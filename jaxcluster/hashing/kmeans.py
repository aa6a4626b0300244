"""k-means hashing: product quantisation with codewords placed so that Hamming distance means distance."""

from typing import NamedTuple

import numpy as np

from jaxcluster.hashing import rows
from jaxcluster.hashing.projection import principal_axes

__all__ = ["Codebooks", "encode", "fit"]


class Codebooks(NamedTuple):
    """Codewords in each of M orthogonal subspaces; the index of a codeword in binary is its code.

    Attributes:
      mean: [d] float64.
      axes: [d, M * width] principal axes, those of a subspace side by side.
      codewords: [M, 2^s, width] float64.
    """

    mean: np.ndarray
    axes: np.ndarray
    codewords: np.ndarray


def fit(
    seed,
    X,
    bits: int,
    *,
    subspace_bits: int = 4,
    iterations: int = 50,
    affinity_weight: float = 10.0,
) -> Codebooks:
    """Learn codewords in each subspace that quantise well and whose distances follow those of their codes.

    min (1 / n) sum_i ||x_i - c_{a(i)}||^2
        + lam sum_ij (n_i n_j / n^2) (||c_i - c_j|| - 2 scale sqrt(hamming(i, j)))^2

    Alternately: assign vectors to the nearest codeword; then move each codeword in turn, the others fixed, by
    steps that cannot raise the sum. The start is the sign pattern of the first s principal components times
    `scale`, their mean size.

    Args:
      seed: not used.
      X: [n, d] training vectors.
      bits: divisible by `subspace_bits`; the subspaces take d / (bits / subspace_bits) components each,
        allotted from the largest variance on to the subspace with the smallest product of variances so far.
        Where this does not divide, the components of smallest variance are dropped.
      subspace_bits: s; each subspace has 2^s codewords.
      iterations: of both steps.
      affinity_weight: lam.

    Returns:
      Parameters for `encode`.

    Reference: He, Wen and Sun (2013), K-means hashing: an affinity-preserving quantization method for
      learning binary compact codes; the KMH row of ClusterGAN (CVPR 2019), Table 3.

    Differs from the authors' code in how a codeword is moved (there by a quasi-Newton step).
    """
    del seed
    X = rows.as_rows("X", X)
    rows.check_bits(bits)
    if not 1 <= subspace_bits <= 8 or bits % subspace_bits:
        raise ValueError(f"subspace_bits must lie between 1 and 8 and divide bits = {bits}, got {subspace_bits}")
    parts, d = bits // subspace_bits, X.shape[1]
    width = d // parts
    if width < subspace_bits:
        raise ValueError(f"bits must be at most {d // subspace_bits * subspace_bits} (the dimensions of X), got {bits}")
    mean, axes, variances = principal_axes(X, parts * width)
    order = _allot(variances, parts, width)
    axes = axes[:, order.ravel()]
    V = rows.centered_product(X, mean, axes).reshape(len(X), parts, width)
    codewords = _learn(V.astype(np.float32), subspace_bits, iterations, affinity_weight)
    return Codebooks(mean, axes, codewords)


def encode(params: Codebooks, X) -> np.ndarray:
    """Write down the nearest codeword of each subspace in binary.

    Args:
      params: as `fit` returned it.
      X: [n, d] or [n, ...].

    Returns:
      [n, bits] bool; the first subspace first, its lowest bit first.
    """
    parts, words, width = params.codewords.shape
    V = rows.centered_product(rows.as_rows("X", X), params.mean, params.axes).reshape(-1, parts, width)
    patterns = _patterns(words.bit_length() - 1)
    return np.concatenate([patterns[_nearest(V[:, part], params.codewords[part])] for part in range(parts)], axis=1)


def _allot(variances, parts: int, width: int) -> np.ndarray:
    """[parts, width] which component goes where."""
    logs = np.log(np.maximum(variances, 1e-12 * max(variances[0], 1e-300)))
    members: list[list[int]] = [[] for _ in range(parts)]
    totals = np.zeros(parts)
    for component, log in enumerate(logs - logs.min()):  # shifted to be positive, so that every gift counts
        part = min((p for p in range(parts) if len(members[p]) < width), key=lambda p: totals[p])
        members[part].append(component)
        totals[part] += log
    return np.array(members)


def _patterns(s: int) -> np.ndarray:
    """[2^s, s] bool: the numbers 0 .. 2^s - 1 in binary, lowest bit first."""
    return (np.arange(1 << s)[:, None] >> np.arange(s) & 1).astype(bool)


def _nearest(points, codewords) -> np.ndarray:
    return ((codewords**2).sum(1) - 2 * points @ codewords.T).argmin(1)


def _learn(V, s: int, iterations: int, weight: float) -> np.ndarray:
    """[parts, 2^s, width] codewords from V [n, parts, width]; all subspaces move at the same time."""
    n, parts, width = V.shape
    patterns = _patterns(s)
    scale = np.abs(V[:, :, :s]).mean((0, 2), dtype=np.float64)
    codewords = np.zeros((parts, 1 << s, width))
    codewords[:, :, :s] = scale[:, None, None] * np.where(patterns, 1.0, -1.0)
    target = 2 * scale[:, None, None] * np.sqrt((patterns[:, None] != patterns).sum(-1))
    share = np.empty((parts, 1 << s))
    sums = np.empty_like(codewords)
    for _ in range(iterations):
        for part in range(parts):
            member = np.zeros((1 << s, n), V.dtype)
            member[_nearest(V[:, part], codewords[part].astype(V.dtype)), np.arange(n)] = 1
            share[part] = member.mean(1, dtype=np.float64)
            sums[part] = member @ V[:, part] / n
        for j in range(1 << s):
            codewords[:, j] = _moved(codewords, j, share, sums[:, j], target[:, j], weight)
    return codewords


def _moved(codewords, j: int, share, pull, target, weight: float, steps: int = 50) -> np.ndarray:
    """[parts, width] codeword j after steps that cannot raise the objective, the other codewords fixed.

    (||c - c_i|| - t_i)^2 <= ||c - c_i - t_i u_i||^2 with the unit vector u_i from c_i to where c is now, and
    equality
    there: the sum of squares on the right has its minimum at a weighted mean.
    """
    c = codewords[:, j]
    own = share[:, j, None]
    weights = 2 * weight * own * share  # each pair stands twice in the double sum
    weights[:, j] = 0.0
    total = own + weights.sum(1, keepdims=True)
    for _ in range(steps):
        away = c[:, None] - codewords
        length = np.sqrt((away**2).sum(-1))
        stretch = target / np.maximum(length, 1e-12)
        wanted = pull + np.einsum("pi,piw->pw", weights, codewords + stretch[..., None] * away)
        new = np.where(total > 0, wanted / np.where(total > 0, total, 1.0), c)
        still = np.abs(new - c).max() <= 1e-6 * np.abs(new).max()
        c = new
        if still:
            break
    return c
