"""Labels that know their samples: by path, by name, by number, in any order; not by position where there are names."""

import numpy as np
import pytest
from PIL import Image

from jaxcluster import data

NAMES = ("a/0.png", "a/1.png", "b/0.png", "b/2.png")
TRUTH = dict(zip(NAMES, ["ant", "bee", "bee", "ant"]))


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    for i, name in enumerate(NAMES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((2, 2), 60 * i, np.uint8)).save(folder / name)
    return folder


def labels_from(place, text, name="y.csv", **options):
    (place.parent / name).write_text(text)
    said = []
    found = data.load(path=str(place), labels_path=str(place.parent / name), report=said.append, **options)
    return [found.label_names[k] for k in found.labels], " | ".join(said)


def shuffled(line, names=NAMES):
    return "\n".join(line.format(name=name, label=TRUTH.get(name, "cat")) for name in reversed(names)) + "\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("y.csv", "label,file\n" + shuffled("{label},{name}")),
        ("y.csv", "Image;Class\n" + shuffled("./{name};{label}")),
        ("y.csv", shuffled("{name},{label}")),
        ("y.tsv", "path\tsize\ttarget\n" + shuffled("{name}\t3\t{label}")),
        ("y.txt", shuffled("{name} {label}")),
        ("y.txt", shuffled("{name}\t{label}")),
        ("y.csv", "file,label\n" + shuffled("C:\\x\\{name},{label}").replace("C:\\x\\", "")),
    ],
)
def test_labels_are_joined_by_path(pictures, name, text):
    assert labels_from(pictures, text, name)[0] == list(TRUTH.values())


@pytest.mark.parametrize("form", ["{name}", "{name}.png", "somewhere/else/{name}.jpg"])
def test_labels_are_joined_by_name_where_paths_differ(tmp_path, form):
    for i in range(3):
        (tmp_path / "x").mkdir(exist_ok=True)
        Image.fromarray(np.full((2, 2), 60 * i, np.uint8)).save(tmp_path / "x" / f"p{i}.png")
    text = "name,label\n" + "\n".join(f"{form.format(name=f'p{i}')},{'abc'[i]}" for i in (2, 0, 1))
    assert labels_from(tmp_path / "x", text)[0] == ["a", "b", "c"]


def test_more_labels_than_samples_are_left_out_and_fewer_refused(pictures):
    found, said = labels_from(pictures, "file,label\n" + shuffled("{name},{label}", (*NAMES, "gone.png")))
    assert found == list(TRUTH.values())
    assert "1 label belongs to no sample and is left out (first: 'gone.png')" in said
    _, said = labels_from(pictures, "file,label\n" + shuffled("{name},{label}", (*NAMES, "gone.png", "lost.png")))
    assert "2 labels belong to no sample and are left out" in said
    with pytest.raises(data.DataError, match=r"1 of 4 samples have no label \(first: 'b/2.png'\)"):
        labels_from(pictures, "file,label\n" + shuffled("{name},{label}", NAMES[:3]))
    with pytest.raises(data.DataError, match=r"'a/0.png' has several labels"):
        labels_from(pictures, "file,label\n" + shuffled("{name},{label}") + "a/0.png,bee\n")
    with pytest.raises(
        data.DataError, match=r"none of column 'file' is a sample \(first: 'x3'; the first sample is 'a/0"
    ):
        labels_from(pictures, "file,label\n" + "\n".join(f"x{i},1" for i in (3, 2, 1, 0)))


def test_a_heading_is_no_label(pictures):
    """Neither heading is one of labels; the first is one of names, and no sample is called so."""
    found, said = labels_from(pictures, "file,kind\n" + shuffled("{name},{label}"))
    assert found == list(TRUTH.values())
    assert "no sample" not in said


def test_the_form_of_names_that_fits_best_is_the_one_told(tmp_path):
    """File names of three of four samples: one lacks a label. As paths below the folder all but z.png would."""
    for name in ("a/u.png", "a/v.png", "b/w.png", "z.png"):
        (tmp_path / "x" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "x" / name)
    text = "file,label\nu.png,1\nv.png,2\nz.png,1\n"
    with pytest.raises(data.DataError, match=r"1 of 4 samples have no label \(first: 'w.png'\); give labels for all"):
        labels_from(tmp_path / "x", text)


def test_columns_that_name_no_sample_are_told(pictures):
    with pytest.raises(data.DataError, match=r"neither of its columns \(q, kind\) holds names of samples \(the first"):
        labels_from(pictures, "q,kind\nx,u\ny,v\nz,u\nw,v\n")


def test_labels_in_order_skip_unreadable_files(tmp_path):
    for i in range(20):
        (tmp_path / "x").mkdir(exist_ok=True)
        Image.fromarray(np.full((2, 2), 10 * i, np.uint8)).save(tmp_path / "x" / f"{i:02d}.png")
    (tmp_path / "x" / "05.png").write_bytes(b"")
    found, _ = labels_from(tmp_path / "x", "\n".join(str(i // 3) for i in range(20)), "y.txt")
    assert found == [str(i // 3) for i in range(20) if i != 5]


@pytest.fixture
def array(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(24.0).reshape(6, 2, 2) / 24)
    return tmp_path / "x.npy"


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("head", ["index,label\n", ""])
def test_numbered_labels_are_sorted(array, first, head):
    text = head + "\n".join(f"{i + first},{'uvw'[i // 2]}" for i in (5, 2, 0, 1, 4, 3))
    assert labels_from(array, text)[0] == list("uuvvww")


def test_names_that_an_array_cannot_match_are_said(array):
    found, said = labels_from(array, "file,label\n" + "\n".join(f"p{i}.png,{i % 2}" for i in range(6)))
    assert found == list("010101")
    assert "labels are taken in their order" in said
    found, said = labels_from(array, "\n".join(f"p{i}.png {i % 2}" for i in range(6)), "y.txt")
    assert found == list("010101")
    assert "labels are taken in their order" in said


def test_labels_may_have_spaces_and_a_heading(array):
    words = ["golden retriever", "tabby cat"] * 3
    assert labels_from(array, "\n".join(words), "y.txt")[0] == words
    assert labels_from(array, "breed\n" + "\n".join(words))[0] == words
    assert labels_from(array, "a,breed\n" + "\n".join(f"1,{w}" for w in words), label_column="breed")[0] == words


def test_labels_of_a_table_are_joined_by_its_ids(tmp_path):
    (tmp_path / "x.csv").write_text("id,a,b\n" + "\n".join(f"s{i},{i}.5,{i * i}" for i in range(4)))
    found, _ = labels_from(tmp_path / "x.csv", "label,id\nu,s3\nv,s2\nu,s1\nv,s0\n", scaling="none")
    assert found == list("vuvu")


def test_leading_zeros_and_underscores_are_names(array):
    assert labels_from(array, "01\n1\n001\n01\n1\n001", "y.txt")[0] == ["01", "1", "001"] * 2
    assert labels_from(array, "1_0\n10\n2\n1_0\n10\n2", "y.txt")[0] == ["1_0", "10", "2"] * 2


def test_as_many_classes_as_samples_are_said(array):
    assert (
        "6 classes for 6 samples; are these labels, or names of samples?"
        in labels_from(array, "a\nb\nc\nd\ne\nf", "y.txt")[1]
    )


X = np.arange(12.0).reshape(6, 2)


@pytest.mark.parametrize(
    ("y", "names"),
    [
        (np.array(["b", "a"] * 3, object), ("a", "b")),
        (np.array([7, 5] * 3, object), ("5", "7")),
        (np.array(["b", "a"] * 3).astype(np.dtypes.StringDType()), ("a", "b")),
        ([w.encode("latin-1") for w in "äöüäöü"], ("ä", "ö", "ü")),
        ([w.encode() for w in "äöüäöü"], ("ä", "ö", "ü")),
        (np.ma.masked_array([0, 1] * 3, mask=False), ("0", "1")),
        ([True, False] * 3, ("False", "True")),
    ],
)
def test_labels_of_any_container(y, names):
    found = data.from_arrays(X, y, scaling="none", report=lambda sentence: None)
    assert found.label_names == names
    assert len(np.unique(found.labels)) == len(names)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.ma.masked_array([0, 1] * 3, mask=[1, 0, 0, 0, 0, 1]), "y: 2 labels are masked; give labels for all"),
        (np.array(["a", None, "b", float("nan"), "a", "b"], object), r"y: 2 labels are missing \(first at index 1\)"),
        (np.array(["a", 1] * 3, object), "y: labels are of types int, str; expected integers or text"),
        ([0, 1, 1e300, 0, 1, 2], r"y: 1 labels are too large to number classes \(first at index 2: 1e\+300\)"),
        ([0, 1], "y: 2 labels for 6 samples"),
    ],
)
def test_labels_that_are_refused(y, message):
    with pytest.raises(data.DataError, match=message):
        data.from_arrays(X, y, scaling="none", report=lambda sentence: None)


def test_labels_of_pandas():
    pd = pytest.importorskip("pandas")
    for y in (
        pd.Series(list("abcabc")),
        pd.Series(list("abcabc"), dtype="category"),
        pd.DataFrame({"k": list("abcabc")}),
    ):
        assert data.from_arrays(X, y, scaling="none", report=lambda sentence: None).label_names == ("a", "b", "c")
    with pytest.raises(data.DataError, match="1 labels are no whole numbers"):
        data.from_arrays(
            X, pd.Series([1, 2, None, 1, 2, 1], dtype="Int64"), scaling="none", report=lambda sentence: None
        )
