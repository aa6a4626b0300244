"""What two images are compared by: unit-norm pixels, or histograms of gradient orientations; and principal axes.

The descriptor is a dense form of SIFT's and HOG's: gradients sorted by direction, each direction blurred and read on a
coarse grid. Small shifts and changes of stroke width move it less than they move pixels.

References: Lowe, IJCV 2004 (orientation histograms); Tola, Lepetit & Fua, PAMI 2010 (blurred maps of directions).
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["PrincipalAxes", "orientation_descriptors", "principal_axes", "unit_pixels"]

Array = jax.Array

LARGEST_SIDE = 32  # pixels of larger images are averaged down to this many before they are compared
WIDEST = 2048  # features up to which the covariance matrix is made; beyond, principal axes come from random sketches


class PrincipalAxes(NamedTuple):
    """A linear map to the directions of largest variance: y = (x - mean) axes."""

    mean: np.ndarray  # [d]
    axes: np.ndarray  # [d, r], orthonormal columns, the direction of largest variance first


def unit_pixels(images: Array) -> Array:
    """Pixels of each image, its own mean subtracted, divided by their norm.

        x = (p - mean(p)) / |p - mean(p)|

    Args:
        images: [b, h, w, c] float, in any unit. Sides above 32 pixels are first averaged down to at most 32.

    Returns:
        [b, f], rows of length 1; an image of one value gives zeros.
    """
    _, height, width, _ = images.shape
    down, across = (_averaging(side, images.dtype) for side in (height, width))
    if down is not None or across is not None:
        down = jnp.eye(height, dtype=images.dtype) if down is None else down
        across = jnp.eye(width, dtype=images.dtype) if across is None else across
        images = jnp.einsum("ph,bhwc,qw->bpqc", down, images, across, precision="highest")
    pixels = images.reshape(len(images), -1)
    pixels = pixels - pixels[:, :1]  # exact zeros for an image of one value
    return _unit(pixels - pixels.mean(axis=1, keepdims=True))


def orientation_descriptors(
    images: Array, *, directions: int = 8, cells: int = 7, sharpness: int = 4, blur: float = 0.025, pool: float = 0.06
) -> Array:
    """How much edge of each direction lies in each cell of a coarse grid, as a vector of length 1.

        e_θ(p) = |g(p)| · max(cos(angle of g(p) - θ), 0)^sharpness,     θ = 2πt / directions

    with g the central differences of the slightly blurred image; each e_θ is blurred and read at the centers of
    cells x cells equal cells. Channels are added.

    Args:
        images: [b, h, w, c] float, in any unit: the descriptor does not change when an image is scaled or shifted in
            brightness.
        directions: number of directions.
        cells: of the grid, along each side.
        sharpness: power of the cosine; the larger, the fewer directions a gradient counts for.
        blur: standard deviation of the first blur, as a fraction of the side.
        pool: standard deviation of the second blur, as a fraction of the side.

    Returns:
        [b, directions · cells²]; an image of one value gives zeros.
    """
    b, height, width, channels = images.shape
    x = images.transpose(0, 3, 1, 2).reshape(-1, height, width)
    x = x - x[:, :1, :1]  # exact zeros where nothing but the corner's value is
    smooth = [_gaussian(side, np.arange(side), blur * side) for side in (height, width)]
    slope = [_differences(side) @ matrix for side, matrix in zip((height, width), smooth, strict=True)]
    down, across = _both_sides(x, slope[0], smooth[1]), _both_sides(x, smooth[0], slope[1])
    size = jnp.sqrt(down**2 + across**2)
    safe = jnp.where(size > 0, size, 1)
    # Held back from fusing: each direction would compute them anew.
    size, down, across = jax.lax.optimization_barrier((size, down / safe, across / safe))
    centers = (np.arange(cells) + 0.5) / cells
    grid = [_gaussian(side, centers * side - 0.5, pool * side) for side in (height, width)]
    grid = jnp.asarray(np.kron(*grid).T, images.dtype)  # [h w, cells²]
    maps = []
    for angle in 2 * math.pi * np.arange(directions) / directions:
        cosine = jnp.maximum(across * math.cos(angle) + down * math.sin(angle), 0)
        energy = (size * cosine**sharpness).reshape(len(x), -1)
        maps.append(jnp.matmul(energy, grid, precision="highest").reshape(b, channels, -1).sum(axis=1))
    return _unit(jnp.concatenate(maps, axis=1))


def principal_axes(points: np.ndarray, dimensions: int) -> PrincipalAxes:
    """The directions in which points vary most, in double precision on the host.

    Args:
        points: [n, d].
        dimensions: r, how many directions; cut to min(n, d).

    Returns:
        `PrincipalAxes`. Up to 2,048 features they are the eigenvectors of the covariance matrix; beyond, those of a
        randomized range finder with a fixed seed. The largest component of each axis is positive.
    """
    points = np.asarray(points)
    if points.ndim != 2:
        raise ValueError(f"points must be [n, d], got {points.shape}")
    mean = points.mean(axis=0, dtype=np.float64)
    dimensions = min(dimensions, *points.shape)
    if points.shape[1] <= WIDEST:
        moments = np.zeros((points.shape[1],) * 2)
        for start in range(0, len(points), 4096):  # never a copy of all points in double precision
            part = points[start : start + 4096] - mean
            moments += part.T @ part
        axes = np.linalg.eigh(moments)[1][:, ::-1][:, :dimensions]
    else:
        from sklearn.utils.extmath import randomized_svd

        axes = randomized_svd(points - mean.astype(points.dtype), dimensions, n_iter=4, random_state=0)[2].T
    signs = np.sign(axes[np.argmax(np.abs(axes), axis=0), np.arange(axes.shape[1])])
    return PrincipalAxes(mean.astype(np.float32), (axes * np.where(signs == 0, 1, signs)).astype(np.float32))


def _unit(x: Array) -> Array:
    length = jnp.sqrt(jnp.sum(x**2, axis=1, keepdims=True))
    return x / jnp.where(length > 0, length, 1)


def _both_sides(x: Array, left: np.ndarray, right: np.ndarray) -> Array:
    """Products left · x · rightᵀ for each of the images [b, h, w]."""
    left, right = jnp.asarray(left, x.dtype), jnp.asarray(right, x.dtype)
    return jnp.einsum("ph,bhw,qw->bpq", left, x, right, precision="highest")


def _differences(side: int) -> np.ndarray:
    """Matrix [side, side] of central differences, the border repeated."""
    line = np.eye(side)
    line = np.concatenate([line[:1], line, line[-1:]])
    return (line[2:] - line[:-2]) / 2


def _gaussian(side: int, centers: np.ndarray, sd: float) -> np.ndarray:
    """Weights [centers, side] of a Gaussian about each center, rows adding up to 1."""
    squares = (np.arange(side)[None, :] - np.asarray(centers)[:, None]) ** 2
    logits = -squares / (2 * max(sd, 1e-3) ** 2)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _averaging(side: int, dtype) -> Array | None:
    """Matrix [smaller, side] that averages equal parts of a side; None if it is small enough."""
    if side <= LARGEST_SIDE:
        return None
    edges = np.linspace(0, side, LARGEST_SIDE + 1)
    pixel = np.arange(side)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    overlap = np.maximum(overlap, 0)
    return jnp.asarray(overlap / overlap.sum(axis=1, keepdims=True), dtype)
