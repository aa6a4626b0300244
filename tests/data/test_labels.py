import numpy as np
import pytest

from jaxcluster import data

IMAGES = np.arange(20.0).reshape(5, 2, 2) / 20


def labeled(folder, name, content):
    np.save(folder / "x.npy", IMAGES)
    path = folder / name
    if isinstance(content, str):
        path.write_text(content)
    elif name.endswith(".npz"):
        np.savez(path, **content)
    else:
        np.save(path, content, allow_pickle=True)
    return data.load(path=str(folder / "x.npy"), labels_path=str(path))


@pytest.mark.parametrize(
    ("name", "content", "ids", "names"),
    [
        ("y.npy", np.array([10, 9, 10, 2, 9]), [2, 1, 2, 0, 1], "2 9 10"),
        ("y.npy", np.array([[4], [3], [4], [3], [3]], np.uint8), [1, 0, 1, 0, 0], "3 4"),
        ("y.npy", np.array([1.0, 0.0, 1.0, 2.0, 0.0]), [1, 0, 1, 2, 0], "0 1 2"),
        ("y.npy", np.array([True, False, True, True, False]), [1, 0, 1, 1, 0], "False True"),
        ("y.npy", np.array(["dog", "cat", "dog", "ant", "cat"]), [2, 1, 2, 0, 1], "ant cat dog"),
        ("y.npy", np.array([b"dog", b"cat", b"dog", b"ant", b"cat"]), [2, 1, 2, 0, 1], "ant cat dog"),
        ("y.npz", {"y": np.array([1, 1, 0, 0, 1]), "z": np.zeros(3)}, [1, 1, 0, 0, 1], "0 1"),
        ("y.npz", {"mine": np.array([1, 1, 0, 0, 1])}, [1, 1, 0, 0, 1], "0 1"),
        ("y.txt", "10\n9\n10\n2\n9\n\n", [2, 1, 2, 0, 1], "2 9 10"),
        ("y.txt", "dog\ncat\ndog\nant\ncat", [2, 1, 2, 0, 1], "ant cat dog"),
        ("y.csv", "7\n7\n8\n8\n7\n", [0, 0, 1, 1, 0], "7 8"),
        ("y.csv", 'file,Label\n"a,b",3.0\nc,1.0\nd,3.0\ne,1\nf,1\n', [1, 0, 1, 0, 0], "1 3"),
        ("y.csv", "\ufefflabel\ncat\ncat\ndog\ndog\ndog\n", [0, 0, 1, 1, 1], "cat dog"),
    ],
)
def test_labels_become_class_ids(tmp_path, name, content, ids, names):
    found = labeled(tmp_path, name, content)
    assert found.labels.dtype == np.int32
    np.testing.assert_array_equal(found.labels, ids)
    assert found.label_names == tuple(names.split())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("y.npy", np.arange(4), "4 labels for 5 samples; expected one label per sample"),
        ("y.npy", np.zeros((5, 2)), r"labels have shape \(5, 2\); expected \[n\], one label per sample"),
        (
            "y.npy",
            np.array([0, 1, -1, -1, 2]),
            r"2 labels are negative \(first at index 2: -1\); number classes from 0",
        ),
        ("y.npy", np.array([0, 1, 0.5, 1, 2]), r"1 labels are no whole numbers \(first at index 2: 0.5\)"),
        ("y.npy", np.array([0, 1, 2, 1, np.nan]), r"1 labels are no whole numbers \(first at index 4: nan\)"),
        ("y.npy", np.zeros(5, complex), "labels have dtype complex128; expected integers or text"),
        ("y.npy", np.array([None] * 5), "holds Python objects"),
        (
            "y.npz",
            {"a": np.arange(5), "b": np.arange(5)},
            "arrays in the file are: a, b; expected the labels under",
        ),
        ("y.txt", "", "the file is empty; expected one label per line"),
        ("y.csv", "", "the file is empty; expected one label per line"),
        ("y.txt", "a\n\nb\nc\nd\n", r"label 1 \(counted from 0\) is empty"),
        (
            "y.csv",
            "file,class,label\na,b,c\n",
            "columns class, label may all be the labels; say which: data.label_column=class",
        ),
        ("y.csv", "a,b\nc,d\n", "columns are a, b; expected one column, or exactly one named y or label"),
        ("y.json", "[]", "extension '.json'; expected one of .npy, .npz, .txt, .csv"),
    ],
)
def test_labels_that_cannot_be_used(tmp_path, name, content, message):
    with pytest.raises(data.DataError, match=f"^data.labels_path='{tmp_path / name}': {message}"):
        labeled(tmp_path, name, content)


def test_missing_and_binary_label_files(tmp_path):
    np.save(tmp_path / "x.npy", IMAGES)
    with pytest.raises(data.DataError, match=r"data.labels_path='.*y.npy': no such file"):
        data.load(path=str(tmp_path / "x.npy"), labels_path=str(tmp_path / "y.npy"))
    (tmp_path / "y.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(data.DataError, match="unreadable as UTF-8 text"):
        data.load(path=str(tmp_path / "x.npy"), labels_path=str(tmp_path / "y.txt"))


def test_labels_path_comes_before_the_labels_of_the_file(tmp_path):
    np.savez(tmp_path / "x.npz", x=IMAGES, y=np.arange(5))
    (tmp_path / "y.txt").write_text("0\n0\n0\n1\n1\n")
    found = data.load(path=str(tmp_path / "x.npz"), labels_path=str(tmp_path / "y.txt"))
    np.testing.assert_array_equal(found.labels, [0, 0, 0, 1, 1])


def test_bytes_that_are_no_utf_8_stay_different_classes(tmp_path):
    found = labeled(tmp_path, "y.npy", np.array([b"caf\xe9", b"caf\xe8", b"caf\xe9", b"tea", b"tea"]))
    np.testing.assert_array_equal(found.labels, [1, 0, 1, 2, 2])
    assert found.label_names == ("caf\xe8", "caf\xe9", "tea")
