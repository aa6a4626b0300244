"""Single cells from .h5ad files: genes by name, labels of obs, counts said, the SVD of wide matrices shared."""

import pathlib

import numpy as np
import pytest
from scipy import sparse

from jaxcluster.data import DataError, load

anndata = pytest.importorskip("anndata")
pandas = pytest.importorskip("pandas")


pytestmark = pytest.mark.filterwarnings("ignore")  # of what the package imports itself


@pytest.fixture(autouse=True)
def texts_of_pandas_3():
    """Which the package writes only when it is told so."""
    known = hasattr(anndata.settings, "allow_write_nullable_strings")
    with anndata.settings.override(**({"allow_write_nullable_strings": True} if known else {})):
        yield


def write(file, x, genes=None, **obs):
    genes = [f"gene{i}" for i in range(x.shape[1])] if genes is None else genes
    table = pandas.DataFrame(obs, index=[f"cell{i}" for i in range(x.shape[0])])
    anndata.AnnData(x, obs=table, var=pandas.DataFrame(index=list(genes))).write_h5ad(file)
    return str(file)


def read(path, **options):
    said = []
    return load(path=path, scaling="none", report=said.append, **options), " ".join(said)


X = np.random.default_rng(0).gamma(1.0, size=(12, 5)).astype(np.float32)
KINDS = pandas.Categorical(["T", "B", "NK"] * 4)


@pytest.mark.parametrize("matrix", [X, sparse.csr_matrix(X), sparse.csc_matrix(X)], ids=["dense", "csr", "csc"])
def test_cells_are_samples_and_genes_are_features(tmp_path, matrix):
    cells, said = read(write(tmp_path / "cells.h5ad", matrix, cell_type=KINDS, batch=np.arange(12.0)))
    np.testing.assert_allclose(cells.images, X, rtol=1e-6)
    assert cells.feature_names == tuple(f"gene{i}" for i in range(5))
    assert cells.sample_names[:2] == ("cell0", "cell1")
    assert [cells.label_names[label] for label in cells.labels[:3]] == ["T", "B", "NK"]
    assert "'cell_type' of obs holds the labels" in said
    assert "counts" not in said


def test_columns_of_obs_are_taken_by_name(tmp_path):
    names = [f"donor{i}" for i in range(12)]
    path = write(tmp_path / "cells.h5ad", X, cell_type=KINDS, batch=[0, 1] * 6, donor=names)
    cells = read(path, label_column="batch", id_column="donor")[0]
    assert cells.labels.tolist() == [0, 1] * 6
    assert cells.sample_names == tuple(names)
    assert read(path, label_column="none")[0].labels is None
    with pytest.raises(DataError, match=r"data\.label_column='kind': no such column.*cell_type, batch, donor"):
        read(path, label_column="kind")


def test_a_cell_without_a_label_is_no_class_of_its_own(tmp_path):
    kinds = pandas.Categorical([None, "B", "NK"] * 4, ["B", "NK"])
    with pytest.raises(DataError, match=r"4 labels are missing \(first at index 0\)"):
        read(write(tmp_path / "cells.h5ad", X, cell_type=kinds))


def test_new_cells_are_matched_by_the_names_of_their_genes(tmp_path):
    fitted = read(write(tmp_path / "fitted.h5ad", X))[0]
    order = [3, 0, 4, 1, 2]
    turned = write(tmp_path / "turned.h5ad", X[:, order], [f"gene{i}" for i in order])
    np.testing.assert_allclose(read(turned, like=fitted)[0].images, fitted.images)
    with pytest.raises(DataError, match="columns of the fitted data are missing: gene4"):
        read(write(tmp_path / "fewer.h5ad", X[:, :4]), like=fitted)


def test_many_genes_are_reduced_and_new_cells_share_the_projection(tmp_path):
    wide = sparse.random(30, 1200, 0.1, "csr", random_state=0)
    fitted, said = read(write(tmp_path / "wide.h5ad", wide))
    assert fitted.images.shape == (30, 29)
    assert "reduced to 29 by truncated SVD" in said
    np.testing.assert_allclose(read(write(tmp_path / "some.h5ad", wide[:4]), like=fitted)[0].images, fitted.images[:4])
    turned = write(tmp_path / "turned.h5ad", wide, [f"gene{i}" for i in reversed(range(1200))])
    with pytest.raises(DataError, match="other names, or another order"):
        read(turned, like=fitted)


def test_counts_are_said_and_not_changed(tmp_path):
    counts = np.random.default_rng(0).poisson(60, (12, 5)).astype(np.float32)
    cells, said = read(write(tmp_path / "counts.h5ad", sparse.csr_matrix(counts)))
    np.testing.assert_array_equal(cells.images, counts)
    assert f"X holds counts up to {counts.max():.0f}, which are not normalized here" in said


def test_the_recipe_of_the_page(tmp_path, monkeypatch):
    """Each cell has the same total before the logarithm, the median of all."""
    page = (pathlib.Path(load.__code__.co_filename).parent / "README.md").read_text()
    recipe = page.split("```py\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    counts = np.random.default_rng(0).poisson(3, (12, 5)).astype(np.float32)
    write(tmp_path / "counts.h5ad", sparse.csr_matrix(counts))
    exec(compile(recipe, "README.md", "exec"), {})
    totals = np.expm1(read("cells.h5ad")[0].images.astype(np.float64)).sum(1)
    np.testing.assert_allclose(totals, np.median(counts.sum(1)), rtol=1e-5)


def test_what_cannot_be_read(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="2 values of X are NaN or infinity"):
        read(write(tmp_path / "nan.h5ad", np.where(np.arange(60).reshape(12, 5) < 2, np.nan, X)))
    (tmp_path / "bad.h5ad").write_bytes(b"no HDF5")
    with pytest.raises(DataError, match=r"truncated, damaged or no \.h5ad file"):
        read(str(tmp_path / "bad.h5ad"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        DataError, match=r"needs the package anndata; install it with: pip install 'jaxcluster\[cells\]'"
    ):
        read(str(tmp_path / "bad.h5ad"))
