"""Sparse matrices as scipy saves them, made dense: as they are while they are narrow, else their leading directions."""

import base64
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxcluster.data.dataset import DataError, Frame, Source
from jaxcluster.data.memory import check_fits

__all__ = ["holds_sparse", "read_sparse"]

WIDE = 1000  # columns; more are reduced
DIRECTIONS = 100


def holds_sparse(path: str) -> bool:
    """Whether an `.npz` is what `scipy.sparse.save_npz` writes."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {"format.npy", "shape.npy", "data.npy"} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def read_sparse(path: str, where: str, report: Callable[[str], None], like: Frame | None = None) -> Source:
    """Read a sparse matrix as feature vectors.

    Up to 1,000 columns are made dense as they are. More are projected on their 100 leading right singular vectors
    (truncated SVD, without centering, so that zeros stay zeros; randomized, of a fixed seed), which new data share.

    Args:
        path: an `.npz` of `scipy.sparse.save_npz`.
        where: field and value, as errors name them.
        report: takes a sentence for the user.
        like: the frame of a fitted model, whose projection is taken.

    Returns:
        [n, d] numbers, and the projection.

    Raises:
        DataError: if the file is damaged, or has another number of columns than the fitted data.
    """
    matrix = _read(path, where)
    n, d = matrix.shape
    svd = ((like.transform or {}).get("svd") if like is not None else None) or None
    if svd is not None:
        if d != svd["n_features"]:
            raise DataError(
                f"{where}: X has {d} features, but model is expecting {svd['n_features']} features as input"
            )
        return Source(matrix @ _unpacked(svd).T.astype(np.float64), transform={"svd": svd})
    if d <= WIDE or like is not None:
        check_fits(8 * n * d, f"{n:,} x {d:,} dense numbers", where)
        return Source(matrix.toarray())
    from sklearn.decomposition import TruncatedSVD

    k = min(DIRECTIONS, n - 1)
    reducer = TruncatedSVD(k, random_state=0).fit(matrix)
    svd = {"n_features": d, "n_components": k, "components": _packed(reducer.components_)}
    share = reducer.explained_variance_ratio_.sum()
    report(
        f"{where}: sparse with {d:,} columns; reduced to {k} by truncated SVD, which keeps {share:.0%} of the variance"
    )
    return Source(matrix @ _unpacked(svd).T.astype(np.float64), transform={"svd": svd})


def _read(path: str, where: str):
    from scipy import sparse

    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        check_fits(size, "its arrays", where)
        matrix = sparse.load_npz(path).tocsr()
        matrix.check_format()
    except (DataError, MemoryError):
        raise
    except Exception as error:  # scipy and zlib raise what the damage leads them to
        raise DataError(f"{where}: truncated, damaged or no sparse matrix ({type(error).__name__}: {error})") from error
    if matrix.dtype.kind not in "buif":
        raise DataError(f"{where}: dtype is {matrix.dtype}; expected real numbers")
    if not np.isfinite(matrix.data).all():
        raise DataError(f"{where}: {(~np.isfinite(matrix.data)).sum()} values are NaN or infinity")
    return matrix.astype(np.float64)


def _packed(components: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(components, "<f4").tobytes()).decode("ascii")


def _unpacked(svd: dict[str, Any]) -> np.ndarray:
    flat = np.frombuffer(base64.b64decode(svd["components"]), "<f4")
    return flat.reshape(svd["n_components"], svd["n_features"])
