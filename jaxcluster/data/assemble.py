"""From what a reader found to a checked `Dataset`: the part that files and arrays in memory share."""

from collections.abc import Callable

import numpy as np

from jaxcluster.data import features
from jaxcluster.data.choosing import choose
from jaxcluster.data.dataset import DataError, Dataset, Frame, Source
from jaxcluster.data.labels import as_labels
from jaxcluster.data.pixels import center_of, check_shape, frame_for, scale_of, stored

__all__ = ["assemble", "frame_from"]


def assemble(
    source: Source,
    name: str,
    where: str,
    report: Callable[[str], None],
    *,
    like: Frame | None = None,
    scaling: str = "auto",
    n_clusters: int | None = None,
) -> Dataset:
    """Check, preprocess and scale what a reader found.

    Args:
        source: pixels or features, unchecked.
        name: what a person calls the data.
        where: field and value, as errors name them.
        report: takes a sentence for the user.
        like: the frame of a fitted model, whose preprocessing, offset and scale new data take.
        scaling: of feature vectors, one of `features.SCALINGS`.
        n_clusters: how many clusters are looked for, if that is known; "auto" weighs preprocessings by it.

    Returns:
        The data.

    Raises:
        DataError: one sentence that names the field, what it got and what is allowed.
    """
    if scaling not in features.SCALINGS:
        raise DataError(f"data.scaling='{scaling}': expected one of {', '.join(features.SCALINGS)}")
    array = check_shape(source.pixels, where)
    finish = _vectors if array.ndim == 2 else _images
    options = {"scaling": scaling, "n_clusters": n_clusters} if array.ndim == 2 else {}
    images, offset, scale, transform, names = finish(array, source, like, where, report, **options)
    labels, label_names = source.labels, source.label_names
    if labels is not None and label_names is None:
        labels, label_names = as_labels(labels, len(images), where, report)
    return Dataset(
        images, labels, offset, scale, name, label_names, source.files, transform, source.skipped, source.ids, names
    )


def _images(array, source: Source, like: Frame | None, where: str, report):
    if like is None:
        center = center_of(array)
    else:
        _check_kind(array, like, where)
        center = (like.transform or {}).get("center")
    images = stored(array, center)
    white = None if center is not None else source.white
    if like is not None:
        return images, *frame_for(images, white, like, where, report), like.transform, None
    offset, scale = scale_of(images, white, where, report)
    transform = source.transform
    if center is not None:
        transform = {"kind": "images"} | (transform or {}) | {"center": center}
    return images, offset, scale, transform, None


def _vectors(array, source: Source, like: Frame | None, where: str, report, *, scaling: str, n_clusters: int | None):
    if like is not None:
        return _like(array, source, like, where, report)
    names = source.feature_names
    _check_finite(array, names, where)
    if scaling == "auto":
        scaling = choose(array, n_clusters, where, report)
    reduced = source.transform or {}  # a projection
    fitted = features.fit(array, scaling, where, report, names=names) | reduced
    images = features.apply(fitted, array)
    if scaling == "none":
        images = stored(images)
        offset, scale = scale_of(images, source.white if fitted["center"] is None else None, where, report)
        plain = fitted["center"] is None and names is None and not reduced
        return images, offset, scale, None if plain else fitted, names
    low, high = features.span(images, scaling, where, report)
    kept = None if names is None else tuple(names[i] for i in fitted["columns"])
    return images, low, 1.0 / (high - low), fitted, kept


def _like(array, source: Source, like: Frame, where: str, report):
    transform = like.transform
    _check_kind(array, like, where)
    _check_finite(array, source.feature_names, where)
    images = stored(array if transform is None else features.apply(transform, array))
    if transform is None or (transform["scaling"] == "none" and transform["center"] is None):
        offset, scale = frame_for(images, source.white, like, where, report)
    else:
        offset, scale = like.offset, like.scale
        if transform["scaling"] == "feature":
            features.check_scale(images, where, report)
    return images, offset, scale, transform, source.feature_names


def _check_kind(array: np.ndarray, like: Frame, where: str) -> None:
    """Check the shape of new samples before they are preprocessed, in scikit-learn's words where they are vectors."""
    shape = tuple(array.shape[1:])
    expected: tuple[int, ...] = tuple(like.shape)
    if array.ndim == 2 and len(expected) == 1:
        expected = ((like.transform or {}).get("n_features", expected[0]),)
    if shape == expected:
        return
    if len(shape) == len(expected) == 1:
        raise DataError(f"{where}: X has {shape[0]} features, but model is expecting {expected[0]} features as input")
    raise DataError(f"{where}: a sample has shape {shape}, but the model was fitted on {expected}")


def _check_finite(x: np.ndarray, names: tuple[str, ...] | None, where: str) -> None:
    """Refuse missing and infinite values, naming the columns they are in."""
    if x.dtype.kind != "f":
        return
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(x.min()) and np.isfinite(x.max()) and np.abs(x).max() <= np.finfo(np.float32).max:
            return
        bad = ~np.isfinite(x.astype(np.float32))
    row, column = (int(i) for i in np.unravel_index(bad.argmax(), bad.shape))
    called = f"column '{names[column]}'" if names else f"column {column}"
    raise DataError(
        f"{where}: {bad.sum()} of {bad.size} values are NaN or infinity in float32 (in {bad.any(0).sum()} "
        f"columns; first in row {row}, {called}); expected finite numbers: fill them in or leave those rows out"
    )


def frame_from(like: Dataset | Frame | None) -> Frame | None:
    """The frame of data that a model was fitted on."""
    return like.frame if isinstance(like, Dataset) else like
