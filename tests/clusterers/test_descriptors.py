"""What images are compared by: laws of the descriptors, principal axes against scikit-learn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster import clusterers
from jaxcluster.clusterers import principal_axes

orientation_descriptors, unit_pixels = jax.jit(clusterers.orientation_descriptors), jax.jit(clusterers.unit_pixels)


def some_images(n=3, height=12, width=10, channels=1):
    return np.random.default_rng(0).uniform(size=(n, height, width, channels)).astype(np.float32)


@pytest.mark.parametrize("describe", [unit_pixels, orientation_descriptors])
def test_brightness_and_contrast_do_not_count(describe):
    images = some_images()
    found = np.asarray(describe(jnp.asarray(images)))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(describe(jnp.asarray(200 * images + 30)), found, atol=1e-4)
    assert not np.asarray(describe(np.full((3, 12, 10, 1), 0.3, np.float32))).any()


def test_an_edge_lies_in_its_direction_and_cell():
    image = np.zeros((1, 28, 28, 1), np.float32)
    image[:, :, 14:] = 1  # brighter to the right: direction 0, middle column of cells
    found = np.asarray(orientation_descriptors(jnp.asarray(image))).reshape(8, 7, 7)
    strength = found.sum(axis=(1, 2))
    assert strength.argmax() == 0
    # Directions 45 degrees off count cos^4 = 1/4 as much, those at right angles and opposite ones nothing.
    np.testing.assert_allclose(strength / strength[0], [1, 0.25, 0, 0, 0, 0, 0, 0.25], atol=1e-5)
    assert (found[0].argmax(axis=1) == 3).all()


def test_turning_an_image_turns_its_directions():
    image = some_images(1, 14, 14)
    found = np.asarray(orientation_descriptors(jnp.asarray(image))).reshape(8, 7, 7)
    turned = np.rot90(image, axes=(1, 2)).copy()  # counterclockwise: right becomes up
    other = np.asarray(orientation_descriptors(jnp.asarray(turned))).reshape(8, 7, 7)
    # Direction t is (cos, sin) along (columns, rows downwards), so that counterclockwise is minus two of eight.
    np.testing.assert_allclose(other, np.rot90(np.roll(found, -2, axis=0), axes=(1, 2)), atol=1e-5)


def test_channels_are_added():
    image = some_images(2)
    three = np.repeat(image, 3, axis=3)
    once = orientation_descriptors(jnp.asarray(image))
    np.testing.assert_allclose(orientation_descriptors(jnp.asarray(three)), once, atol=1e-5)


def test_large_images_are_averaged_before_their_pixels_are_compared():
    small = some_images(2, 32, 32)
    large = np.repeat(np.repeat(small, 3, axis=1), 3, axis=2)
    np.testing.assert_allclose(unit_pixels(jnp.asarray(large)), unit_pixels(jnp.asarray(small)), atol=1e-5)


def test_principal_axes_are_those_of_scikit_learn():
    from sklearn.decomposition import PCA

    points = (np.random.default_rng(0).standard_normal((60, 7)) * np.arange(1, 8) + 100).astype(np.float32)
    found = principal_axes(points, 3)
    oracle = PCA(3, svd_solver="full").fit(points.astype(np.float64))
    np.testing.assert_allclose(np.abs((found.axes.T * oracle.components_).sum(axis=1)), 1, rtol=1e-4)
    np.testing.assert_allclose(found.mean, oracle.mean_, rtol=1e-6)
    assert (found.axes[np.abs(found.axes).argmax(axis=0), range(3)] > 0).all()


def test_principal_axes_of_few_samples_and_of_many_features():
    rng = np.random.default_rng(0)
    assert principal_axes(rng.standard_normal((4, 9)), 64).axes.shape == (9, 4)
    low_rank = (rng.standard_normal((50, 2)) @ rng.standard_normal((2, 3000))).astype(np.float32)
    found = principal_axes(low_rank, 2)
    rest = (low_rank - found.mean) - (low_rank - found.mean) @ found.axes @ found.axes.T
    assert np.abs(rest).max() < 1e-3
    with pytest.raises(ValueError, match=r"points must be \[n, d\], got \(3,\)"):
        principal_axes(np.zeros(3), 1)
