"""3 × 3 convolutions by Winograd's minimal filtering: 16 products for four outputs instead of 36.

A 4 × 4 patch and the kernel are each taken to another basis, in which the convolution is a product place by place: one
matrix product over the channels for each of 16 places. Both changes of basis are sums and differences of few numbers,
first along rows, then along columns (Lavin and Gray, CVPR 2016, F(2 × 2, 3 × 3)). Along one axis, with inputs d, kernel
g and outputs y:

    m0 = (d0 − d2) g0                        y0 = m0 + m1 + m2
    m1 = (d1 + d2) (g0 + g1 + g2) / 2        y1 = m1 − m2 − m3
    m2 = (d2 − d1) (g0 − g1 + g2) / 2
    m3 = (d1 − d3) g2
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

__all__ = ["winograd"]

Array = jax.Array


def winograd(x: Array, kernel: Array, *, padding: int = 0) -> Array:
    """Correlate images with a 3 × 3 kernel in steps of one pixel, as `convolution.convolve` does, to rounding.

    Args:
        x: [b, h, w, in].
        kernel: [3, 3, in, out].
        padding: zeros added on each side.

    Returns:
        [b, h + 2 padding − 2, w + 2 padding − 2, out].
    """
    b, height, width, before = x.shape
    down, across = (max(side + 2 * padding - 2, 0) for side in (height, width))  # the size of the result,
    rows, columns = -(-down // 2), -(-across // 2)  # and its 2 x 2 tiles; the last may jut out
    ends = (2 * rows + 2 - padding - height, 2 * columns + 2 - padding - width)
    x = jnp.pad(x, ((0, 0), (padding, ends[0]), (padding, ends[1]), (0, 0)))
    x = x.reshape(b, rows + 1, 2, columns + 1, 2, before)
    patches = [_patch_basis(_overlapping(part, axis=2)) for part in _patch_basis(_overlapping(x, axis=1))]
    kernels = [_kernel_basis(part) for part in _kernel_basis(kernel)]
    products = [
        [(patches[i][j].reshape(-1, before) @ kernels[i][j]).reshape(b, rows, columns, -1) for j in range(4)]
        for i in range(4)
    ]
    halves = [_outputs(part) for part in products]
    lines = [jnp.stack(part, axis=3) for part in zip(*map(_outputs, zip(*halves, strict=True)), strict=True)]
    y = jnp.stack(lines, axis=2)  # [b, rows, 2, columns, 2, out]
    return y.reshape(b, 2 * rows, 2 * columns, -1)[:, :down, :across]


def _overlapping(x: Array, *, axis: int) -> list[Array]:
    """The four places of each patch along one axis: an axis of pairs becomes four arrays, a patch being two pairs."""
    pairs = x.shape[axis] - 1
    first, second = (jax.lax.slice_in_dim(x, start, start + pairs, axis=axis) for start in (0, 1))
    return [jax.lax.index_in_dim(half, i, axis + 1, keepdims=False) for half in (first, second) for i in (0, 1)]


def _patch_basis(d: Sequence[Array]) -> tuple[Array, ...]:
    return d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]


def _kernel_basis(g: Sequence[Array]) -> tuple[Array, ...]:
    ends, middle = (g[0] + g[2]) / 2, g[1] / 2
    return g[0], ends + middle, ends - middle, g[2]


def _outputs(m: Sequence[Array]) -> tuple[Array, Array]:
    return m[0] + m[1] + m[2], m[1] - m[2] - m[3]
