"""One way in: a name or a path becomes a checked `Dataset`."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from jaxcluster.data import arrays, catalog, folder
from jaxcluster.data.dataset import DataError, Dataset, Frame, Source
from jaxcluster.data.labels import as_labels, read_labels
from jaxcluster.data.pixels import as_images, frame_for, scale_of

__all__ = ["load"]


def load(
    *,
    name: str = "",
    split: str = "train+test",
    path: str = "",
    labels_path: str = "",
    data_dir: str = "",
    like: Dataset | Frame | None = None,
    progress: bool = True,
    report: Callable[[str], None] | None = None,
    field: str = "data.path",
) -> Dataset:
    """Load images or feature vectors, and labels if there are any.

    Args:
        name: `digits` (bundled with scikit-learn) or a name of TensorFlow Datasets; exactly one of name and
            path.
        split: part of a named dataset, as TFDS writes it; a path has no splits and does not look at it.
        path: an `.npz` or `.npy` file ([n, h, w], [n, h, w, c] with c from 1 to 4, or [n, d]), an image, or
            a folder of images.
        labels_path: labels for `path`: `.npy`, `.npz`, `.txt` or `.csv`, [n]; they come before those of the
            path itself. For a folder their order is that of the sorted relative paths.
        data_dir: folder of prepared TFDS datasets; empty: TFDS_DATA_DIR, else TFDS's own default.
        like: the data, or their frame, that a model was fitted on: new data must have its sample shape, and
            take its offset and scale.
        progress: whether to show a bar on stderr while reading, if stderr is a terminal.
        report: takes each sentence that the user should read; None prints them on stderr.
        field: the name of `path` in errors, for callers that know it under another one.

    Returns:
        The data. Labels are None where there are none, and needed nowhere.

    Raises:
        DataError: one sentence that names the field, what it got and what is allowed.
    """
    report = report or _print_on_stderr
    frame = like.frame if isinstance(like, Dataset) else like
    if bool(name) == bool(path):
        got = f"both are given ('{name}' and '{path}')" if name else "neither is given"
        raise DataError(f"data.name, {field}: {got}; expected exactly one: a dataset's name, or a file or folder")
    if name and labels_path:
        raise DataError(f"data.labels_path='{labels_path}': goes with {field}; '{name}' brings its own labels")
    where = f"data.name='{name}'" if name else f"{field}='{path}'"
    source = _read(name, split, path, data_dir, where, frame, progress, report)
    images = as_images(source.pixels, where)
    if frame is None:
        offset, scale = scale_of(images, source.white, where, report)
    else:
        offset, scale = frame_for(images, source.white, frame, where, report)
    labels, label_names = _labels(source, len(images), labels_path, where)
    return Dataset(images, labels, offset, scale, name or _stem(path), label_names, source.files)


def _print_on_stderr(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def _read(name, split, path, data_dir, where, frame: Frame | None, progress, report) -> Source:
    if name == "digits":
        return catalog.read_digits(split)
    if name:
        return catalog.read_tfds(name, split, data_dir, progress, report)
    place = Path(path).expanduser()
    suffix = place.suffix.lower()
    if not os.path.exists(place):  # Path.exists raises where a parent may not be read
        raise DataError(f"{where}: no such file or folder")
    if place.is_dir() or suffix in folder.EXTENSIONS:
        channels = frame.shape[-1] if frame is not None and len(frame.shape) == 3 else None
        return folder.read_folder(str(place), where, progress, report, channels)
    if suffix in arrays.EXTENSIONS:
        return arrays.read_arrays(str(place), where)
    raise DataError(f"{where}: extension '{suffix}'; expected .npz, .npy, an image or a folder of images")


def _labels(source: Source, n: int, labels_path: str, where: str) -> tuple[np.ndarray | None, tuple[str, ...] | None]:
    if labels_path:
        where = f"data.labels_path='{labels_path}'"
        return as_labels(read_labels(str(Path(labels_path).expanduser()), where), n, where)
    if source.labels is None or source.label_names is not None:
        return source.labels, source.label_names
    return as_labels(source.labels, n, where)


def _stem(path: str) -> str:
    place = Path(path).expanduser().resolve()
    return place.name if place.is_dir() else place.stem
