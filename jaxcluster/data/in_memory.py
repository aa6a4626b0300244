"""Arrays in memory, as a notebook or an estimator has them: NumPy, JAX, pandas, polars or nested lists."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxcluster.data.assemble import assemble, frame_from, sentences
from jaxcluster.data.dataset import DataError, Dataset, Frame, Source
from jaxcluster.data.labels import as_labels, plain_labels

__all__ = ["from_arrays"]


def from_arrays(
    X: Any,
    y: Any = None,
    *,
    image_shape: tuple[int, ...] | None = None,
    like: Dataset | Frame | None = None,
    scaling: str = "auto",
    n_clusters: int | None = None,
    report: Callable[[str], None] | None = None,
    name: str = "array",
    field: str = "X",
) -> Dataset:
    """Take images or feature vectors from memory.

    Args:
        X: [n, h, w], [n, h, w, c] with c from 1 to 4, or [n, d]: anything that NumPy makes an array of numbers of,
            or a data frame, whose columns are the features.
        y: [n] labels of any type, for scoring only; None if there are none.
        image_shape: (h, w) or (h, w, c) of one image, if X holds them flat as [n, h * w * c]; None: as X has it, or as
            `like` has it if those are images.
        like: the data, or their frame, that a model was fitted on: new data must have its sample shape, and take its
            preprocessing, offset and scale. They may be a single sample.
        scaling: of feature vectors, as in `load`.
        n_clusters: how many clusters are looked for, as in `load`.
        report: takes each sentence that the user should read; None prints them on stderr.
        name: what a person calls the data.
        field: the name of X in errors.

    Returns:
        The data.

    Raises:
        DataError: a ValueError; one sentence that names the argument, what it got and what is allowed.
        TypeError: X is sparse, or holds objects that are no numbers.
    """
    report = sentences(report)
    frame = frame_from(like)
    array, columns = _as_array(_in_order(X, frame, field), field)
    _check_size(array, field, fitting=frame is None)
    if image_shape is None and frame is not None and len(frame.shape) == 3 and array.ndim == 2:
        image_shape = frame.shape
    if image_shape is not None:
        array = _unflattened(array, tuple(image_shape), field)
    white = 1.0 if array.dtype == bool else None
    names = columns if array.ndim == 2 else None
    source = Source(array, white=white, feature_names=names)
    dataset = assemble(source, name, field, report, like=frame, scaling=scaling, n_clusters=n_clusters)
    if y is None:
        return dataset
    labels, label_names = as_labels(plain_labels(y, "y"), len(array), "y", report)
    return dataset._replace(labels=labels, label_names=label_names)


def _in_order(X: Any, frame: Frame | None, field: str) -> Any:
    """The columns of a data frame by their headings, as those that were fitted; others are left out."""
    wanted = ((frame.transform or {}).get("names") if frame is not None else None) or []
    if not wanted or not hasattr(X, "columns"):
        return X
    headings = {str(column): column for column in X.columns}
    absent = [name for name in wanted if name not in headings]
    if absent:
        raise DataError(f"{field}: no column {', '.join(map(repr, absent[:10]))}, which the model was fitted on")
    return X[[headings[name] for name in wanted]]


def _as_array(X: Any, field: str) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """Make one array of real numbers, and find the headings of its columns if it is a data frame."""
    if hasattr(X, "tocsr") or hasattr(X, "todense"):
        raise TypeError(
            f"{field}: Sparse data was passed, but dense data is required: X.toarray() if it fits in memory, else "
            "sklearn.decomposition.TruncatedSVD(100).fit_transform(X); jaxcluster.data.load reads scipy's sparse .npz"
        )
    columns = tuple(str(column) for column in X.columns) if hasattr(X, "columns") else None
    if columns is not None:
        _check_columns(X, field)
    if isinstance(X, np.ma.MaskedArray):
        if np.ma.is_masked(X):
            raise DataError(
                f"{field}: {int(np.ma.getmaskarray(X).sum())} values are masked; fill them in: X.filled(...)"
            )
        X = X.data
    try:
        array = np.asarray(X)
    except ValueError as error:  # nested lists of different lengths
        raise DataError(f"{field}: no rectangular array of numbers ({error})") from error
    if array.dtype.kind == "c":
        raise DataError(f"{field}: Complex data not supported, got dtype {array.dtype}; expected real numbers")
    if array.dtype.kind in "OUST":
        array = _from_objects(array, field)
    if array.dtype.kind == "V" and array.dtype.names is None:  # bfloat16 and its like
        array = array.astype(np.float32)
    return array, columns


def _check_columns(X: Any, field: str) -> None:
    """Name the columns of a data frame that hold no numbers."""
    words = [str(name) for name, kind in zip(X.columns, X.dtypes) if str(kind).lower() in _WORDS]
    words = [name for name in words if not _holds_numbers(X, name)]
    if words:
        raise DataError(
            f"{field}: columns hold no numbers: {', '.join(words[:10])}; leave them out, or encode them: "
            "pandas.get_dummies(X)"
        )


_WORDS = ("object", "str", "string", "category", "utf8", "categorical", "datetime64[ns]", "datetime64[us]")


def _holds_numbers(X: Any, name: str) -> bool:
    try:
        np.asarray(X[name]).astype(np.float64)
    except (TypeError, ValueError, KeyError):
        return False
    return True


def _from_objects(array: np.ndarray, field: str) -> np.ndarray:
    try:
        return array.astype(np.float64)
    except ValueError as error:
        raise DataError(f"{field}: dtype is {array.dtype} ({error}); expected numbers") from error


def _check_size(array: np.ndarray, field: str, *, fitting: bool) -> None:
    """Refuse what is no table of samples, in the words that scikit-learn uses."""
    if array.ndim < 2:
        raise DataError(
            f"{field}: Expected a 2D array of samples or a stack of images, got a {array.ndim}D array of shape "
            f"{array.shape}. Reshape your data: X.reshape(-1, 1) if it has a single feature, X.reshape(1, -1) if it is "
            "a single sample"
        )
    least = 2 if fitting else 1
    if len(array) < least:
        raise DataError(
            f"{field}: Found array with {len(array)} sample(s) (shape={array.shape}) while a minimum of {least} is "
            "required."
        )
    if array.ndim == 2 and array.shape[1] == 0:
        raise DataError(
            f"{field}: Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is required."
        )


def _unflattened(array: np.ndarray, image_shape: tuple[int, ...], field: str) -> np.ndarray:
    if len(image_shape) not in (2, 3) or not all(isinstance(s, int | np.integer) and s > 0 for s in image_shape):
        raise DataError(f"image_shape={image_shape}: expected (height, width) or (height, width, channels)")
    size = int(np.prod(image_shape))
    if int(np.prod(array.shape[1:])) != size:
        raise DataError(
            f"image_shape={image_shape}: needs {size} numbers a sample, but {field} has shape {array.shape}"
        )
    return array.reshape(len(array), *image_shape)
