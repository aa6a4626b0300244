"""New data for a fitted model: the model's shape, offset and scale, or one clear sentence."""

import numpy as np
import pytest

from jaxcluster import data

RNG = np.random.default_rng(2)
GRAY = RNG.integers(0, 256, (6, 5, 4), np.uint8)


def load(folder, array, **options):
    np.save(folder / "x.npy", array)
    return data.load(path=str(folder / "x.npy"), **{"report": lambda sentence: None, **options})


def scaled(found):
    return (found.images.astype(np.float64) - found.offset) * found.scale


@pytest.mark.parametrize("fitted", [GRAY, GRAY / 255, GRAY * 3.0 - 100, GRAY > 128, GRAY.astype(np.int32) * 99])
def test_a_part_of_the_fitted_data_is_scaled_as_it_was_there(tmp_path, fitted):
    whole = load(tmp_path, fitted)
    for like in (whole, whole.frame):
        part = load(tmp_path, fitted[1:3], like=like)
        np.testing.assert_array_equal(scaled(part), scaled(whole)[1:3])


def test_one_constant_image_is_fine_for_a_fitted_model(tmp_path):
    whole = load(tmp_path, GRAY)
    assert load(tmp_path, np.zeros((1, 5, 4), np.uint8), like=whole).images.max() == 0


def test_float_digits_match_the_bundled_ones(tmp_path):
    from sklearn.datasets import load_digits

    digits = data.load(name="digits")
    again = load(tmp_path, load_digits().images[:9], like=digits)
    np.testing.assert_array_equal(scaled(again), scaled(digits)[:9])


def test_another_shape(tmp_path):
    whole = load(tmp_path, GRAY)
    message = r"a sample has shape \(20,\), but the model was fitted on \(5, 4, 1\)"
    with pytest.raises(data.DataError, match=message):
        load(tmp_path, GRAY.reshape(6, 20), like=whole)


@pytest.mark.parametrize(
    ("fitted", "new", "unit"),
    [
        (GRAY, GRAY / 255, 255),
        (GRAY, GRAY > 128, 255),
        (GRAY / 255, GRAY, 1),
        (GRAY / 255, GRAY * 1.0 - 255, 1),
    ],
)
def test_another_scale_of_pixels(tmp_path, fitted, new, unit):
    whole = load(tmp_path, fitted / fitted.max() if fitted.dtype != np.uint8 else fitted)
    with pytest.raises(data.DataError, match=rf"but the model was fitted on pixels from 0 to {unit}; bring them"):
        load(tmp_path, new, like=whole)


def test_features_beyond_the_fitted_range_are_said(tmp_path):
    whole = load(tmp_path, np.array([[-1.0, 3.0], [0.0, 1.0]]))
    said = []
    found = load(tmp_path, np.array([[7.0, 1.0]]), like=whole, report=said.append)
    np.testing.assert_array_equal(scaled(found), [[2.0, 0.5]])
    assert len(said) == 1
    assert "values lie in [0.5, 2], not in [0, 1]" in said[0]


def test_new_pixels_must_be_finite(tmp_path):
    whole = load(tmp_path, GRAY / 255)
    with pytest.raises(data.DataError, match="1 of 20 pixels are NaN or infinite"):
        load(tmp_path, np.where(np.arange(20) == 7, np.nan, 0.5).reshape(1, 5, 4), like=whole)


def test_counts_may_leave_the_fitted_range_both_ways(tmp_path):
    whole = load(tmp_path, np.array([[0, 5000], [7, 1]]))
    np.testing.assert_array_equal(scaled(load(tmp_path, np.array([[0, 1]]), like=whole)), [[0, 1 / 5000]])
    np.testing.assert_array_equal(scaled(load(tmp_path, np.array([[0, 90000]]), like=whole)), [[0, 18]])


UNIT = RNG.random((30, 6, 6))


@pytest.mark.parametrize(
    ("fitted", "new"),
    [
        ((UNIT * 255).astype(np.int64), UNIT),
        (UNIT * 2 - 1, UNIT),
        ((UNIT - UNIT.mean()) / UNIT.std(), UNIT),
        (UNIT * 2 - 1, UNIT * 255),
        ((UNIT * 2000).astype(np.uint16), (UNIT * 7).astype(np.uint16)),
    ],
)
def test_another_scale_inside_the_fitted_range_is_said(tmp_path, fitted, new):
    whole, said = load(tmp_path, fitted), []
    load(tmp_path, new, like=whole, report=said.append)
    assert len(said) == 1
    assert "on the same scale?" in said[0] or "not in [0, 1]" in said[0]
    load(tmp_path, fitted[::2], like=whole, report=said.append)
    assert len(said) == 1


def test_binary_pixels_for_a_model_of_bytes_are_refused(tmp_path):
    with pytest.raises(
        data.DataError, match=r"pixels lie in \[0, 1\], but the model was fitted on pixels from 0 to 255"
    ):
        load(tmp_path, (UNIT > 0.5).astype(np.uint8), like=load(tmp_path, (UNIT * 255).astype(np.uint8)))


@pytest.mark.parametrize(("factor", "shift"), [(1 / 255, 0), (1, 900), (1000, 0)])
def test_features_on_another_scale_are_said(tmp_path, factor, shift):
    x = RNG.normal(size=(60, 5)) * 40 + 100
    whole, said = load(tmp_path, x, scaling="feature"), []
    load(tmp_path, x[:20] * factor + shift, like=whole.frame, report=said.append)
    assert len(said) == 1
    assert "on the same scale?" in said[0]
    load(tmp_path, x[:20], like=whole.frame, report=said.append)
    assert len(said) == 1


@pytest.mark.parametrize("kind", [np.float64, np.int64])
@pytest.mark.parametrize("shape", [(20, 4, 4), (20, 16)])
def test_small_differences_of_large_values_survive(tmp_path, kind, shape):
    steps = RNG.integers(0, 100, shape)
    far = (1_700_000_000 + steps).astype(kind)
    whole = load(tmp_path, far)
    ranges = scaled(whole).max(0) - scaled(whole).min(0)
    assert (ranges > 0.5).all()
    part = load(tmp_path, far[3:6], like=data.Frame(*whole.frame))
    np.testing.assert_array_equal(scaled(part), scaled(whole)[3:6])


def test_nanoseconds_are_subtracted_as_whole_numbers(tmp_path):
    far = np.int64(1_700_000_000_000_000_000) + np.arange(32).reshape(2, 4, 4)
    np.testing.assert_allclose(scaled(load(tmp_path, far)).ravel(), np.arange(32) / 31, atol=1e-6)
