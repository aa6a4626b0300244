"""Augmentation: scipy as oracle, worked cases, laws of the draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage, stats

from jaxcluster import augment

KEY = jax.random.key(0)
# Compiled whole: called as they are, they compile some thirty programs for each shape.
affine_matrices = jax.jit(augment.affine_matrices, static_argnames=("height", "width", "center"))
warp = jax.jit(augment.warp)
random_affine = jax.jit(augment.random_affine, static_argnames=("rotation", "shift", "stretch", "shear", "center"))
random_flip = jax.jit(augment.random_flip)
random_translate = jax.jit(augment.random_translate, static_argnames=("pixels", "fill"))
gaussian_noise = jax.jit(augment.gaussian_noise)


def uniform(*shape):
    return np.random.default_rng(0).random(shape, np.float32)


def scipy_warp(image, matrix):
    channels = [
        ndimage.affine_transform(image[..., c], matrix[:, :2], matrix[:, 2], order=1, mode="nearest")
        for c in range(image.shape[-1])
    ]
    return np.stack(channels, -1)


@pytest.mark.parametrize("center", ["true", "keras"])
@pytest.mark.parametrize("shape", [(16, 16, 1), (28, 28, 1), (9, 14, 3), (1, 7, 1), (5, 1, 2), (1, 1, 1)])
def test_warp_is_scipys_affine_transform(shape, center):
    rng = np.random.default_rng(0)
    images = rng.random((20, *shape), np.float32)
    angle = rng.uniform(-np.pi, np.pi, 20).astype(np.float32)
    shift = rng.uniform(-4, 4, (20, 2)).astype(np.float32)
    matrices = affine_matrices(angle, shift, height=shape[0], width=shape[1], center=center)
    warped = warp(images, matrices)
    expected = [scipy_warp(image, matrix) for image, matrix in zip(images, np.asarray(matrices))]
    # A coordinate of size 30 is rounded to 2e-6 in float32, and pixels differ by at most 1.
    np.testing.assert_allclose(warped, expected, atol=2e-5)


@pytest.mark.parametrize("center", ["true", "keras"])
def test_matrices_follow_their_equation(center):
    theta, shift, h, w = 0.3, np.array([1.5, -2.0]), 10, 6
    middle = np.array([h / 2, w / 2]) + (0.5 if center == "keras" else -0.5)
    turn = np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])
    point = np.array([3.0, 4.0])
    given = {"height": h, "width": w, "center": center}
    angle, moved = np.asarray([theta], np.float32), np.asarray(shift, np.float32)[None]
    matrix = affine_matrices(angle, moved, **given)[0]
    homogeneous = np.asarray([3.0, 4.0, 1.0], np.float32)
    np.testing.assert_allclose(matrix @ homogeneous, turn @ (point - middle + shift) + middle, rtol=1e-5)
    formed = affine_matrices(
        angle, moved, stretch=np.asarray([[1.2, 0.7]], np.float32), shear=np.asarray([0.4], np.float32), **given
    )[0]
    form = np.array([[1.2, 0.4], [0.0, 0.7]])
    np.testing.assert_allclose(formed @ homogeneous, turn @ form @ (point - middle + shift) + middle, rtol=1e-5)


def test_identity_quarter_turn_and_whole_pixel_shift():
    image = np.arange(25, dtype=np.float32).reshape(5, 5, 1)

    def warped(angle, shift):
        matrix = affine_matrices(np.asarray([angle], np.float32), np.asarray([shift], np.float32), height=5, width=5)
        return np.asarray(warp(image[None], matrix))[0]

    np.testing.assert_array_equal(warped(0.0, [0.0, 0.0]), image)
    np.testing.assert_allclose(warped(np.pi / 2, [0.0, 0.0]), np.rot90(image, -1), atol=1e-4)
    expected = np.concatenate([image[1:], image[-1:]])  # one row up, the last row repeated
    np.testing.assert_array_equal(warped(0.0, [1.0, 0.0]), expected)


def test_a_draw_belongs_to_its_position_in_the_global_batch():
    images = uniform(8, 6, 5, 1)
    position = np.arange(8)
    whole = random_affine(KEY, images, position, rotation=10, shift=0.1)
    halves = [random_affine(KEY, images[s], position[s], rotation=10, shift=0.1) for s in (slice(4), slice(4, 8))]
    np.testing.assert_array_equal(whole, np.concatenate(halves))
    noisy = gaussian_noise(KEY, images, position, sd=0.1)
    np.testing.assert_array_equal(noisy[5:7], gaussian_noise(KEY, images[5:7], position[5:7], sd=0.1))
    assert np.abs(np.asarray(whole[0]) - np.asarray(whole[1])).max() > 0.01


def test_shifts_are_uniform_and_continuous_in_their_range():
    n, width = 2000, 20
    ramp = np.broadcast_to(np.arange(width, dtype=np.float32)[None, None, :, None], (n, 1, width, 1))
    warped = random_affine(KEY, ramp, np.arange(n), rotation=0, shift=0.1)
    moved = np.asarray(warped[:, 0, width // 2, 0]) - width // 2
    assert np.abs(moved).max() <= 2  # 0.1 of 20 pixels
    assert stats.kstest(moved, stats.uniform(-2, 4).cdf).pvalue > 0.01  # fixed key: passes or fails for good


def test_angles_are_uniform_in_their_range():
    # A ramp along the rows turns by θ into cos θ · row + sin θ · column: read θ off the slope along the columns.
    n, size = 2000, 21
    ramp = np.broadcast_to(np.arange(size, dtype=np.float32)[None, :, None, None], (n, size, size, 1))
    warped = np.asarray(random_affine(KEY, ramp, np.arange(n), rotation=10, shift=0))[..., 0]
    angle = np.degrees(np.arcsin(warped[:, 10, 11] - warped[:, 10, 10]))
    assert stats.kstest(angle, stats.uniform(-10, 20).cdf).pvalue > 0.01


def test_stretch_and_shear_are_uniform_in_their_range():
    # About the middle, a ramp along the columns gets the slope s_column; one along the rows s_row, and k along the
    # columns.
    n, size = 2000, 21
    along_columns = np.broadcast_to(np.arange(size, dtype=np.float32)[None, None, :, None], (n, size, size, 1))
    given = {"rotation": 0, "shift": 0, "stretch": 0.2, "shear": 0.3}

    def warped(images):
        return np.asarray(random_affine(KEY, images, np.arange(n), **given))[..., 0]

    columns, rows = warped(along_columns), warped(along_columns.swapaxes(1, 2))
    stretch_column = np.log(columns[:, 10, 11] - columns[:, 10, 10])
    stretch_row, shear = np.log(rows[:, 11, 10] - rows[:, 10, 10]), rows[:, 10, 11] - rows[:, 10, 10]
    for draws, width in ((stretch_row, 0.2), (stretch_column, 0.2), (shear, 0.3)):
        assert stats.kstest(draws, stats.uniform(-width, 2 * width).cdf).pvalue > 0.01
    correlation = np.corrcoef([stretch_row, stretch_column, shear])
    assert np.abs(correlation - np.eye(3)).max() < 4 / np.sqrt(n)  # each its own draw


def test_stretch_changes_no_other_draw():
    images = uniform(5, 9, 9, 1)
    plain = random_affine(KEY, images, np.arange(5), rotation=10, shift=0.1)
    almost = random_affine(KEY, images, np.arange(5), rotation=10, shift=0.1, stretch=1e-6, shear=1e-6)
    np.testing.assert_allclose(plain, almost, atol=1e-4)


def test_noise_has_the_standard_deviation_it_was_given():
    n = 20_000
    noise = np.asarray(gaussian_noise(KEY, np.zeros((n // 10, 10)), np.arange(n // 10), sd=0.3))
    assert abs(noise.std() / 0.3 - 1) < 4 / np.sqrt(2 * n)  # four standard errors
    assert abs(noise.mean()) < 4 * 0.3 / np.sqrt(n)


def test_flips_are_fair_mirrors_and_belong_to_their_position():
    n = 1000
    images = uniform(n, 2, 3, 2)
    flipped = np.asarray(random_flip(KEY, images, np.arange(n)))
    images = np.asarray(images)
    mirrored = (flipped == images[:, :, ::-1]).all(axis=(1, 2, 3))
    same = (flipped == images).all(axis=(1, 2, 3))
    assert (mirrored ^ same).all()
    assert abs(mirrored.mean() - 0.5) < 4 * 0.5 / np.sqrt(n)  # four standard errors
    part = random_flip(KEY, images[7:12], np.arange(7, 12))
    np.testing.assert_array_equal(part, flipped[7:12])


@pytest.mark.parametrize("fill", ["edge", "zero"])
def test_translation_is_by_whole_pixels_each_shift_equally_often(fill):
    # Each pixel says where it was; the center of a 5 x 5 image is always filled from inside.
    n, pixels = 1800, 1
    image = np.arange(1, 26, dtype=np.float32).reshape(5, 5, 1)
    images = np.broadcast_to(image[None], (n, 5, 5, 1))
    moved = np.asarray(random_translate(KEY, images, np.arange(n), pixels=pixels, fill=fill))
    shifts, counts = [], {}
    for result in moved:
        row, column = divmod(int(result[2, 2, 0]) - 1, 5)
        shifts.append((row - 2, column - 2))
        counts[shifts[-1]] = counts.get(shifts[-1], 0) + 1
    assert set(counts) == {(r, s) for r in (-1, 0, 1) for s in (-1, 0, 1)}
    assert stats.chisquare(list(counts.values())).pvalue > 0.01  # fixed key: passes or fails for good
    mode = {"edge": "nearest", "zero": "constant"}[fill]
    for (row, column), result in list(zip(shifts, moved))[:40]:
        np.testing.assert_array_equal(result, ndimage.shift(image, (-row, -column, 0), order=0, mode=mode))


def test_translation_belongs_to_its_position_and_by_nothing_is_the_identity():
    images = uniform(8, 6, 5, 1)
    whole = random_translate(KEY, images, np.arange(8), pixels=2)
    part = random_translate(KEY, images[3:6], np.arange(3, 6), pixels=2)
    np.testing.assert_array_equal(whole[3:6], part)
    np.testing.assert_array_equal(random_translate(KEY, images, np.arange(8), pixels=0), images)


def test_jit_changes_only_rounding():
    images = uniform(4, 8, 8, 1)
    eager = augment.random_affine(KEY, images, np.arange(4), rotation=30, shift=0.2)
    jitted = random_affine(KEY, images, np.arange(4), rotation=30, shift=0.2)
    np.testing.assert_allclose(eager, jitted, atol=1e-5)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"images must be \[b, h, w, c\].*got \(3, 3\)"):
        augment.warp(jnp.zeros((3, 3)), jnp.zeros((1, 2, 3)))
    with pytest.raises(ValueError, match=r"matrices \[b, 2, 3\].*got \(2, 3, 3, 1\) and \(1, 2, 3\)"):
        augment.warp(jnp.zeros((2, 3, 3, 1)), jnp.zeros((1, 2, 3)))
    with pytest.raises(ValueError, match="center must be 'true' or 'keras', got 'middle'"):
        augment.affine_matrices(jnp.zeros(1), jnp.zeros((1, 2)), height=3, width=3, center="middle")
    with pytest.raises(ValueError, match=r"rotation must be \[b\] and shift \[b, 2\]"):
        augment.affine_matrices(jnp.zeros(2), jnp.zeros((1, 2)), height=3, width=3)
    with pytest.raises(ValueError, match=r"stretch must be \[b, 2\] and shear \[b\], b = 1, got \(1,\) and \(1,\)"):
        augment.affine_matrices(jnp.zeros(1), jnp.zeros((1, 2)), height=3, width=3, stretch=jnp.zeros(1))
    with pytest.raises(ValueError, match="feature vectors take gaussian_noise"):
        augment.random_affine(KEY, jnp.zeros((2, 9)), jnp.arange(2), rotation=1, shift=0)
    with pytest.raises(ValueError, match=r"position must be \[b\]"):
        augment.gaussian_noise(KEY, jnp.zeros((2, 9)), jnp.zeros((2, 1), int), sd=1.0)
    with pytest.raises(ValueError, match=r"images must be \[b, h, w, c\], got \(2, 9\)"):
        augment.random_flip(KEY, jnp.zeros((2, 9)), jnp.arange(2))
    images = jnp.zeros((2, 3, 3, 1))
    with pytest.raises(ValueError, match="fill must be 'edge' or 'zero', got 'wrap'"):
        augment.random_translate(KEY, images, jnp.arange(2), pixels=1, fill="wrap")
    with pytest.raises(ValueError, match="pixels must be at least 0, got -1"):
        augment.random_translate(KEY, images, jnp.arange(2), pixels=-1)
