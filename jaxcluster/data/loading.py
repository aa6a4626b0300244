"""One way in: a name or a path becomes a checked `Dataset`."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from jaxcluster.data import arrays, catalog, cells, discovery, folder, sparse, tables
from jaxcluster.data.assemble import assemble, frame_from, sentences
from jaxcluster.data.columns import read_features
from jaxcluster.data.dataset import DataError, Dataset, Frame, Source
from jaxcluster.data.label_files import read_labels
from jaxcluster.data.labels import as_labels
from jaxcluster.data.pixels import check_shape
from jaxcluster.data.shaping import FITS, as_size, to_size

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
    scaling: str = "auto",
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
        split: part of a named dataset, as TFDS writes it; of a folder, if its sub-folders are parts such as train and
            test, the names of parts joined by "+".
        path: an `.npz` or `.npy` file ([n, h, w], [n, h, w, c] with c from 1 to 4, or [n, d]; or a sparse matrix of
            scipy), a table (`.csv`, `.tsv`, `.parquet`), single cells (`.h5ad`, with the package anndata), an image,
            or a folder of images.
        labels_path: labels for `path`, which come before those of the path itself; joined by name where both have
            names, see `label_files.read_labels`.
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
    report = sentences(report)
    frame = frame_from(like)
    if bool(name) == bool(path):
        got = f"both are given ('{name}' and '{path}')" if name else "neither is given"
        raise DataError(f"data.name, {field}: {got}; expected exactly one: a dataset's name, or a file or folder")
    if name and labels_path:
        raise DataError(f"data.labels_path='{labels_path}': goes with {field}; '{name}' brings its own labels")
    where = f"data.name='{name}'" if name else f"{field}='{path}'"
    images = {"size": as_size(size), "fit": fit, "ground": ground, "strict": strict}
    columns = {"id_column": id_column, "label_column": "none" if labels_path else label_column}
    _check_choice("data.fit", fit, FITS)
    _check_choice("data.ground", ground, tuple(folder.GROUNDS))
    source = _read(name, split, path, data_dir, where, frame, progress, report, images, columns)
    source = _resized(source, as_size(size), fit, frame)
    if labels_path:
        source = _with_labels(source, labels_path, report, id_column, label_column)
    dataset = assemble(source, name or _stem(path), where, report, like=frame, scaling=scaling, n_clusters=n_clusters)
    return dataset if source.files is None else dataset._replace(root=_root(path))


def _with_labels(source: Source, labels_path: str, report, id_column: str, label_column: str) -> Source:
    """Labels of a file of their own, which come before those of the data."""
    where, n = f"data.labels_path='{labels_path}'", len(source.pixels)
    values = read_labels(
        str(Path(labels_path).expanduser()), where, n, report,
        names=source.files or source.ids, skipped=tuple(file for file, _ in source.skipped),
        id_column=id_column, label_column=label_column,
    )  # fmt: skip
    labels, label_names = as_labels(values, n, where, report)
    return source._replace(labels=labels, label_names=label_names)


def _resized(source: Source, size: tuple[int, int] | None, fit: str, like: Frame | None) -> Source:
    """Images of an array brought to the size of the fitted ones, or the one asked for; those of folders are already."""
    done = (like.transform or {}) if like is not None else {"size": size, "fit": fit}
    if source.files is not None or source.pixels.ndim not in (3, 4) or not done.get("size"):
        return source
    size, fit = tuple(done["size"]), done["fit"]
    pixels = check_shape(source.pixels, "data.size")
    pixels = pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32)
    pixels = np.stack([to_size(image, size, fit) for image in pixels])
    return source._replace(pixels=pixels, transform={"kind": "images", "size": list(size), "fit": fit})


def _check_choice(field: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise DataError(f"{field}={value!r}: expected one of {', '.join(allowed)}")


def _read(name, split, path, data_dir, where, frame: Frame | None, progress, report, images, columns) -> Source:
    if name == "digits":
        return catalog.read_digits(split)
    if name:
        return catalog.read_tfds(name, split, data_dir, progress, report)
    place = Path(path).expanduser()
    suffix = place.suffix.lower()
    if not os.path.lexists(place):  # Path.exists raises where a parent may not be read
        raise discovery.missing(path, where, "file or folder")
    if place.is_dir() or suffix in folder.EXTENSIONS:
        return folder.read_folder(str(place), where, progress, report, like=frame, split=split, **images)
    discovery.check_regular(str(place), where)
    if suffix == ".npz" and sparse.holds_sparse(str(place)):
        return sparse.read_sparse(str(place), where, report, frame)
    if suffix in arrays.EXTENSIONS:
        return arrays.read_arrays(str(place), where, with_labels=columns["label_column"] != "none")
    if suffix in tables.EXTENSIONS:
        return read_features(str(place), where, report, like=frame, **columns)
    if suffix == cells.EXTENSION:
        return cells.read_cells(str(place), where, report, like=frame, **columns)
    raise DataError(
        f"{where}: extension '{suffix}'; expected .npz, .npy, an image or a folder of images, or a table: "
        f"{', '.join(tables.EXTENSIONS)}, {cells.EXTENSION}"
    )


def _stem(path: str) -> str:
    place = Path(path).expanduser().resolve()
    return place.name if place.is_dir() else place.stem


def _root(path: str) -> str:
    """The folder that the names of an image folder's files begin in."""
    place = os.path.abspath(os.path.expanduser(path))
    return place if os.path.isdir(place) else os.path.dirname(place)
