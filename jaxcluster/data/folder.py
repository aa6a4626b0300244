"""A folder of images: found in a fixed order, decoded into one array that is allocated once."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from jaxcluster.data.dataset import DataError, Source
from jaxcluster.data.progress import bar

__all__ = ["EXTENSIONS", "find_images", "folder_labels", "read_folder"]

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")

GRAY = ("1", "L", "LA", "La")
DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")

TRIAL = 32  # files that are timed before threads are chosen or not
CHUNK = 64  # files per task of the pool


class _ColorFoundError(Exception):
    """A color image turned up while the array had room for one channel."""


def find_images(folder: Path, where: str, report: Callable[[str], None]) -> tuple[str, ...]:
    """List the images below a folder, hidden files and folders left out.

    Args:
        folder: where to look; links to folders are followed, each folder once.
        where: field and value, as errors name them.
        report: takes a sentence for the user, if files of other kinds were left out.

    Returns:
        Paths relative to the folder, with `/`, in the order of their code points (so that it is the same
        everywhere).

    Raises:
        DataError: if there is no image, or a folder cannot be read.
    """

    def refuse(error: OSError):  # os.walk would pass over it
        raise DataError(f"{where}: cannot read folder '{error.filename}' ({error.strerror})") from error

    images, others, seen = [], 0, set()
    for root, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(root)
        folders[:] = [] if real in seen else sorted(f for f in folders if not f.startswith("."))
        if real in seen:  # a link back up the tree
            continue
        seen.add(real)
        for name in names:
            if name.startswith("."):
                continue
            if Path(name).suffix.lower() in EXTENSIONS:
                images.append(Path(root, name).relative_to(folder).as_posix())
            else:
                others += 1
    if not images:
        raise DataError(
            f"{where}: no images in the folder ({others} files of other kinds); expected {', '.join(EXTENSIONS)}"
        )
    if others:
        report(f"{where}: {others} files that are no images were left out")
    return tuple(sorted(images))


def folder_labels(files: tuple[str, ...]) -> np.ndarray | None:
    """Take the direct sub-folders as labels, if all images lie in sub-folders and there are at least two.

    Args:
        files: [n] relative paths.

    Returns:
        [n] names of sub-folders, or None.
    """
    if not all("/" in file for file in files):
        return None
    names = np.array([file.split("/", 1)[0] for file in files])
    return names if len(set(names)) > 1 else None


def read_folder(
    path: str, where: str, progress: bool, report: Callable[[str], None], channels: int | None = None
) -> Source:
    """Read a folder of images, or one image file.

    Gray images have one channel and color images three; a palette counts as color, alpha is dropped (not
    blended), and if gray and color are mixed, all become color. Images of 16 or 32 bits are one channel of
    float32. Of an animation the first frame is read. Nothing is resized or turned.

    Args:
        path: a folder, searched with its sub-folders, or an image file.
        where: field and value, as errors name them.
        progress: whether to show a bar on stderr.
        report: takes a sentence for the user.
        channels: 3 reads gray images as color, for a model that was fitted on color; None decides by the
            images.

    Returns:
        [n, h, w, c] pixels, the relative paths, and the sub-folders as labels or None.

    Raises:
        DataError: if there is no image, one cannot be read, or sizes or bit depths differ.
    """
    folder = Path(path)
    if folder.is_dir():
        files = find_images(folder, where, report)
    else:
        folder, files = folder.parent, (folder.name,)
    first = _decode(folder / files[0], where)
    color = channels == 3 or first.shape[-1] == 3
    try:
        images = _read_all(folder, files, first, color, where, progress)
    except _ColorFoundError:  # rare, and costs the files read so far once more
        images = _read_all(folder, files, first, True, where, progress)
    return Source(images, folder_labels(files), files=files)


def _decode(path: Path, where: str) -> np.ndarray:
    """Decode one file: [h, w, 1] or [h, w, 3] uint8, or [h, w, 1] float32 if deeper than 8 bits."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode in GRAY:
                pixels = image if image.mode == "L" else image.convert("L")
            elif image.mode in DEEP:
                return np.asarray(image).astype(np.float32)[..., None]
            elif image.mode in ("P", "PA"):  # by way of RGBA: a palette may hold a transparent color
                pixels = image.convert("RGBA").convert("RGB")
            else:
                pixels = image if image.mode == "RGB" else image.convert("RGB")
            array = np.asarray(pixels)
    except MemoryError:
        raise
    except Exception as error:  # decoders raise whatever the damage leads them to
        raise DataError(f"{where}: cannot read image '{path}' ({type(error).__name__}: {error})") from error
    return array if array.ndim == 3 else array[..., None]


def _read_all(
    folder: Path, files: tuple[str, ...], first: np.ndarray, color: bool, where: str, progress: bool
) -> np.ndarray:
    h, w = first.shape[:2]
    images = np.empty((len(files), h, w, 3 if color else 1), first.dtype)
    stopped = threading.Event()

    def fill(start: int, stop: int) -> int:
        for i in range(start, stop):
            if stopped.is_set():
                break
            try:
                pixels = _decode(folder / files[i], where)
                _check_alike(pixels, first, files[i], files[0], where)
                if pixels.shape[-1] == 3 and not color:
                    raise _ColorFoundError
            except Exception:
                stopped.set()  # so that the other threads stop at once
                raise
            images[i] = pixels  # one channel spreads over three
        return stop - start

    begin = time.perf_counter()
    trial = fill(0, min(TRIAL, len(files)))
    workers = _workers((time.perf_counter() - begin) / trial)
    spans = [(start, min(start + CHUNK, len(files))) for start in range(trial, len(files), CHUNK)]
    with bar("reading images", len(files), progress) as advance:
        advance(trial)
        if workers == 1:
            for span in spans:
                advance(fill(*span))
        else:
            with ThreadPoolExecutor(workers) as pool:
                try:
                    for done in pool.map(lambda span: fill(*span), spans):
                        advance(done)
                finally:
                    stopped.set()  # for Ctrl-C, which the threads do not hear
    return images


def _workers(seconds_per_image: float) -> int:
    # Small images are read faster by one thread: threads that decode 28x28 PNGs (45 us each) hand Python's
    # lock to and fro and take three times as long. Large images decode, and slow disks wait, without the
    # lock.
    return 1 if seconds_per_image < 5e-4 else min(16, 4 * (os.cpu_count() or 1))


def _check_alike(pixels: np.ndarray, first: np.ndarray, file: str, first_file: str, where: str) -> None:
    if pixels.shape[:2] != first.shape[:2]:
        (h0, w0), (h, w) = first.shape[:2], pixels.shape[:2]
        raise DataError(
            f"{where}: images of different sizes: '{first_file}' is {w0}x{h0} and '{file}' is {w}x{h} "
            "(width x height); expected one size, so resize or crop them first"
        )
    if pixels.dtype != first.dtype:
        raise DataError(
            f"{where}: '{first_file}' has {_depth(first)} and '{file}' has {_depth(pixels)}; expected one bit depth"
        )


def _depth(pixels: np.ndarray) -> str:
    return "8 bits" if pixels.dtype == np.uint8 else "16 or 32 bits"
