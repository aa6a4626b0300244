"""One way in: a name or a path becomes a checked `Dataset`."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from jaxcluster.data import arrays, catalog, folder
from jaxcluster.data.assemble import assemble, frame_from
from jaxcluster.data.dataset import DataError, Dataset, Frame, Source
from jaxcluster.data.labels import as_labels, read_labels

__all__ = ["load"]


def load(
    *,
    name: str = "",
    split: str = "train+test",
    path: str = "",
    labels_path: str = "",
    data_dir: str = "",
    size: int | tuple[int, ...] = (),
    fit: str = "pad",
    ground: str = "auto",
    strict: bool = False,
    scaling: str = "none",
    id_column: str = "",
    label_column: str = "",
    n_clusters: int | None = None,
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
        size: height and width that images are brought to, a number for both; (): as they are, all of one size.
        fit: "pad" keeps the whole image and fills up, "crop" fills the frame and cuts off.
        ground: what is behind transparent pixels: "white", "black" or "auto", the one on which the drawings show.
        strict: whether an image that cannot be read ends the reading; else it is skipped and listed.
        scaling: of feature vectors: "feature", "row", "both", "none", see `features.fit`, or "auto".
        id_column: heading of the column of a table that names the samples; empty: by the usual headings.
        label_column: heading of the column of a table that holds the labels; empty: by the usual headings; "none":
            there are no labels.
        n_clusters: how many clusters are looked for, if that is known; "auto" weighs preprocessings by it.
        like: the data, or their frame, that a model was fitted on: new data must have its sample shape, and
            take its preprocessing, offset and scale.
        progress: whether to show a bar on stderr while reading, if stderr is a terminal.
        report: takes each sentence that the user should read; None prints them on stderr.
        field: the name of `path` in errors, for callers that know it under another one.

    Returns:
        The data. Labels are None where there are none, and needed nowhere.

    Raises:
        DataError: one sentence that names the field, what it got and what is allowed.
    """
    report = report or _print_on_stderr
    frame = frame_from(like)
    if bool(name) == bool(path):
        got = f"both are given ('{name}' and '{path}')" if name else "neither is given"
        raise DataError(f"data.name, {field}: {got}; expected exactly one: a dataset's name, or a file or folder")
    if name and labels_path:
        raise DataError(f"data.labels_path='{labels_path}': goes with {field}; '{name}' brings its own labels")
    where = f"data.name='{name}'" if name else f"{field}='{path}'"
    source = _read(name, split, path, data_dir, where, frame, progress, report)
    if labels_path:
        where_labels = f"data.labels_path='{labels_path}'"
        labels = read_labels(str(Path(labels_path).expanduser()), where_labels)
        ids, label_names = as_labels(labels, len(source.pixels), where_labels, report)
        source = source._replace(labels=ids, label_names=label_names)
    return assemble(source, name or _stem(path), where, report, like=frame, scaling=scaling, n_clusters=n_clusters)


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


def _stem(path: str) -> str:
    place = Path(path).expanduser().resolve()
    return place.name if place.is_dir() else place.stem
