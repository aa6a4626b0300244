"""Shallow hash functions: what all of them share."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from jaxcluster import hashing
from tests.hashing.samples import vectors

ALL = sorted(hashing.METHODS)


def fit(name, X, bits, seed=0, **options):
    if name == "KMH":  # of its fifty iterations a few tell what all of them tell
        options = {"iterations": 5} | options
    return hashing.METHODS[name].fit(seed, X, bits, **options)


def fitted(name, X, bits, seed=0):
    return hashing.METHODS[name].encode(fit(name, X, bits, seed), X)


@pytest.mark.parametrize("name", ALL)
def test_codes_are_bits_and_the_seed_decides_them(name):
    X = vectors()
    method = hashing.METHODS[name]
    params = fit(name, X, 8, seed=3)
    codes = method.encode(params, X)
    assert codes.shape == (300, 8)
    assert codes.dtype == np.bool_
    np.testing.assert_array_equal(codes, fitted(name, X, 8, seed=3))
    np.testing.assert_array_equal(codes, fitted(name, X, 8, seed=np.random.default_rng(3)))
    np.testing.assert_array_equal(method.encode(params, X[:5]), codes[:5])


@pytest.mark.parametrize("name", ALL)
def test_images_are_flattened_and_integers_are_numbers(name):
    images = (load_digits().images[:200] * 15).astype(np.uint8).reshape(200, 8, 8, 1)
    codes = fitted(name, images, 8)
    np.testing.assert_array_equal(codes, fitted(name, images.reshape(200, 64).astype(np.float64), 8))


@pytest.mark.parametrize("name", ALL)
def test_shifting_everything_changes_nothing(name):
    X = vectors()
    assert (fitted(name, X, 8) == fitted(name, X + 7.0, 8)).mean() > 0.999  # up to rounding at a boundary


@pytest.mark.parametrize("name", ALL)
def test_codes_do_not_depend_on_the_block(name, monkeypatch):
    from jaxcluster.hashing import rows

    X = vectors(n=120)
    codes = fitted(name, X, 8)
    monkeypatch.setattr(rows, "_NUMBERS_AT_ONCE", 30)
    assert (fitted(name, X, 8) == codes).mean() > 0.999


@pytest.mark.parametrize("name", ALL)
def test_neighbors_in_hamming_distance_share_their_digit(name):
    digits = load_digits()
    method = hashing.METHODS[name]
    codes = (
        method.encode(method.fit(0, digits.data, 32 if name != "KMH" else 16), digits.data).astype(np.float32) * 2 - 1
    )
    similarity = codes[:300] @ codes.T
    similarity[np.arange(300), np.arange(300)] = -np.inf
    assert (digits.target[similarity.argmax(1)] == digits.target[:300]).mean() > 0.6  # by chance: 0.1


@pytest.mark.parametrize("name", ALL)
def test_duplicates_and_constant_columns(name):
    X = np.repeat(vectors(n=40, d=8), 3, axis=0)
    X[:, 2] = 1.0
    codes = fitted(name, X, 4)
    np.testing.assert_array_equal(codes[::3], codes[1::3])
    fitted(name, np.ones((20, 8)), 4)  # nothing to tell apart: no error, no warning


@pytest.mark.parametrize("name", ALL)
def test_bad_input_names_the_argument(name):
    method = hashing.METHODS[name]
    X = vectors()
    with pytest.raises(ValueError, match=r"X must have shape \[n, d\] and not be empty, got \(3,\)"):
        method.fit(0, np.ones(3), 4)
    with pytest.raises(ValueError, match=r"X must have shape .* got \(0, 3\)"):
        method.fit(0, np.ones((0, 3)), 4)
    with pytest.raises(ValueError, match="X must be finite, got NaN"):
        method.fit(0, np.where(X[0, 0] == X, np.nan, X), 4)
    with pytest.raises(ValueError, match="X must hold numbers, got dtype <U1"):
        method.fit(0, [["a"]], 4)
    with pytest.raises(ValueError, match=r"bits must be .* 1.*, got 0"):
        method.fit(0, X, 0)
    with pytest.raises(ValueError, match="X must have the 12 columns that were fitted, got 5"):
        method.encode(fit(name, X, 4), X[:, :5])


@pytest.mark.parametrize("name", ["PCAH", "ITQ", "KMH"])
def test_more_bits_than_dimensions(name):
    with pytest.raises(ValueError, match=r"bits must be .* 12 .*dimensions of X\), got 16"):
        hashing.METHODS[name].fit(0, vectors(), 16)


@pytest.mark.parametrize("name", ["LSH", "SpeH", "SphH"])
def test_methods_with_any_number_of_bits(name):
    assert fitted(name, vectors(), 40).shape == (300, 40)


def test_importing_brings_numpy_only():
    code = (
        "import sys; from jaxcluster import hashing; "
        "print([m for m in ('jax', 'scipy', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
