"""Convolutions in two forms that agree to rounding, in value and gradient.

"native" is XLA's convolution. "products" multiplies matrices: shifted slices of the image, side by side, times the
kernel as a matrix, or, for 3 × 3 kernels on many channels, `winograd`'s. XLA's CPU backend has fast matrix products but
a slow convolution, above all inside a loop and in the gradient. "auto" takes products on CPU and native elsewhere.

Images are [b, h, w, c], kernels [k, k, in, out].
"""

import jax
import jax.numpy as jnp

from jaxcluster.networks.winograd import winograd

__all__ = ["FORMS", "convolve", "deconvolve", "max_pool", "of_constant"]

Array = jax.Array

FORMS = ("auto", "native", "products")
MANY = 16  # channels from which Winograd's form is taken; it was timed on 32 and more
WHOLE = 64  # up to how many numbers per patch one product takes the whole patch; beyond, one row of it at a time


def convolve(x: Array, kernel: Array, *, stride: int = 1, padding: int = 0, form: str = "auto") -> Array:
    """Correlate images with a kernel, zeros beyond the edge.

        y[r, s] = Σ_uv x[r · stride + u − padding, s · stride + v − padding] · kernel[u, v]

    Args:
        x: [b, h, w, in].
        kernel: [k, k, in, out].
        stride: pixels from one patch to the next.
        padding: zeros added on each side.
        form: one of `FORMS`.

    Returns:
        [b, (h + 2 padding − k) // stride + 1, ..., out].
    """
    if _resolved(form) == "native":
        return jax.lax.conv_general_dilated(
            x, kernel, (stride, stride), [(padding, padding)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
    if kernel.shape[0] == 3 and stride == 1 and kernel.shape[2] >= MANY:
        return winograd(x, kernel, padding=padding)
    if padding:
        x = jnp.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    return _patches(x, kernel, stride)


def deconvolve(x: Array, kernel: Array, *, form: str = "auto") -> Array:
    """Double height and width with a 5 × 5 kernel: the transpose of a convolution of stride 2 and padding 2.

        y[2 q + a] = Σ_t x[q − 1 + t] · kernel[2 t − a],   a = 0, 1,   t = 0, 1, 2   (along rows and columns)

    This is a transposed convolution with one more row and column at the end (output padding 1), with the kernel
    turned by 180 degrees against the usual writing of that; a library's "SAME" lies one pixel further.

    Args:
        x: [b, h, w, in].
        kernel: [5, 5, in, out].
        form: one of `FORMS`.

    Returns:
        [b, 2h, 2w, out].

    Raises:
        ValueError: the kernel is not 5 × 5.
    """
    if kernel.shape[:2] != (5, 5):
        raise ValueError(f"the kernel must be [5, 5, in, out], got {kernel.shape}")
    if _resolved(form) == "native":
        return jax.lax.conv_general_dilated(
            x, kernel, (1, 1), [(2, 3)] * 2, lhs_dilation=(2, 2), dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
    # One 3 x 3 convolution gives the four outputs 2q + a of each pixel; zeros between pixels would cost 100 products
    # per pixel and channel, this costs 36.
    _, _, before, after = kernel.shape
    taps = jnp.pad(kernel, ((1, 0), (1, 0), (0, 0), (0, 0))).reshape(3, 2, 3, 2, before, after)[:, ::-1, :, ::-1]
    taps = taps.transpose(0, 2, 4, 1, 3, 5).reshape(3, 3, before, 4 * after)
    y = convolve(x, taps, padding=1, form="products")
    b, height, width, _ = y.shape
    y = y.reshape(b, height, width, 2, 2, after).transpose(0, 1, 3, 2, 4, 5)
    return y.reshape(b, 2 * height, 2 * width, after)


def of_constant(layer, vectors: Array, kernel: Array, *, height: int, width: int) -> Array:
    """Apply a convolution to maps that are constant over the image, without ever making them.

    Each tap of the kernel meets the same vector wherever it lies inside the image, so that one small product gives
    what each tap adds, and a fixed 0/1 table says where it does.

    Args:
        layer: (x, kernel) -> y, `convolve` or `deconvolve` with its options.
        vectors: [b, m], the constant of each map.
        kernel: [k, k, m, out].
        height: rows of the maps.
        width: columns of the maps.

    Returns:
        what `layer` gives for the maps [b, height, width, m].
    """
    k, _, _, out = kernel.shape
    each = jnp.eye(k * k, dtype=kernel.dtype).reshape(k, k, 1, k * k)
    inside = layer(jnp.ones((1, height, width, 1), kernel.dtype), each)[0]  # [h', w', k²]
    added = jnp.einsum("bm,tmo->bto", vectors, kernel.reshape(k * k, -1, out))
    return jnp.einsum("hwt,bto->bhwo", inside, added)


def max_pool(x: Array) -> Array:
    """The largest of each 2 × 2 block, [b, h // 2, w // 2, c]; an odd row or column at the end is dropped.

    The gradient goes to one of equals. It comes from comparing two numbers, and not from asking which number equals
    the maximum, as JAX's own gradient of a maximum does: when XLA computes the two in different roundings none does,
    and JAX divides zero by zero.
    """
    b, height, width, channels = x.shape
    x = x[:, : height // 2 * 2, : width // 2 * 2].reshape(b, height // 2, 2, width // 2, 2, channels)
    x = _larger(x[:, :, 0], x[:, :, 1])
    return _larger(x[:, :, :, 0], x[:, :, :, 1])


def _larger(a: Array, b: Array) -> Array:
    return jnp.where(a >= b, a, b)


def _resolved(form: str) -> str:
    if form != "auto":
        return form
    return "products" if jax.default_backend() == "cpu" else "native"


def _patches(x: Array, kernel: Array, stride: int) -> Array:
    """Shifted slices times the kernel as a matrix; x is padded already."""
    k, _, before, after = kernel.shape
    height, width = (x.shape[1] - k) // stride + 1, (x.shape[2] - k) // stride + 1

    def shifted(x, axis, by, size):
        return jax.lax.slice_in_dim(x, by, by + (size - 1) * stride + 1, stride, axis)

    # [b, h + ..., w', k · in]: the row of a patch lies in the channels
    rows = [shifted(x, 2, v, width) for v in range(k)]
    rows = jnp.concatenate(rows, axis=-1) if k > 1 else rows[0]
    if k * k * before <= WHOLE:
        whole = [shifted(rows, 1, u, height) for u in range(k)]
        return _product(jnp.concatenate(whole, axis=-1), kernel.reshape(-1, after))
    kernel = kernel.reshape(k, k * before, after)
    return sum(_product(shifted(rows, 1, u, height), kernel[u]) for u in range(k))


def _product(x: Array, matrix: Array) -> Array:
    """[b, h, w, i] times [i, o] as one matrix product."""
    return (x.reshape(-1, x.shape[-1]) @ matrix).reshape(*x.shape[:-1], matrix.shape[-1])
