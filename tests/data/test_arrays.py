import io
import zipfile

import numpy as np
import pytest

from jaxcluster import data

RNG = np.random.default_rng(1)
GRAY = RNG.integers(0, 256, (6, 5, 4), np.uint8)
UNIT = RNG.random((6, 5, 4))


def saved(folder, array, name="x.npy"):
    np.save(folder / name, array)
    return str(folder / name)


def saved_npz(folder, **arrays):
    np.savez(folder / "x.npz", **arrays)
    return str(folder / "x.npz")


def scaled(found):
    return (found.images.astype(np.float64) - found.offset) * found.scale


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((6, 5, 4), (6, 5, 4, 1)),
        ((6, 5, 4, 1), (6, 5, 4, 1)),
        ((6, 5, 4, 3), (6, 5, 4, 3)),
        ((6, 5, 4, 4), (6, 5, 4, 4)),
        ((6, 20), (6, 20)),
    ],
)
def test_shapes(tmp_path, shape, expected):
    array = RNG.random(shape)
    found = data.load(path=saved(tmp_path, array), scaling="none")
    assert found.images.shape == expected
    np.testing.assert_array_equal(found.images.reshape(shape), array.astype(np.float32))
    assert found.frame == data.Frame(expected[1:], 0, 1)
    assert found.name == "x"
    assert found.labels is None
    assert found.files is None


@pytest.mark.parametrize(
    ("array", "dtype", "offset", "scale"),
    [
        (np.array([[0, 51], [255, 102]], np.uint8), np.uint8, 0, 1 / 255),
        (np.array([[0, 51], [200, 102]], np.uint8), np.uint8, 0, 1 / 255),  # not stretched
        (np.array([[True, False], [False, True]]), np.uint8, 0, 1),
        (np.array([[0.25, 0.5], [0.5, 0.25]], np.float16), np.float32, 0, 1),
        (np.array([[0.0, 1.0], [0.5, 0.25]], ">f8"), np.float32, 0, 1),
        (np.array([[-1.0, 1.0], [0.0, 0.5]]), np.float32, -1, 1 / 2),
        (np.array([[0, 4], [1, 2]], np.int64), np.float32, 0, 1 / 4),
        (np.array([[1000, 5000], [3000, 4000]], np.uint16), np.float32, 1000, 1 / 4000),
    ],
)
def test_scale(tmp_path, array, dtype, offset, scale):
    found = data.load(path=saved(tmp_path, array), scaling="none", report=lambda sentence: None)
    assert found.images.dtype == dtype
    np.testing.assert_array_equal(found.images, array)
    assert (found.offset, found.scale) == (offset, scale)
    assert scaled(found).min() >= 0
    assert scaled(found).max() <= 1


def test_stretching_is_said_and_keeping_is_not(tmp_path, capsys):
    data.load(path=saved(tmp_path, UNIT))
    data.load(path=saved(tmp_path, GRAY))
    assert capsys.readouterr() == ("", "")
    path = saved(tmp_path, UNIT * 0 + np.arange(-2, 4).reshape(6, 1, 1))
    data.load(path=path)
    sentence = f"data.path='{path}': values lie in [-2, 3]; scaled to [0, 1] by this minimum and maximum\n"
    assert capsys.readouterr() == ("", sentence)


def test_dark_uint8_is_said(tmp_path):
    said = []
    data.load(path=saved(tmp_path, GRAY // 16), report=said.append)
    assert len(said) == 1
    assert "uint8 pixels reach 15 of 255 only" in said[0]


@pytest.mark.parametrize("images", ["x", "X", "images", "data", "anything"])
@pytest.mark.parametrize("labels", ["y", "labels", "label", "targets"])
def test_keys_of_an_npz(tmp_path, images, labels):
    found = data.load(path=saved_npz(tmp_path, **{labels: [3, 5, 3, 5, 9, 9], images: GRAY}))
    np.testing.assert_array_equal(found.images[..., 0], GRAY)
    np.testing.assert_array_equal(found.labels, [0, 1, 0, 1, 2, 2])
    assert found.label_names == ("3", "5", "9")


def test_an_npz_needs_no_labels(tmp_path):
    assert data.load(path=saved_npz(tmp_path, features=UNIT)).labels is None
    assert data.load(path=saved_npz(tmp_path, data=UNIT, other=GRAY)).labels is None


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"a": UNIT, "b": UNIT},
            "arrays in the file are: a, b; expected the images under one of x, X, images, data",
        ),
        ({"x": UNIT, "images": UNIT}, "arrays in the file are: x, images; expected the images under one of"),
        ({"x": UNIT, "y": np.arange(6), "label": np.arange(6)}, "arrays y, label may all be the labels"),
        ({}, "arrays in the file are: none; expected"),
        ({"x": UNIT, "y": np.arange(5)}, "5 labels for 6 samples; expected one label per sample"),
    ],
)
def test_an_npz_that_leaves_something_open(tmp_path, arrays, message):
    path = saved_npz(tmp_path, **arrays)
    with pytest.raises(data.DataError, match=f"^data.path='{path}': {message}"):
        data.load(path=path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.float64(3), r"array of shape \(\) has rank 0; expected \[n, h, w\]"),
        (np.arange(5.0), r"array of shape \(5,\) has rank 1; expected"),
        (np.zeros((2, 2, 2, 2, 2)), r"array of shape \(2, 2, 2, 2, 2\) has rank 5"),
        (np.zeros((0, 5, 4)), r"array of shape \(0, 5, 4\) is empty; expected at least one image"),
        (np.zeros((6, 3, 8, 9)), r"shape \(6, 3, 8, 9\) has 9 channels; .*np.moveaxis\(x, 1, -1\)"),
        (np.zeros((6, 8, 8, 5)), r"shape \(6, 8, 8, 5\) has 5 channels; expected .* \[n, d\]$"),
        (np.zeros((6, 5), complex), "dtype is complex128; expected bool, integer or float pixels"),
        (np.full((6, 5), "a"), "dtype is <U1; expected"),
        (np.full((6, 5), "2020-01-01", "M8[D]"), r"dtype is datetime64\[D\]; expected"),
        (np.full((6, 5), None), r"holds Python objects \(dtype object\); expected plain numbers"),
        (np.full((6, 5), 0.5), "all columns are constant; constant data has no clusters"),
        (np.full((6, 5, 2), 0.5), "all pixels are 0.5; constant data has no clusters"),
        (np.zeros((6, 5, 2), np.uint8), "all pixels are 0; constant data"),
    ],
)
def test_arrays_that_are_no_images(tmp_path, array, message):
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    path = str(tmp_path / "x.npy")
    with pytest.raises(data.DataError, match=f"^data.path='{path}': {message}"):
        data.load(path=path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_pixels_that_are_not_finite_are_counted_and_located(tmp_path, value):
    array = UNIT.copy()
    array[2, 3, 1] = array[4, 0, 0] = value
    with pytest.raises(data.DataError, match=r"2 of 120 pixels are NaN or infinite .*first at index \(2, 3, 1, 0\)"):
        data.load(path=saved(tmp_path, array))


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("name", ["x.npz", "x.npy"])
def test_truncated_files(tmp_path, name, part):
    path = tmp_path / name
    save = np.savez_compressed if name == "x.npz" else (lambda path, x: np.save(path, x))
    save(path, x=UNIT)
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    with pytest.raises(data.DataError, match=f"^data.path='{path}': truncated, damaged or no NumPy file"):
        data.load(path=str(path))


def test_a_damaged_member_of_an_npz(tmp_path):
    path = saved_npz(tmp_path, x=UNIT)
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[400] ^= 255
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(data.DataError, match=r"truncated, damaged or no NumPy file .*CRC"):
        data.load(path=path)


def test_an_npz_under_the_name_npy(tmp_path):
    saved_npz(tmp_path, x=UNIT)
    (tmp_path / "x.npz").rename(tmp_path / "x.npy")
    with pytest.raises(data.DataError, match=r"holds several arrays; rename it to .npz"):
        data.load(path=str(tmp_path / "x.npy"))


def test_missing_file_and_unsupported_extension(tmp_path):
    with pytest.raises(data.DataError, match=r"^data.path='.*none.npz': no such file or folder$"):
        data.load(path=str(tmp_path / "none.npz"))
    (tmp_path / "x.mat").touch()
    with pytest.raises(data.DataError, match=r"extension '.mat'; expected .npz, .npy, an image or a folder of images"):
        data.load(path=str(tmp_path / "x.mat"))


def test_a_mistyped_path_is_answered_with_what_lies_beside_it(tmp_path):
    (tmp_path / "photos").mkdir()
    saved_npz(tmp_path, x=UNIT)
    for given, said in (
        (tmp_path / "fotos", f"fotos': no such file or folder; did you mean '{tmp_path}/photos'?"),
        (tmp_path / "fotos" / "b" / "c.npz", f"no such folder '{tmp_path}/fotos'; did you mean '{tmp_path}/photos'?"),
        (tmp_path / "photos" / "b", "b': no such file or folder"),
    ):
        with pytest.raises(data.DataError) as refused:
            data.load(path=str(given))
        assert str(refused.value).endswith(said)
    with pytest.raises(data.DataError, match=r"data\.labels_path='.*xx.npy': no such file; did you mean '.*x.npz'"):
        data.load(path=str(tmp_path / "x.npz"), labels_path=str(tmp_path / "xx.npy"))


def test_exactly_one_of_name_and_path():
    with pytest.raises(data.DataError, match=r"^data.name, data.path: neither is given; expected exactly one"):
        data.load()
    with pytest.raises(data.DataError, match=r"both are given \('digits' and 'x.npz'\); expected exactly one"):
        data.load(name="digits", path="x.npz")


def test_errors_name_the_field_of_the_caller(tmp_path):
    with pytest.raises(data.DataError, match=r"^--predict='none.npz': no such file"):
        data.load(path="none.npz", field="--predict")


def test_objects_in_an_npz_are_named(tmp_path):
    np.savez(tmp_path / "x.npz", x=UNIT, y=np.array([None] * 6), allow_pickle=True)
    with pytest.raises(data.DataError, match=r"x.npz', array 'y': holds Python objects"):
        data.load(path=str(tmp_path / "x.npz"))


def header(shape, dtype="<f8"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


@pytest.mark.parametrize("shape", [(10**6, 100, 1000), (2**62, 2**62), (10**9, 0, 7)])
def test_what_a_header_promises_is_not_allocated(tmp_path, shape):
    (tmp_path / "x.npy").write_bytes(header(shape) + b"\0" * 64)
    with pytest.raises(data.DataError, match=r"its header declares shape|is empty"):
        data.load(path=str(tmp_path / "x.npy"))
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", header(shape) + b"\0" * 64)
    with pytest.raises(data.DataError, match=r"its header declares shape|is empty"):
        data.load(path=str(tmp_path / "x.npz"))


def test_an_archive_that_unpacks_to_gigabytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("jaxcluster.data.arrays.BOMB_BYTES", 1 << 22)
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros((6, 1000, 1000)))
    with pytest.raises(data.DataError, match=r"x.npz', array 'x': unpacks from 0.0 MiB to 0.0 GiB, which no data do"):
        data.load(path=str(tmp_path / "x.npz"))
    monkeypatch.setattr("jaxcluster.data.memory.memory", lambda: 1e6)
    np.save(tmp_path / "x.npy", np.zeros((6, 500, 500)))
    with pytest.raises(data.DataError, match=r"an array of shape \(6, 500, 500\): 0.0 GiB needed, and there are"):
        data.load(path=str(tmp_path / "x.npy"))


def test_only_the_wanted_arrays_are_read(tmp_path):
    np.savez(tmp_path / "x.npz", x=UNIT, y=np.arange(6) % 2, other=UNIT)
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[content.index(b"other.npy") + 400] ^= 255  # no longer what its checksum says
    (tmp_path / "x.npz").write_bytes(content)
    np.testing.assert_array_equal(data.load(path=str(tmp_path / "x.npz")).labels, [0, 1] * 3)


def test_labels_may_count_in_a_list_of_names(tmp_path):
    names = np.array(["dog", "cat", "bird"])
    found = data.load(path=saved_npz(tmp_path, x=UNIT, y=np.array([1, 0, 1, 0, 0, 1]), label_names=names))
    assert found.label_names == ("dog", "cat", "bird")
    np.testing.assert_array_equal(found.labels, [1, 0, 1, 0, 0, 1])
    for wrong in ([0, 1, 2, 3, 0, 0], [0, -1, 0, 1, 2, 0]):
        with pytest.raises(data.DataError, match="labels do not count in 'label_names', which has 3 names"):
            data.load(path=saved_npz(tmp_path, x=UNIT, y=np.array(wrong), label_names=names))
