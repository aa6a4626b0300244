"""Sparse matrices as scipy saves them, made dense: as they are while they are narrow, else their leading directions."""

import base64
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxcluster.data.dataset import DataError, Frame, Source
from jaxcluster.data.memory import check_fits

__all__ = ["holds_sparse", "read_sparse", "reduced"]

WIDE = 1000  # columns; more are reduced
DIRECTIONS = 100
MOST_NUMBERS = 2_500_000  # of the projection, which lies in the settings of a run: 13 MiB of text


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
    (truncated SVD, without centering, so that zeros stay zeros; randomized, of a fixed seed), which new data share. Of
    more than 25,000 columns fewer vectors are taken, so that the projection stays small.

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
    return reduced(_read(path, where), where, report, like)


def reduced(
    matrix: Any,
    where: str,
    report: Callable[[str], None],
    like: Frame | None = None,
    names: tuple[str, ...] | None = None,
) -> Source:
    """Make a sparse matrix dense, see `read_sparse`.

    Args:
        matrix: [n, d] of scipy, finite float64.
        where: field and value, as errors name them.
        report: takes a sentence for the user.
        like: the frame of a fitted model, whose projection is taken.
        names: [d] of the columns; new data must have the same in the same order.

    Raises:
        DataError: if new data have other columns than the fitted data.
    """
    n, d = matrix.shape
    checksum = {} if names is None else {"names_crc32": zlib.crc32("\n".join(names).encode())}
    svd = ((like.transform or {}).get("svd") if like is not None else None) or None
    if svd is not None:
        if d != svd["n_features"]:
            raise DataError(
                f"{where}: X has {d} features, but model is expecting {svd['n_features']} features as input"
            )
        if names is not None and svd.get("names_crc32", checksum["names_crc32"]) != checksum["names_crc32"]:
            raise DataError(f"{where}: its columns have other names, or another order, than those of the fitted data")
        return Source(matrix @ _unpacked(svd).T.astype(np.float64), transform={"svd": svd})
    if d <= WIDE or like is not None:
        check_fits(8 * n * d, f"{n:,} x {d:,} dense numbers", where)
        return Source(matrix.toarray(), feature_names=names)
    from sklearn.decomposition import TruncatedSVD

    k = max(2, min(DIRECTIONS, n - 1, MOST_NUMBERS // d))
    reducer = TruncatedSVD(k, random_state=0).fit(matrix)
    svd = {"n_features": d, "n_components": k, "components": _packed(reducer.components_)} | checksum
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
