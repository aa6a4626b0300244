"""Single-cell data in .h5ad files: cells are the samples, genes the features, through the package anndata."""

import importlib.util
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxcluster.data.columns import LABEL_HEADINGS, by_headings, find_column
from jaxcluster.data.dataset import DataError, Frame, Source
from jaxcluster.data.memory import check_fits
from jaxcluster.data.sparse import WIDE, reduced
from jaxcluster.data.tables import Column

__all__ = ["EXTENSION", "read_cells"]

EXTENSION = ".h5ad"
LARGEST_LOG = 50  # whole numbers above it are counts: log1p of no count comes near


def read_cells(
    path: str,
    where: str,
    report: Callable[[str], None],
    *,
    like: Frame | None = None,
    id_column: str = "",
    label_column: str = "",
) -> Source:
    """Read the matrix X of an .h5ad file as feature vectors.

    A sparse X goes the way of sparse matrices, see `sparse.reduced`. Nothing is normalized: counts are reported.

    Args:
        path: an .h5ad file.
        where: field and value, as errors name them.
        report: takes a sentence for the user.
        like: the frame of a fitted model; its genes are found by their names, or must be the same after an SVD.
        id_column: a column of obs that names the cells; empty or "none": the names of obs.
        label_column: a column of obs that holds the labels; empty: by the usual headings; "none": there are none.

    Returns:
        [n, d] numbers, names and labels of the cells, and names of the genes.

    Raises:
        DataError: anndata is not installed, or the file cannot be used.
    """
    cells = _read(path, where)
    names = [str(name) for name in cells.obs.columns]
    label_at = find_column(names, label_column, LABEL_HEADINGS, "data.label_column", where)
    id_at = find_column(names, id_column, (), "data.id_column", where)
    labels = None if label_at is None else _plain(cells.obs.iloc[:, label_at])
    if label_at is not None:
        report(f"{where}: column '{names[label_at]}' of obs holds the labels (data.label_column)")
    ids = cells.obs_names if id_at is None else cells.obs.iloc[:, id_at]
    genes = tuple(str(name) for name in cells.var_names)
    source = _features(cells.X, genes, where, report, like)
    return source._replace(labels=labels, ids=tuple(str(name) for name in ids))


def _read(path: str, where: str) -> Any:
    if importlib.util.find_spec("anndata") is None:
        raise DataError(f"{where}: .h5ad needs the package anndata; install it with: pip install 'jaxcluster[cells]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it imports, and on names that are not unique
        try:
            import anndata

            cells = anndata.read_h5ad(path)
        except Exception as error:  # h5py and pandas raise what the damage leads them to
            raise DataError(f"{where}: truncated, damaged or no .h5ad file ({type(error).__name__})") from error
    if cells.X is None or 0 in cells.shape:
        raise DataError(f"{where}: X has shape {cells.shape}; expected cells and genes")
    return cells


def _features(matrix: Any, genes: tuple[str, ...], where: str, report, like: Frame | None) -> Source:
    n, d = matrix.shape
    sparse = hasattr(matrix, "tocsr")
    values = matrix.data if sparse else np.asarray(matrix)
    if values.dtype.kind not in "buif":
        raise DataError(f"{where}: dtype of X is {values.dtype}; expected real numbers")
    if not np.isfinite(values).all():
        raise DataError(f"{where}: {(~np.isfinite(values)).sum()} values of X are NaN or infinity")
    if values.size and values.max() > LARGEST_LOG and (values == np.floor(values)).all():
        report(
            f"{where}: X holds counts up to {values.max():,.0f}, which are not normalized here; cells differ in their "
            "totals: divide by them and take log1p first"
        )
    if sparse and (d > WIDE or "svd" in ((like.transform if like else None) or {})):
        return reduced(matrix.tocsr().astype(np.float64), where, report, like, genes)
    check_fits(8 * n * d, f"{n:,} x {d:,} dense numbers", where)
    dense = matrix.toarray() if sparse else values
    if len(set(genes)) < d:
        return Source(dense.astype(np.float64))
    wanted = ((like.transform or {}).get("names") if like is not None else None) or []
    columns = [Column(name, column) for name, column in zip(genes, dense.astype(np.float64).T)]
    x, headings = by_headings(columns, wanted, where, report)
    return Source(x, feature_names=headings)


def _plain(column: Any) -> np.ndarray:
    """A column of obs as numbers or text, a category as its name; what is missing stays so, and is refused later."""
    values = np.asarray(column.astype(object) if str(column.dtype) == "category" else column)
    if values.dtype.kind in "biuf":
        return values
    return np.asarray([str(value) if known else None for value, known in zip(values, column.notna())], object)
