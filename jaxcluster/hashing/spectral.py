"""Spectral hashing: waves along the principal components, the slowest ones first."""

from typing import NamedTuple

import numpy as np

from jaxcluster.hashing import rows
from jaxcluster.hashing.projection import principal_axes

__all__ = ["Waves", "encode", "fit"]


class Waves(NamedTuple):
    """One wave for each bit.

    Attributes:
      mean: [d] float64.
      axes: [d, c] principal axes.
      component: [bits] which principal component a bit looks at.
      start: [bits] the smallest training value of that component.
      frequency: [bits] radians per unit of that component.
    """

    mean: np.ndarray
    axes: np.ndarray
    component: np.ndarray
    start: np.ndarray
    frequency: np.ndarray


def fit(seed, X, bits: int) -> Waves:
    """Choose the slowest waves over the box that holds the training vectors' principal components.

    omega_ik = k pi / (b_i - a_i),   k = 1, 2, ...; the `bits` smallest omega are taken

    with a_i and b_i the smallest and largest value of component i. They are the eigenfunctions of the
    Laplacian on a box with a uniform distribution; products over several components are left out, as in the
    authors' solution.

    Args:
      seed: not used.
      X: [n, d] training vectors.
      bits: any number; min(bits, d) components are looked at.

    Returns:
      Parameters for `encode`.

    Reference: Weiss, Torralba and Fergus (2008), Spectral hashing; the SpeH row of ClusterGAN (CVPR 2019),
      Table 3.
    """
    del seed
    X = rows.as_rows("X", X)
    rows.check_bits(bits)
    mean, axes, _ = principal_axes(X, min(bits, X.shape[1]))
    V = rows.centered_product(X, mean, axes)
    low, high = V.min(0), V.max(0)
    extent = np.maximum(high - low, np.finfo(float).eps * max(1.0, np.abs(V).max()))
    # The largest extent alone offers `bits` waves; none beyond number `bits` of a component can be needed.
    number, component = np.meshgrid(np.arange(1, bits + 1), np.arange(len(extent)))
    frequency = np.pi * number.ravel() / extent[component.ravel()]
    chosen = np.argsort(frequency, kind="stable")[:bits]
    component = component.ravel()[chosen]
    return Waves(mean, axes, component, low[component], frequency[chosen])


def encode(params: Waves, X) -> np.ndarray:
    """Take the signs of the waves.

    b = 1[cos(omega (v - a)) > 0],   v = (x - mean) p

    Args:
      params: as `fit` returned it.
      X: [n, d] or [n, ...].

    Returns:
      [n, bits] bool.
    """
    V = rows.centered_product(rows.as_rows("X", X), params.mean, params.axes)
    return np.cos(params.frequency * (V[:, params.component] - params.start)) > 0
