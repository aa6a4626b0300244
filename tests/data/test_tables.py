"""Tables: which columns are features, names and labels; what is missing; new tables for a fitted model."""

import numpy as np
import pytest

from jaxcluster import data

RNG = np.random.default_rng(7)


def table(folder, text, name="t.csv", **options):
    path = folder / name
    path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
    said = []
    found = data.load(path=str(path), **{"report": said.append, "scaling": "none", **options})
    return found, " | ".join(said)


def test_names_labels_text_and_features_are_told_apart(tmp_path):
    found, said = table(tmp_path, "id,height,kind,weight,label\n007,1.5,big,10,01\n008,2.5,big,20,1\n")
    np.testing.assert_array_equal(found.images, [[1.5, 10], [2.5, 20]])
    assert found.ids == ("007", "008")
    assert found.sample_names == found.ids
    assert found.label_names == ("01", "1")
    assert found.feature_names == ("height", "weight")
    assert "column 'label' holds the labels" in said
    assert "column 'id' names the samples" in said
    assert "columns of text are left out: kind" in said


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a,b\n1,2\n3,4\n", "t.csv"),
        ("a\tb\n1\t2\n3\t4\n", "t.tsv"),
        ("a;b\n1,0;2\n3,0;4\n", "t.csv"),
        ('\ufeff"a", "b"\r\n"1", "2"\r\n\r\n"3", "4"\r\n', "t.csv"),
        (",a,b\n0,1,2\n1,3,4\n", "t.csv"),  # as pandas writes its index
        ("a,b\nTrue,2\nFalse,4\n", "t.csv"),
    ],
)
def test_forms_of_text(tmp_path, text, name):
    found, _ = table(tmp_path, text, name)
    np.testing.assert_array_equal(found.images, [[1, 2], [0, 4]] if "True" in text else [[1, 2], [3, 4]])
    assert found.feature_names == ("a", "b")


@pytest.mark.parametrize(("first", "n"), [("0,1,2", 2), ("1,2,3", 2), ("5.1,3.5,0.2", 3)])
def test_a_first_line_of_numbers_is_a_heading_only_if_it_counts(tmp_path, first, n):
    found, _ = table(tmp_path, f"{first}\n4,5,6\n7,8,9\n")
    assert len(found.images) == n
    assert (found.feature_names is None) == (n == 3)


def test_columns_are_chosen_by_name_or_position(tmp_path):
    text = "5.1,a,3.5\n4.9,b,3.0\n"
    found, _ = table(tmp_path, text, label_column="1")
    assert found.label_names == ("a", "b")
    found, _ = table(tmp_path, text, label_column="none", id_column="-2")
    assert found.labels is None
    assert found.ids == ("a", "b")
    with pytest.raises(
        data.DataError, match=r"^data.label_column='kind': no such column in .*; the columns are 0, 1, 2"
    ):
        table(tmp_path, text, label_column="kind")


def test_a_measurement_called_y_is_no_label(tmp_path):
    found, _ = table(tmp_path, "x,y\n1.5,2.5\n3,4\n")
    assert found.labels is None
    assert found.feature_names == ("x", "y")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n,4\nNA,5\n", r"values are missing in columns 'a' \(2\), first in line 3; fill them in"),
        ("a,b\n1,2\n3,x\n4,5\n", "line 3, column 'b': 'x' is no number, where most are"),
        ("a,b\n1,2\n3\n", "line 3: 1 cells, where the first line has 2"),
        ("a,b\n1,2\n3,4,5\n", "line 3: 3 cells, where the first line has 2"),
        ("a,b\nx,y\n", "no column of numbers is left; the columns are a, b"),
        ("a,b\n", "there is a heading and no row below it"),
        ("", "the file is empty; expected a table"),
        (
            "a,label,class\n1,2,3\n2,3,4\n",
            "columns label, class may all be the labels; say which: data.label_column=label",
        ),
        (b"\xff\xfe\x00", "unreadable as UTF-8 text"),
        ("a,b\n1,2\n3,inf\n4,5\n", r"1 of 6 values are NaN or infinity .*first in row 1, column 'b'\)"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, text, message):
    with pytest.raises(data.DataError, match=message):
        table(tmp_path, text)


def test_many_columns_are_read_as_exactly_as_few(tmp_path):
    x = RNG.normal(size=(50, 40)) * 10.0 ** RNG.integers(-9, 9, 40)
    lines = [",".join(["file", *(f"c{i}" for i in range(40))])]
    lines += [",".join([f"s{i}", *map(repr, row.tolist())]) for i, row in enumerate(x)]
    found, _ = table(tmp_path, "\n".join(lines))
    np.testing.assert_array_equal(found.images, x.astype(np.float32))
    assert found.ids[3] == "s3"
    lines[30] = lines[30].replace(",", ",nan,", 1).rsplit(",", 1)[0]
    with pytest.raises(data.DataError, match=r"values are missing in columns 'c0' \(1\)"):
        table(tmp_path, "\n".join(lines))


def test_new_tables_are_joined_by_headings(tmp_path):
    rows = RNG.normal(size=(30, 3)) * [1, 100, 0.01] + [5, 0, 1.7e9]
    text = "id,a,b,c\n" + "\n".join(f"{i}," + ",".join(map(repr, row)) for i, row in enumerate(rows.tolist()))
    whole, _ = table(tmp_path, text, scaling="feature")
    np.testing.assert_allclose(whole.images, (rows - rows.mean(0)) / rows.std(0), rtol=1e-4, atol=1e-5)
    mixed = "c,more,a,b\n" + "\n".join(f"{c!r},1,{a!r},{b!r}" for a, b, c in rows[:4].tolist())
    part, said = table(tmp_path, mixed, "new.csv", like=whole.frame)
    np.testing.assert_array_equal(part.images, whole.images[:4])
    assert (part.offset, part.scale) == (whole.offset, whole.scale)
    assert "columns that the model does not know are left out: more" in said
    with pytest.raises(data.DataError, match=r"columns of the fitted data are missing: b \(1 of 3\)"):
        table(tmp_path, "a,c\n1,2\n", "new.csv", like=whole.frame)


def test_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    vectors = RNG.random((4, 3))
    columns = {
        "file": ["a", "b", "c", "d"],
        "embedding": vectors.tolist(),
        "size": [1, 2, 3, 4],
        "label": pa.array(["x", "y", "x", "y"]).dictionary_encode(),
    }
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    found = data.load(path=str(tmp_path / "t.parquet"), scaling="none", report=lambda sentence: None)
    np.testing.assert_allclose(found.images, np.column_stack([vectors, [1, 2, 3, 4]]), rtol=1e-6)
    assert found.feature_names == ("embedding[0]", "embedding[1]", "embedding[2]", "size")
    assert found.label_names == ("x", "y")
    assert found.ids == ("a", "b", "c", "d")
    parquet.write_table(pa.table({"a": [1.0, None], "b": [1, 2]}), tmp_path / "gap.parquet")
    with pytest.raises(data.DataError, match=r"values are missing in columns 'a' \(1\)"):
        data.load(path=str(tmp_path / "gap.parquet"))
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    with pytest.raises(data.DataError, match="truncated, damaged or no parquet file"):
        data.load(path=str(tmp_path / "bad.parquet"))


def test_sparse_matrices(tmp_path):
    from scipy import sparse

    narrow = sparse.random(20, 30, 0.2, "csr", random_state=0)
    sparse.save_npz(tmp_path / "narrow.npz", narrow)
    found = data.load(path=str(tmp_path / "narrow.npz"), scaling="none")
    np.testing.assert_array_equal(found.images, narrow.toarray().astype(np.float32))
    # Two topics over 3,000 words: their documents stay apart in the leading directions.
    topics = np.where(np.arange(60)[:, None] % 2 == np.arange(3000) // 1500, 0.05, 0.001)
    wide = sparse.csr_array(RNG.poisson(topics).astype(np.float64))
    sparse.save_npz(tmp_path / "wide.npz", wide)
    said = []
    found = data.load(path=str(tmp_path / "wide.npz"), scaling="none", report=said.append)
    assert found.images.shape == (60, 59)
    assert "sparse with 3,000 columns; reduced to 59 by truncated SVD" in said[0]
    exact = np.linalg.norm(wide.toarray() @ np.linalg.svd(wide.toarray())[2][:59].T, axis=1)
    np.testing.assert_allclose(np.linalg.norm(found.images, axis=1), exact, rtol=0.02)
    sparse.save_npz(tmp_path / "new.npz", wide[:5])
    new = data.load(path=str(tmp_path / "new.npz"), like=found.frame)
    np.testing.assert_array_equal(new.images, found.images[:5])
    sparse.save_npz(tmp_path / "other.npz", wide[:5, :99])
    with pytest.raises(data.DataError, match="X has 99 features, but model is expecting 3000 features as input"):
        data.load(path=str(tmp_path / "other.npz"), like=found.frame)


def test_the_projection_of_a_very_wide_matrix_can_be_read_back_with_the_settings(tmp_path):
    from scipy import sparse

    from jaxcluster.files import reading

    sparse.save_npz(tmp_path / "wide.npz", sparse.random(60, 80_000, 1e-4, "csr", random_state=0))
    found = data.load(path=str(tmp_path / "wide.npz"), scaling="none", report=lambda sentence: None)
    assert found.images.shape == (60, 31)
    assert len(found.transform["svd"]["components"]) < reading.LARGEST - 10_000


def test_a_mistyped_column_is_answered_with_the_one_that_may_have_been_meant(tmp_path):
    file = tmp_path / "wide.csv"
    file.write_text(",".join(["Key", *(f"e{i}" for i in range(24))]) + "\n" + "\n".join(["a" + ",1.5" * 24] * 3) + "\n")
    with pytest.raises(data.DataError, match=r"no such column .*, e18 and 5 more; did you mean 'Key'\?$"):
        data.load(path=str(file), id_column="key ")
