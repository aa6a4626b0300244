"""The images that the networks see, by hand, in both ranges."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster.algorithms import clustergan
from jaxcluster.algorithms.clustergan.views import views

KEY = jax.random.key(0)
COPIES = 600


def looks(shape=(4, 5, 1), offset=0.0, scale=1 / 255, output="tanh", **changes):
    """Views with no variation but those asked for."""
    config = clustergan.get_config().consistency
    config.rotation = config.shift = 0.0
    for name, value in changes.items():
        config[name] = value
    return views(config, shape, offset=offset, scale=scale, output=output)


@pytest.mark.parametrize(("output", "expected"), [("tanh", [-1, -0.6, 1]), ("sigmoid", [0, 0.2, 1])])
def test_stored_values_come_into_the_generators_range_and_back(output, expected):
    for stored, offset, scale in (
        (np.array([[0, 51, 255]], np.uint8), 0.0, 1 / 255),
        (np.array([[-3, -1.4, 5]], np.float32), -3.0, 1 / 8),
    ):
        look = looks((3,), offset, scale, output)
        clean = look.clean(jnp.asarray(stored))
        np.testing.assert_allclose(clean, [expected], atol=1e-6)
        np.testing.assert_allclose(look.shown(clean), [[0, 0.2, 1]], atol=1e-6)


def copies(look):
    """One picture of unlike pixels, some of them black, varied many times: the picture, the results as tuples."""
    stored = np.random.default_rng(0).permutation(20).reshape(1, 4, 5, 1).astype(np.uint8) * 13
    clean = look.clean(jnp.asarray(np.repeat(stored, COPIES, axis=0)))
    varied = look.varied(KEY, clean, jnp.arange(COPIES))
    return np.asarray(clean[0]), [tuple(image.ravel()) for image in np.asarray(varied)]


def shifted(image, pixels):
    """All shifts by whole pixels, the border repeated."""
    padded = np.pad(image, ((pixels, pixels), (pixels, pixels), (0, 0)), mode="edge")
    return [padded[i : i + 4, j : j + 5] for i, j in itertools.product(range(2 * pixels + 1), repeat=2)]


@pytest.mark.parametrize(
    ("changes", "ways"),
    [
        ({"flip": True}, lambda image: [image, image[:, ::-1]]),
        ({"translate": 1}, lambda image: shifted(image, 1)),
        ({"flip": True, "translate": 1}, lambda image: [s for i in (image, image[:, ::-1]) for s in shifted(i, 1)]),
    ],
    ids=["flip", "translate", "both"],
)
def test_mirrored_and_shifted_pictures_are_all_ways_and_no_other(changes, ways):
    """Each of k equally likely ways comes in 600 draws within five standard deviations of 600 / k."""
    clean, found = copies(looks(**changes))
    expected = [tuple(image.ravel()) for image in ways(clean)]
    assert min(expected[0]) == -1
    assert set(found) == set(expected)
    mean = COPIES / len(expected)
    for way in expected:
        assert abs(found.count(way) - mean) < 5 * np.sqrt(mean * (1 - 1 / len(expected)))


@pytest.mark.parametrize(("output", "sd"), [("tanh", 0.1), ("sigmoid", 0.05)])
def test_noise_is_measured_in_the_width_of_the_range(output, sd):
    clean, found = copies(looks(output=output, noise=0.05))
    noise = np.array(found) - clean.ravel()
    n = noise.size
    np.testing.assert_allclose(noise.mean(), 0, atol=5 * sd / np.sqrt(n))
    np.testing.assert_allclose(noise.std(), sd, atol=5 * sd / np.sqrt(2 * n))


def test_feature_vectors_have_noise_as_their_only_variation():
    pictures = {"rotation": 10.0, "shift": 0.1, "flip": True, "translate": 2}
    assert looks((3,), **pictures).varied is None
    assert looks().varied is None
    look = looks((3,), **pictures, noise=0.1)
    assert look.varied(KEY, jnp.zeros((2, 3)), jnp.arange(2)).shape == (2, 3)
