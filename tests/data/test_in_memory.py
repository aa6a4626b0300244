"""Arrays from memory: every container, and refusals in the words that scikit-learn's checks look for."""

import numpy as np
import pytest

from jaxcluster import data

RNG = np.random.default_rng(8)
X = RNG.random((12, 6))


def given(x, **options):
    return data.from_arrays(x, **{"scaling": "none", "report": lambda sentence: None, **options})


def test_containers_agree():
    import jax.numpy as jnp

    expected = X.astype(np.float32)
    for x in (X, X.tolist(), X.astype(object), jnp.asarray(X), np.asfortranarray(X), np.ma.masked_array(X)):
        np.testing.assert_array_equal(given(x).images, expected)
    short = jnp.asarray(X, jnp.bfloat16)
    np.testing.assert_array_equal(given(short).images, np.asarray(short, np.float32))


def test_data_frames_give_their_columns():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcdef"))
    found = given(frame, scaling="feature")
    assert found.feature_names == tuple("abcdef")
    np.testing.assert_array_equal(found.images, given(X, scaling="feature").images)
    with pytest.raises(data.DataError, match="columns hold no numbers: b, c; leave them out, or encode them"):
        given(frame.assign(b="x", c=pd.Categorical(["u", "v"] * 6)))
    given(frame.astype(object))
    with pytest.raises(data.DataError, match=r"NaN or infinity .*first in row 2, column 'c'"):
        given(frame.mask(frame == frame.iloc[2, 2]))


def test_images_and_flat_images():
    for shape in ((12, 2, 3), (12, 2, 3, 1), (12, 1, 2, 3)):
        found = given(X.reshape(shape))
        assert found.images.shape == (shape if len(shape) == 4 else (*shape, 1))
    np.testing.assert_array_equal(given(X, image_shape=(2, 3)).images[..., 0], X.reshape(12, 2, 3).astype(np.float32))
    assert given(X, image_shape=(1, 2, 3)).images.shape == (12, 1, 2, 3)
    assert given((X * 255).astype(np.uint8), image_shape=(2, 3)).scale == 1 / 255
    assert given(X > 0.5, image_shape=(2, 3)).scale == 1
    for shape in ((2, 2), (6,), (2, -3), (2.0, 3)):
        with pytest.raises(data.DataError, match=r"image_shape="):
            given(X, image_shape=shape)


def test_images_of_memory_and_of_a_file_are_one(tmp_path):
    from sklearn.datasets import load_digits

    x = load_digits().images
    np.save(tmp_path / "x.npy", x)
    a, b = given(x), data.load(path=str(tmp_path / "x.npy"), report=lambda sentence: None)
    np.testing.assert_array_equal(a.images, b.images)
    assert a.frame == b.frame


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (X[0], ValueError, "Expected a 2D array .* Reshape your data"),
        (np.float64(3), ValueError, "Reshape your data"),
        (X[:0], ValueError, r"0 sample\(s\) \(shape=\(0, 6\)\) while a minimum of 2 is required"),
        (X[:1], ValueError, r"1 sample\(s\)"),
        (X[:, :0], ValueError, r"0 feature\(s\) \(shape=\(12, 0\)\) while a minimum of 1 is required."),
        (X + 1j, ValueError, "Complex data not supported"),
        (np.where(X[2, 1] == X, np.nan, X), ValueError, "1 of 72 values are NaN or infinity .*row 2, column 1"),
        (np.where(X[2, 1] == X, -np.inf, X), ValueError, "NaN or infinity"),
        ([[1, 2], [3]], ValueError, "no rectangular array of numbers"),
        ([["a", "b"]] * 3, ValueError, "could not convert string to float"),
        (np.ma.masked_array(X, mask=X > 0.9), ValueError, "values are masked; fill them in"),
        (np.array([[{"a": 1}, 2], [3, 4]], object), TypeError, "argument must be .* string.* number"),
    ],
)
def test_what_is_refused(x, error, message):
    with pytest.raises(error, match=message):
        given(x)


def test_sparse_data_are_refused_with_the_alternative():
    from scipy import sparse

    for kind in (sparse.csr_array, sparse.coo_matrix, sparse.dok_array):
        with pytest.raises(TypeError, match=r"Sparse data was passed, but dense .* jaxcluster.data.load reads"):
            given(kind(X))


def test_one_new_sample_is_enough_and_must_have_the_features():
    fitted = given(X, scaling="feature")
    assert given(X[:1], like=fitted).images.shape == (1, 6)
    with pytest.raises(ValueError, match=r"X has 2 features, but \w+ is expecting 6 features as input"):
        given(X[:, :2], like=fitted)
    with pytest.raises(ValueError, match="Reshape your data"):
        given(X[0], like=fitted)
    with pytest.raises(ValueError, match="NaN"):
        given(X[:1] * np.nan, like=fitted)
