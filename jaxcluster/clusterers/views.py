"""Fixed affine views of images: small warps that leave what an image shows unchanged.

A view is a rotation, a shift, a stretch and a shear. The sets offered by `affine_views` are built from one step to
either side along each of six axes.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcluster import augment

__all__ = ["VIEW_SETS", "AffineView", "affine_views", "as_views", "view_matrices"]

Array = jax.Array

VIEW_SETS = (1, 13, 25, 73)
# One step along each axis: (name of the field, place in the field, size of the step)
ROTATION, ROW_SHIFT, COLUMN_SHIFT, ROW_STRETCH, COLUMN_STRETCH, SHEAR = (
    ("rotation", None, 10.0),
    ("shift", 0, 1 / 16),
    ("shift", 1, 1 / 16),
    ("stretch", 0, 0.12),
    ("stretch", 1, 0.12),
    ("shear", None, 0.15),
)
AXES = (ROTATION, ROW_SHIFT, COLUMN_SHIFT, ROW_STRETCH, COLUMN_STRETCH, SHEAR)


class AffineView(NamedTuple):
    """One affine map of the image plane, the same for every image; the default is the identity."""

    rotation: float = 0.0  # degrees
    shift: tuple[float, float] = (0.0, 0.0)  # along rows and columns, as a fraction of height and width
    stretch: tuple[float, float] = (0.0, 0.0)  # logarithm of the factor along rows and columns
    shear: float = 0.0  # rows per column


def affine_views(count: int = 13) -> tuple[AffineView, ...]:
    """One of the fixed sets of views; the first view is always the identity.

    A step is a rotation by 10 degrees, a shift by 1/16 along rows or columns, a logarithmic stretch by .12 along rows
    or columns, or a shear by .15, each to either side.

    Args:
        count: 1: the identity alone; 13: and all 12 single steps; 25: and doubled steps of rotation, stretch and
            shear, and the 4 signed pairs of rotation and shear; 73: the 13 and all 60 signed pairs of single steps.

    Returns:
        `count` views.

    Raises:
        ValueError: there is no such set.
    """
    if count not in VIEW_SETS:
        raise ValueError(f"count must be one of {', '.join(map(str, VIEW_SETS))}, got {count!r}")
    identity = AffineView()
    if count == 1:
        return (identity,)
    views = [identity, *(_step(identity, axis, sign) for axis in AXES for sign in (1, -1))]
    if count == 25:
        views += [
            _step(identity, axis, 2 * sign)
            for axis in (ROTATION, ROW_STRETCH, COLUMN_STRETCH, SHEAR)
            for sign in (1, -1)
        ]
        views += _pairs(identity, ROTATION, SHEAR)
    if count == 73:
        for i, first in enumerate(AXES):
            for second in AXES[i + 1 :]:
                views += _pairs(identity, first, second)
    return tuple(views)


def as_views(views: int | Sequence[AffineView]) -> tuple[AffineView, ...]:
    """A set of views by its number, see `affine_views`, or a sequence of views as it is.

    Raises:
        ValueError: there is no such set, or the sequence is empty.
    """
    if isinstance(views, int):
        return affine_views(views)
    views = tuple(views)
    if not views:
        raise ValueError("views must hold at least one view, got none")
    return views


def view_matrices(views: Sequence[AffineView], *, height: int, width: int) -> Array:
    """The views as matrices for `augment.warp`: from a pixel of the output to the place that it is read from.

    Args:
        views: v of them.
        height: rows of the images.
        width: columns of the images.

    Returns:
        [v, 2, 3] float32.
    """

    def matrices(rotation, shift, stretch, shear):
        return augment.affine_matrices(
            rotation, shift, height=height, width=width, stretch=jnp.exp(stretch), shear=shear
        )

    values = (
        [math.radians(view.rotation) for view in views],
        [(view.shift[0] * height, view.shift[1] * width) for view in views],
        [view.stretch for view in views],
        [view.shear for view in views],
    )
    return jax.jit(matrices)(*(np.asarray(value, np.float32) for value in values))


def _step(view: AffineView, axis: tuple, times: int) -> AffineView:
    field, place, size = axis
    if place is None:
        return view._replace(**{field: getattr(view, field) + times * size})
    moved = list(getattr(view, field))
    moved[place] += times * size
    return view._replace(**{field: tuple(moved)})


def _pairs(view: AffineView, first: tuple, second: tuple) -> list[AffineView]:
    return [_step(_step(view, first, s), second, t) for s in (1, -1) for t in (1, -1)]
