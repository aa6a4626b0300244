"""A clustering as folders of images: one folder a cluster, the most certain image first.

photos = data.load(path="photos", size=32)
export_folders("sorted", photos, result.labels, result.confidence)
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jaxcluster.files import storage
from jaxcluster.workflow.job import path_of
from jaxcluster.workflow.settings import UsageError

__all__ = ["WAYS", "check_exportable", "export_folders"]

WAYS = ("folders", "copies")
LEFT_OUT = "left-out"  # the folder of samples labeled -1
AT_ONCE = 256  # images of an array that are drawn together
LONGEST = 200  # bytes of a file's own name that are kept


def check_exportable(dataset: Any, where: str = "--export") -> None:
    """Refuse data that are no images.

    Raises:
        UsageError: there is nothing to draw.
    """
    shape = dataset.images.shape
    if dataset.files is None and not (len(shape) == 4 and shape[3] in (1, 3, 4)):
        kind = f"feature vectors of {shape[1]}" if len(shape) == 2 else f"images of {shape[3]} channels"
        raise UsageError(f"{where}: nothing to draw: the samples are {kind}; clusters.csv lists them by cluster")


def export_folders(
    parent: str | Path,
    dataset: Any,
    labels: np.ndarray,
    confidence: np.ndarray,
    *,
    way: str = "folders",
    say: Callable[[str], None] = lambda sentence: None,
) -> Path:
    """Put each image into a folder of its cluster; its name begins with its rank, the most certain has rank 1.

    Files of an image folder are linked (hard links: the same file under a second name, which takes no room) or copied;
    images of an array are drawn as PNG, by their numbers. Of equal confidences the first sample comes first, and NaN
    last. Samples labeled -1 lie in the folder "left-out". Changing the pixels of a linked file changes the original.

    Args:
        parent: the folder below which a new folder `export` is made, or export-2, export-3, ... if it is there.
        dataset: `data.Dataset` of images, with `files` below `root` if it was a folder.
        labels: [n] the cluster of each image.
        confidence: [n].
        way: "folders" links, and copies where the disk takes no links; "copies" copies always.
        say: told where they lie.

    Returns:
        The new folder.

    Raises:
        UsageError: the samples are no images, or `way` or a length is wrong.
        StorageError: a file cannot be read or written.
    """
    if way not in WAYS:
        raise UsageError(f"--export must be one of {', '.join(WAYS)}, got {way!r}")
    check_exportable(dataset)
    labels, confidence = np.asarray(labels), np.asarray(confidence)
    if not len(dataset.images) == len(labels) == len(confidence):
        lengths = f"{len(labels):,} labels and {len(confidence):,} confidences"
        raise UsageError(f"--export needs a label and a confidence for each sample: {len(dataset.images):,}, {lengths}")
    parent = path_of(parent, f"folder {parent}") if isinstance(parent, str) else parent
    with storage.filled_folder(parent, "export") as filled:
        targets = _targets(filled.folder, dataset, labels, confidence)
        for cluster in {target.parent for target in targets}:
            storage.make_folder(cluster)
        if dataset.files is None:
            for target, png in _drawn(dataset, targets):
                with storage.new_file(target) as stream:
                    stream.write(png)
        else:
            for file, target in zip(dataset.files, targets, strict=True):
                _put(os.path.join(dataset.root or "", file), target, link=way == "folders")
    folder = filled.folder
    if folder.name != "export":
        say(f"{parent / 'export'} is there already; this export is written beside it")
    folders = len(np.unique(labels))
    say(f"{len(targets):,} images in {folders} folder{'s' * (folders > 1)}, one for each cluster: {folder}")
    return folder


def _targets(folder: Path, dataset: Any, labels: np.ndarray, confidence: np.ndarray) -> list[Path]:
    """[n] the new file of each sample."""
    wide = len(str(max(int(labels.max()), 0)))
    targets: list[Path] = [folder] * len(labels)
    for cluster in np.unique(labels):
        members = np.flatnonzero(labels == cluster)
        members = members[np.argsort(-confidence[members], kind="stable")]  # NaN comes last
        name = f"cluster-{cluster:0{wide}d}" if cluster >= 0 else LEFT_OUT
        digits = len(str(len(members)))
        for rank, i in enumerate(members.tolist(), 1):
            own = f"{i}.png" if dataset.files is None else _short(dataset.files[i])
            targets[i] = folder / name / f"{rank:0{digits}d}-{own}"
    return targets


def _short(file: str) -> str:
    """The file's own name; of a long one the end, with its extension, so that a rank fits in before it."""
    name = os.fsencode(file.rsplit("/", 1)[-1])
    return os.fsdecode(name) if len(name) <= LONGEST else name[-LONGEST:].decode(errors="ignore")


def _put(source: str, target: Path, *, link: bool) -> None:
    """Link or copy one file; what a symbolic link points to, as a workdir may hold no such links."""
    source = os.path.realpath(source)
    try:
        if storage.is_bucket(target):
            target.write_bytes(Path(source).read_bytes())
            return
        if link:
            try:
                os.link(source, target)
                return
            except OSError:  # another disk, or one without links
                pass
        shutil.copyfile(source, target)
    except OSError as error:
        raise storage.StorageError(f"{source} cannot be exported to {target}: {storage.reason(error)}") from error


def _drawn(dataset: Any, targets: list[Path]) -> Iterator[tuple[Path, bytes]]:
    """(file, PNG) of each image of an array."""
    import io

    from PIL import Image

    for start in range(0, len(targets), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        pixels = (dataset.images[rows] - np.float32(dataset.offset)) * np.float32(dataset.scale)
        pixels = np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
        for target, image in zip(targets[rows], pixels, strict=True):
            png = io.BytesIO()
            Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(png, "PNG")
            yield target, png.getvalue()
