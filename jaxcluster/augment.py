"""Random image transformations inside the graph: rotation, shift, flip and noise, drawn from a key.

Every draw belongs to a sample's position in the global batch (`jaxcluster.draws`). All continuous warps share one
bilinear interpolation.
"""

import math

import jax
import jax.numpy as jnp

from jaxcluster.draws import draw_by_position

__all__ = ["affine_matrices", "gaussian_noise", "random_affine", "random_flip", "random_translate", "warp"]

Array = jax.Array

NO_POSITION = 2**32 - 1  # folded into a key for further draws; no sample has this position


def affine_matrices(
    rotation: Array,
    shift: Array,
    *,
    height: int,
    width: int,
    stretch: Array | None = None,
    shear: Array | None = None,
    center: str = "true",
) -> Array:
    """Matrices that stretch and rotate an image about its center after shifting it.

        source = R(θ) S (output − c + t) + c,     R(θ) = [[cos θ, −sin θ], [sin θ, cos θ]],     S = [[s₁, k], [0, s₂]]

    Coordinates are (row, column); a matrix maps a pixel of the output to the point of the input that is
    read, so that a stretch above 1 makes the object smaller.

    Args:
        rotation: [b] angles θ in radians.
        shift: [b, 2] t in pixels, along rows and columns.
        height: rows of the image.
        width: columns of the image.
        stretch: [b, 2] s along rows and columns; None: 1.
        shear: [b] k, rows per column; None: 0.
        center: "true" is the center of the pixel grid, ((h−1)/2, (w−1)/2); "keras" is (h/2 + 0.5, w/2 + 0.5), one
            pixel further, as the library that the paper used had it: at 10 degrees a shift of a quarter pixel.

    Returns:
        [b, 2, 3] matrices M, source = M · (row, column, 1).

    Raises:
        ValueError: a shape is wrong or `center` is unknown.
    """
    if rotation.ndim != 1 or shift.shape != (*rotation.shape, 2):
        raise ValueError(f"rotation must be [b] and shift [b, 2], got {rotation.shape} and {shift.shape}")
    stretch = jnp.ones_like(shift) if stretch is None else stretch
    shear = jnp.zeros_like(rotation) if shear is None else shear
    if stretch.shape != shift.shape or shear.shape != rotation.shape:
        raise ValueError(
            f"stretch must be [b, 2] and shear [b], b = {len(rotation)}, got {stretch.shape} and {shear.shape}"
        )
    offsets = {"true": -0.5, "keras": 0.5}
    if center not in offsets:
        raise ValueError(f"center must be 'true' or 'keras', got {center!r}")
    middle = jnp.asarray([height / 2 + offsets[center], width / 2 + offsets[center]], shift.dtype)
    cos, sin = jnp.cos(rotation), jnp.sin(rotation)
    first, second = stretch[:, 0], stretch[:, 1]
    linear = jnp.stack(  # R S
        [
            jnp.stack([cos * first, cos * shear - sin * second], -1),
            jnp.stack([sin * first, sin * shear + cos * second], -1),
        ],
        -2,
    )
    moved = jnp.einsum("bij,bj->bi", linear, shift - middle[None]) + middle[None]
    return jnp.concatenate([linear, moved[:, :, None]], axis=2)


def warp(images: Array, matrices: Array) -> Array:
    """Resample each image by its affine matrix: bilinear interpolation, edges clamped.

    The same as `scipy.ndimage.affine_transform(order=1, mode="nearest")`, channel by channel.

    Args:
        images: [b, h, w, c] float.
        matrices: [b, 2, 3], from output (row, column, 1) to input (row, column); see `affine_matrices`.

    Returns:
        [b, h, w, c] warped images.

    Raises:
        ValueError: a shape is wrong.
    """
    if images.ndim != 4 or matrices.shape != (len(images), 2, 3):
        raise ValueError(f"images must be [b, h, w, c] and matrices [b, 2, 3], got {images.shape} and {matrices.shape}")
    b, height, width, channels = images.shape
    row = jnp.arange(height, dtype=images.dtype)[None, :, None]
    column = jnp.arange(width, dtype=images.dtype)[None, None, :]
    m = matrices[..., None, None]  # [b, 2, 3, 1, 1]
    top, down = _lower(m[:, 0, 0] * row + m[:, 0, 1] * column + m[:, 0, 2], height)
    left, right = _lower(m[:, 1, 0] * row + m[:, 1, 1] * column + m[:, 1, 2], width)
    # One flat array for the whole batch, in which the upper neighbor lies a fixed step behind the lower one: on a CPU
    # this takes a quarter of the time of a gather per image.
    image = jnp.arange(b, dtype=jnp.int32)[:, None, None]
    channel = jnp.arange(channels, dtype=jnp.int32)[None, None, None]
    index = ((image * height + top) * width + left)[..., None] * channels + channel
    down_part, right_part = down[..., None], right[..., None]
    index, down_part, right_part = jax.lax.optimization_barrier((index, down_part, right_part))
    pixels = jnp.asarray(images).reshape(-1)

    def read(rows: int, columns: int) -> Array:
        step = (rows * width * (height > 1) + columns * (width > 1)) * channels
        return pixels.at[index + step].get(mode="promise_in_bounds")

    upper = read(0, 0) * (1 - right_part) + read(0, 1) * right_part
    lower = read(1, 0) * (1 - right_part) + read(1, 1) * right_part
    return upper * (1 - down_part) + lower * down_part


def random_affine(
    key: Array,
    images: Array,
    position: Array,
    *,
    rotation: float,
    shift: float,
    stretch: float = 0.0,
    shear: float = 0.0,
    center: str = "true",
) -> Array:
    """Rotate, shift, stretch and shear each image by its own draws.

        θ ~ U(−rotation, rotation),   t_row ~ U(−shift, shift) · h,   t_column ~ U(−shift, shift) · w,
        log s_row, log s_column ~ U(−stretch, stretch),   k ~ U(−shear, shear)

    Args:
        key: random key of this step.
        images: [b, h, w, c] float.
        position: [b] int, the samples' positions in the global batch.
        rotation: largest angle in degrees.
        shift: largest shift as a fraction of the image's height and width; continuous, not whole pixels.
        stretch: largest logarithm of the factor by which height and width change, each by its own.
        shear: largest shift of a column against the next one, in rows.
        center: see `affine_matrices`.

    Returns:
        [b, h, w, c] augmented images, in the range of the input.

    Reference: [P2] section 4.1.4 (10 degrees, 0.1). Stretch and shear are not in the paper.
    """
    _check_images(images)
    _, height, width, _ = images.shape
    unit = draw_by_position(jax.random.uniform, key, position, (3,), images.dtype) * 2 - 1
    more = {}
    if stretch > 0 or shear > 0:  # with a key of their own, so that the draws above do not depend on them
        own_key = jax.random.fold_in(key, NO_POSITION)
        form = draw_by_position(jax.random.uniform, own_key, position, (3,), images.dtype) * 2 - 1
        more = {"stretch": jnp.exp(form[:, :2] * stretch), "shear": form[:, 2] * shear}
    size = jnp.asarray([height, width], images.dtype)
    matrices = affine_matrices(
        unit[:, 0] * math.radians(rotation),
        unit[:, 1:] * shift * size[None],
        height=height,
        width=width,
        center=center,
        **more,
    )
    return warp(images, matrices)


def random_flip(key: Array, images: Array, position: Array) -> Array:
    """Mirror each image left to right with probability 1/2.

    Args:
        key: random key of this step, another one than that of any other transformation.
        images: [b, h, w, c].
        position: [b] int, the samples' positions in the global batch.

    Returns:
        [b, h, w, c], each image as it was or mirrored.

    Reference: Ghasedi Dizaji et al., CVPR 2019, section 4 (CIFAR-10 and STL-10).
    """
    _check_images(images)
    flipped = draw_by_position(jax.random.uniform, key, position, (), jnp.float32) < 0.5
    return jnp.where(flipped[:, None, None, None], images[:, :, ::-1], images)


def random_translate(key: Array, images: Array, position: Array, *, pixels: int, fill: str = "edge") -> Array:
    """Shift each image by whole pixels: no value is interpolated.

        t_row, t_column ~ uniform over {−pixels, ..., pixels},   output(r, s) = input(r + t_row, s + t_column)

    Args:
        key: random key of this step, another one than that of any other transformation.
        images: [b, h, w, c].
        position: [b] int, the samples' positions in the global batch.
        pixels: largest shift, at least 0.
        fill: what enters at the border: "edge" repeats the border, "zero" is 0 (black in [0, 1], gray in [−1, 1]).

    Returns:
        [b, h, w, c] shifted images.

    Raises:
        ValueError: `images` is not [b, h, w, c], `fill` is unknown or `pixels` negative.

    Reference: Ghasedi Dizaji et al., CVPR 2019, section 4, which does not give the size.
    """
    _check_images(images)
    modes = {"edge": "edge", "zero": "constant"}
    if fill not in modes:
        raise ValueError(f"fill must be 'edge' or 'zero', got {fill!r}")
    if pixels < 0:
        raise ValueError(f"pixels must be at least 0, got {pixels}")
    offset = draw_by_position(jax.random.randint, key, position, (2,), 0, 2 * pixels + 1)
    padded = jnp.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode=modes[fill])
    cut = jax.vmap(lambda image, at: jax.lax.dynamic_slice(image, (at[0], at[1], 0), images.shape[1:]))
    return cut(padded, offset)


def gaussian_noise(key: Array, inputs: Array, position: Array, *, sd: float) -> Array:
    """Add independent normal noise of standard deviation `sd` to each sample.

    Args:
        key: random key of this step.
        inputs: [b, ...] float, images or feature vectors.
        position: [b] int, the samples' positions in the global batch.
        sd: standard deviation, in the units of the inputs (which are rescaled to [0, 1] before training).

    Returns:
        [b, ...] noisy inputs, not clipped.
    """
    return inputs + sd * draw_by_position(jax.random.normal, key, position, inputs.shape[1:], inputs.dtype)


def _lower(source: Array, size: int) -> tuple[Array, Array]:
    """The lower neighbor of each coordinate, and how much of the way to the upper one it lies."""
    source = jnp.clip(source, 0, size - 1)
    index = jnp.clip(source.astype(jnp.int32), 0, max(size - 2, 0))  # truncation is floor: source >= 0
    return index, source - index.astype(source.dtype)


def _check_images(images: Array) -> None:
    if images.ndim != 4:
        raise ValueError(f"images must be [b, h, w, c], got {images.shape}; feature vectors take gaussian_noise")
