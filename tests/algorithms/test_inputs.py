"""From stored images to the network's inputs: what is drawn, and what is not, for images and for feature vectors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster import augment
from jaxcluster.algorithms import aspc
from jaxcluster.algorithms.inputs import flat_inputs

KEY = jax.random.key(0)


def settings(**changes):
    config = aspc.get_config().augment
    config.rotation = config.shift = 0.0
    config.update(changes)
    return config


def test_feature_vectors_get_noise_and_nothing_else():
    stored = np.random.default_rng(0).uniform(3, 5, (500, 40)).astype(np.float32)
    inputs = flat_inputs(settings(noise=0.1, rotation=10.0, stretch=0.3), (40,), 3.0, 0.5)
    clean = inputs.clean(stored)
    np.testing.assert_allclose(clean, (stored - 3) / 2, rtol=1e-6)
    noise = np.asarray(inputs.augmented(KEY, stored, jnp.arange(500)) - clean)
    assert abs(noise.std() / 0.1 - 1) < 4 / np.sqrt(2 * noise.size)  # four standard errors
    assert abs(noise.mean()) < 4 * 0.1 / np.sqrt(noise.size)


def test_without_noise_feature_vectors_stay_as_they_are():
    stored = np.random.default_rng(0).random((5, 4), np.float32)
    inputs = flat_inputs(settings(rotation=10.0, shift=0.1, shear=0.2), (4,), 0.0, 1.0)
    np.testing.assert_array_equal(inputs.augmented(KEY, stored, jnp.arange(5)), stored)


@pytest.mark.parametrize("one", ["rotation", "shift", "stretch", "shear"])
def test_each_variation_alone_warps_an_image(one):
    sizes = {"rotation": 20.0, "shift": 0.2, "stretch": 0.3, "shear": 0.3}
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 5, 2)).astype(np.uint8)
    inputs = flat_inputs(settings(**{one: sizes[one]}), (6, 5, 2), 0.0, 1 / 255)
    x = inputs.augmented(KEY, images, jnp.arange(4))
    assert x.shape == (4, 60)
    assert np.abs(np.asarray(x - inputs.clean(images))).max() > 0.05
    given = {"rotation": 0.0, "shift": 0.0} | {one: sizes[one]}
    warped = augment.random_affine(jax.random.split(KEY)[0], images.astype(np.float32) / 255, jnp.arange(4), **given)
    np.testing.assert_allclose(x, warped.reshape(4, -1), atol=1e-5)
