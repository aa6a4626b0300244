import bz2
import gzip

import numpy as np
import pytest

from jaxcluster import data
from jaxcluster.data import usps

RNG = np.random.default_rng(4)
VALUES = RNG.integers(-1000, 1001, (7, 256)) / 1000
VALUES[VALUES == 0.5] = 0
LABELS = np.array([6, 5, 4, 7, 0, 9, 1])


def book(values=VALUES, labels=LABELS):
    rows = (f"{y:.4f} " + " ".join(f"{v:.4f}" for v in row) + " \n" for y, row in zip(labels, values))
    return "".join(rows).encode()


def libsvm(values=VALUES, labels=LABELS):
    rows = (
        f"{y + 1} " + " ".join(f"{i}:{v:g}" for i, v in enumerate(row, 1) if v != 0) + "\n"
        for y, row in zip(labels, values)
    )
    return "".join(rows).encode()


@pytest.mark.parametrize("form", [book, libsvm])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_both_publishers_give_the_same_file(tmp_path, form, pack, capsys):
    for name, rows in (("train", slice(4)), ("test", slice(4, 7))):
        (tmp_path / name).write_bytes(pack(form(VALUES[rows], LABELS[rows])))
    out = tmp_path / "usps.npz"
    options = ["--train", str(tmp_path / "train"), "--test", str(tmp_path / "test"), "--out", str(out)]
    assert usps.main(options) == 0
    said = capsys.readouterr()
    assert "x [7, 16, 16, 1] float32 in [0, 1], y [7]" in said.out
    assert "4 digits, where 7291 were published" in said.err
    found = data.load(path=str(out))
    np.testing.assert_array_equal(found.images.reshape(7, 256), (VALUES.astype(np.float32) + 1) / 2)
    assert found.label_names == ("0", "1", "4", "5", "6", "7", "9")
    assert (found.offset, found.scale) == (0, 1)
    assert usps.main(options) == 2
    assert "usps.npz: exists already; remove it or choose another name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (gzip.compress(book())[:-20], "truncated or no text file"),
        (bz2.compress(book())[:-20], "truncated or no text file"),
        (b"\x89PNG", "truncated or no text file"),
        (book()[:-40], "line 7: .* numbers; expected a label and 256 values"),
        (book(labels=LABELS + 4), "line 1: label 10.0000; expected 0 to 9"),
        (book(VALUES * 2), "line 1: values from .* to .*; expected -1 to 1"),
        (book().replace(b"0.", b"0,", 1), "line 1: could not convert"),
        (libsvm(labels=LABELS - 1), "line 5: label 0; expected 1 to 10"),
        (libsvm() + b"3 257:0.5\n", "line 8: index 257; expected 1 to 256"),
        (libsvm() + b"3 2:nan\n", "line 8: values from nan to nan; expected -1 to 1"),
        (libsvm() + b"3 2\n", "line 8: could not convert"),
    ],
)
def test_files_that_are_not_as_published(tmp_path, content, message):
    (tmp_path / "zip.train.gz").write_bytes(content)
    path = str(tmp_path / "zip.train.gz")
    with pytest.raises(data.DataError, match=f"^--train {path}.*{message}"):
        usps.read_digits(path, "--train")


def test_errors_of_the_command_are_one_line(tmp_path, capsys):
    missing = str(tmp_path / "none.gz")
    out = str(tmp_path / "x.npz")
    assert usps.main(["--train", missing, "--test", missing, "--out", out]) == 2
    assert capsys.readouterr().err == f"error: --train {missing}: no such file\n"
    folder = str(tmp_path / "no" / "x.npz")
    assert usps.main(["--train", missing, "--test", missing, "--out", folder]) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert usps.main(["--train", missing, "--test", missing, "--out", "x.npy"]) == 2
    assert capsys.readouterr().err == "error: --out x.npy: expected a name that ends in .npz\n"
