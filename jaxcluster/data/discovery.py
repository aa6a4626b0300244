"""Which images lie below a folder, and what its sub-folders say about their classes."""

import difflib
import os
import stat
from collections.abc import Callable

import numpy as np

from jaxcluster.data.dataset import DataError

__all__ = ["EXTENSIONS", "Found", "check_regular", "choose_parts", "find_images", "folder_labels", "missing"]

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
PARTS = ("train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval")
WHOLE = "train+test"

Found = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]


def missing(path: str, where: str, what: str) -> DataError:
    """The error for a path that is not there: what of it is missing, and which name beside it may have been meant."""
    part = whole = os.path.abspath(os.path.expanduser(path))
    while not os.path.lexists(parent := os.path.dirname(part)):
        part, what = parent, "folder"
    name = "" if part == whole else f" '{part}'"
    try:
        near = difflib.get_close_matches(os.path.basename(part), os.listdir(parent), n=1)
    except OSError:  # the folder may not be listed
        near = []
    hint = f"; did you mean '{os.path.join(parent, near[0])}'?" if near else ""
    return DataError(f"{where}: no such {what}{name}{hint}")


def find_images(folder: str, where: str, report: Callable[[str], None]) -> Found:
    """List the images below a folder, hidden files and folders left out.

    Args:
        folder: where to look; links to folders are followed, each folder once.
        where: field and value, as errors name them.
        report: takes a sentence for the user, if files of other kinds were left out.

    Returns:
        Paths relative to the folder, with `/`, in the order of their code points (so that it is the same everywhere);
        and names with an image's extension that are no files (a pipe, a device, a link to nothing), each with the
        reason. Those are never opened: reading a pipe may wait forever.

    Raises:
        DataError: if there is no image, or a folder cannot be read.
    """
    images, odd, others, seen = [], [], 0, set()
    folders = [("", folder)]
    while folders:
        prefix, path = folders.pop()
        real = os.path.realpath(path)
        if real in seen:  # a link back up the tree
            continue
        seen.add(real)
        try:
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        except OSError as error:
            raise DataError(f"{where}: cannot read folder '{path}' ({error.strerror})") from error
        inner = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                inner.append((f"{prefix}{entry.name}/", entry.path))
            elif os.path.splitext(entry.name)[1].lower() not in EXTENSIONS:
                others += 1
            elif entry.is_file():
                images.append(prefix + entry.name)
            else:
                odd.append((prefix + entry.name, _kind(entry.path)))
        folders.extend(reversed(inner))  # first name first, so that a folder linked twice has its first path
    if not images and not odd:
        raise DataError(
            f"{where}: no images in the folder ({others} files of other kinds); expected {', '.join(EXTENSIONS)}"
        )
    if others:
        report(f"{where}: {others} files that are no images were left out")
    return tuple(sorted(images)), tuple(sorted(odd))


def check_regular(path: str, where: str) -> None:
    """Refuse, without opening it, what is no regular file: a pipe or a device may block forever, or never end.

    Raises:
        DataError: with the kind of thing it is.
    """
    if not os.path.isfile(path):
        raise DataError(f"{where}: {_kind(path)}; expected a regular file")


def _kind(path: str) -> str:
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        return "a link to nothing" if os.path.islink(path) else f"cannot be read ({error.strerror})"
    kinds = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    return next((name for holds, name in kinds if holds(mode)), "no regular file")


def choose_parts(files: tuple[str, ...], split: str, where: str, report: Callable[[str], None]) -> tuple[str, ...]:
    """Choose the images of one part, where the folders of the first level are parts such as train and test.

    Args:
        files: [n] relative paths.
        split: names of parts joined by "+"; "train+test": all there are.
        where: field and value, as errors name them.
        report: takes a sentence for the user.

    Returns:
        The paths in those parts.

    Raises:
        DataError: if there is no such part.
    """
    parts = _parts(files)
    if split == WHOLE or not split:
        return files
    if not parts:
        report(f"data.split='{split}' is not looked at: {where} has no folders such as train and test")
        return files
    wanted = split.split("+")
    unknown = [part for part in wanted if part not in parts]
    if unknown:
        raise DataError(
            f"data.split='{split}': {where} has the parts {', '.join(parts)}; expected these, joined by '+'"
        )
    return tuple(file for file in files if file.split("/", 1)[0] in wanted)


def folder_labels(files: tuple[str, ...], where: str, report: Callable[[str], None]) -> np.ndarray | None:
    """Take sub-folders as labels, if all images lie in sub-folders and there are at least two.

    The sub-folders of the first level count, unless all of them have names of parts of a data set (train, test, val,
    ...): then those of the second level do, and it is reported.

    Args:
        files: [n] relative paths.
        where: field and value, as errors name them.
        report: takes a sentence for the user.

    Returns:
        [n] names of sub-folders, or None.
    """
    parts = _parts(files)
    names = [file.split("/")[:-1] for file in files]
    if parts:
        names = [folders[1:] for folders in names]
        if all(names):
            report(
                f"{where}: the folders {', '.join(parts)} are parts of the data; the folders in them are the classes"
            )
        else:
            report(
                f"{where}: the folders {', '.join(parts)} are parts of the data, and not all images in them lie in "
                "folders of classes, so there are no labels"
            )
    if not all(names):
        outside = [file for file, folders in zip(files, names, strict=True) if not folders]
        if not parts and len({folders[0] for folders in names if folders}) > 1:
            report(
                f"{where}: {len(outside)} of {len(files)} images lie outside sub-folders (first: '{outside[0]}'), so "
                "the names of the sub-folders are not taken as labels"
            )
        return None
    first = np.array([folders[0] for folders in names])
    return first if len(set(first.tolist())) > 1 else None


def _parts(files: tuple[str, ...]) -> list[str]:
    """The folders of the first level if all of them are named as parts are, else none."""
    first = sorted({file.split("/", 1)[0] if "/" in file else "" for file in files})
    return first if first and all(name.lower() in PARTS for name in first) else []
