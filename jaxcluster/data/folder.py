"""A folder of images, decoded into one array that is allocated once."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from jaxcluster.data.dataset import DataError, Frame, Source
from jaxcluster.data.decoding import Picture, Plan, UnreadableError, decode
from jaxcluster.data.discovery import (
    EXTENSIONS,
    WHOLE,
    check_regular,
    choose_parts,
    find_images,
    folder_labels,
)
from jaxcluster.data.memory import check_fits
from jaxcluster.data.progress import bar

__all__ = ["EXTENSIONS", "GROUNDS", "read_folder"]

GROUNDS = {"white": 255, "black": 0, "auto": None}
BAD_SHARE = 0.1  # of the images may be unreadable before the folder is refused

TRIAL = 32  # files that are timed before threads are chosen or not
CHUNK = 64  # files per task of the pool


class _ColorFoundError(Exception):
    """A color image turned up while the array had room for one channel."""


class _DepthFoundError(Exception):
    """An image of another depth turned up."""


class _Read(NamedTuple):
    """What one pass over the files found."""

    images: np.ndarray
    """[n, h, w, c]; rows of unreadable files hold anything."""
    bad: dict[int, str]
    """Which files could not be read, and why."""
    transparent: list[int]
    """Which files have transparent pixels."""
    dark: bool
    """Whether the drawings are dark: their mean brightness, weighted by alpha, is below the middle."""


def read_folder(
    path: str,
    where: str,
    progress: bool,
    report: Callable[[str], None],
    *,
    like: Frame | None = None,
    size: tuple[int, int] | None = None,
    fit: str = "pad",
    ground: str = "auto",
    strict: bool = False,
    split: str = WHOLE,
) -> Source:
    """Read a folder of images, or one image file.

    Gray images have one channel and color images three; if they are mixed, all become color. Images of 16 bits or
    floats are one channel of float32 as stored; beside images of another depth all are brought to 0..1. How each file
    is decoded, see `decoding.decode`.

    The ground "auto" is one for all images: white if the drawings are dark (their mean brightness, weighted by alpha,
    is below the middle), else black.

    Args:
        path: a folder, searched with its sub-folders, or an image file.
        where: field and value, as errors name them.
        progress: whether to show a bar on stderr.
        report: takes a sentence for the user.
        like: the frame of a fitted model; its size, ground, white and colors are taken.
        size: (height, width) that images are brought to; None: as they are.
        fit: "pad" or "crop", see `shaping.to_size`.
        ground: one of `GROUNDS`.
        strict: whether a file that cannot be read is an error; else it is skipped, unless more than `BAD_SHARE` are.
        split: parts to read, if the sub-folders are parts such as train and test.

    Returns:
        [n, h, w, c] pixels, the relative paths, the classes' folders as labels or None, and the files skipped.

    Raises:
        DataError: if there is no image, too many cannot be read, or their sizes differ and none is asked for.
    """
    if os.path.isdir(path):
        folder = path
        files, odd = find_images(folder, where, report)
        files = choose_parts(files, split, where, report)
    else:
        check_regular(path, where)
        folder, name = os.path.split(path)
        files, odd = (name,), ()
    plan = Plan(size, fit, GROUNDS[ground])
    plan, color = (plan, False) if like is None else _planned_like(plan, like)
    read, plan = _read_all(folder, files, plan, color, where, progress)
    skipped = odd + tuple((files[i], read.bad[i]) for i in sorted(read.bad))
    _check_skipped(skipped, len(files) + len(odd), strict, where, report)
    images = read.images
    if read.transparent and plan.ground is None:
        plan = plan._replace(ground=255 if read.dark else 0)
        report(
            f"{where}: {len(read.transparent)} images have transparent pixels; shown on {_called(plan.ground)}, as "
            f"their drawings are {'dark' if read.dark else 'bright'} (data.ground)"
        )
        if plan.ground != 255:  # white stood in
            for i in read.transparent:
                images[i] = decode(os.path.join(folder, files[i]), plan).pixels
    kept = [i for i in range(len(files)) if i not in read.bad]
    for row, i in enumerate(kept):  # in place: the array may fill the memory
        if row != i:
            images[row] = images[i]
    files = tuple(files[i] for i in kept)
    if plan.white == 1.0 and like is None:
        report(f"{where}: images of different bit depths; all brought to 0..1, white as 1")
    return Source(
        images[: len(kept)],
        folder_labels(files, where, report),
        white=plan.white,
        files=files,
        skipped=skipped,
        transform=_transform(plan),
    )


def _planned_like(plan: Plan, like: Frame) -> tuple[Plan, bool]:
    """The plan of a fitted model, and whether it takes color."""
    done = (like.transform or {}) if (like.transform or {}).get("kind") == "images" else {}
    size = done.get("size")
    white = done.get("white")
    if white is None and like.offset == 0 and abs(255 * like.scale - 1) < 1e-9:
        white = 255.0
    ground = done.get("ground")
    plan = Plan(
        tuple(size) if size else plan.size, done.get("fit", plan.fit), plan.ground if ground is None else ground, white
    )
    return plan, len(like.shape) == 3 and like.shape[-1] == 3


def _transform(plan: Plan) -> dict[str, Any] | None:
    """What new images need, if it is anything."""
    done = {"size": list(plan.size) if plan.size else None, "ground": plan.ground, "white": plan.white}
    if all(value is None for value in done.values()):
        return None
    return {"kind": "images", "fit": plan.fit} | done


def _called(ground: int) -> str:
    return next(name for name, value in GROUNDS.items() if value == ground)


def _check_skipped(skipped, n: int, strict: bool, where: str, report: Callable[[str], None]) -> None:
    if not skipped:
        return
    file, reason = skipped[0]
    if strict or n == 1:
        raise DataError(f"{where}: cannot read image '{file}' ({reason})")
    if len(skipped) > BAD_SHARE * n:
        raise DataError(
            f"{where}: {len(skipped)} of {n} images cannot be read, more than {BAD_SHARE:.0%} (first: '{file}', "
            f"{reason})"
        )
    report(f"{where}: {len(skipped)} of {n} images cannot be read and are skipped (first: '{file}', {reason})")


def _read_all(folder: str, files, plan: Plan, color: bool, where: str, progress: bool) -> tuple[_Read, Plan]:
    """Read all files, beginning again where a later one shows that the plan does not do."""
    first, index = _first(folder, files, plan, where)
    color = color or first.pixels.shape[-1] == 3
    while True:
        try:
            return _pass(folder, files, first, files[index], plan, color, where, progress), plan
        except _ColorFoundError:  # rare, and costs the files read so far once more
            color = True
        except _DepthFoundError:
            plan = plan._replace(white=1.0)
            first = decode(os.path.join(folder, files[index]), plan)


def _first(folder: str, files, plan: Plan, where: str) -> tuple[Picture, int]:
    reasons = []
    for i, file in enumerate(files):
        try:
            return decode(os.path.join(folder, file), plan), i
        except UnreadableError as error:
            reasons.append((file, str(error)))
            if len(reasons) > BAD_SHARE * len(files):
                break
    file, reason = reasons[0] if reasons else ("", "nothing to read")
    raise DataError(f"{where}: cannot read image '{file}' ({reason})" if reasons else f"{where}: no images to read")


def _pass(
    folder: str, files, first: Picture, first_file: str, plan: Plan, color: bool, where: str, progress: bool
) -> _Read:
    h, w = first.pixels.shape[:2]
    images = _allocated((len(files), h, w, 3 if color else 1), first.pixels.dtype, where)
    stopped = threading.Event()
    paths = [os.path.join(folder, file) for file in files]

    def fill(start: int, stop: int):
        bad, transparent, opacity, light = {}, [], 0, 0
        for i in range(start, stop):
            if stopped.is_set():
                break
            try:
                picture = decode(paths[i], plan)
                _check_alike(picture, first, files[i], first_file, color, plan, where)
            except UnreadableError as error:
                bad[i] = str(error)
                continue
            except BaseException:
                stopped.set()  # so that the other threads stop at once
                raise
            images[i] = picture.pixels  # one channel spreads over three
            if picture.transparent:
                transparent.append(i)
                opacity += picture.opacity
                light += picture.light
        return stop - start, bad, transparent, opacity, light

    trial = min(TRIAL, len(files))
    parts, seconds = [], []
    for i in range(trial):
        begin = time.perf_counter()
        parts.append(fill(i, i + 1))
        seconds.append(time.perf_counter() - begin)
    workers = _workers(float(np.median(seconds)))  # the first one loads decoders
    spans = [(start, min(start + CHUNK, len(files))) for start in range(trial, len(files), CHUNK)]
    with bar("reading images", len(files), progress) as advance:
        advance(trial)
        if workers == 1:
            for span in spans:
                parts.append(fill(*span))
                advance(parts[-1][0])
        else:
            with ThreadPoolExecutor(workers) as pool:
                try:
                    for part in pool.map(lambda span: fill(*span), spans):
                        parts.append(part)
                        advance(part[0])
                finally:
                    stopped.set()  # for Ctrl-C, which the threads do not hear
    bad = {i: reason for part in parts for i, reason in part[1].items()}
    transparent = [i for part in parts for i in part[2]]
    opacity, light = sum(part[3] for part in parts), sum(part[4] for part in parts)
    return _Read(images, bad, transparent, dark=2 * light < 255 * opacity)


def _workers(seconds_per_image: float) -> int:
    # Small images are read faster by one thread: threads that decode 28x28 PNGs (45 us each) hand Python's
    # lock to and fro and take three times as long. Large images decode, and slow disks wait, without the
    # lock.
    return 1 if seconds_per_image < 5e-4 else min(16, 4 * (os.cpu_count() or 1))


def _allocated(shape: tuple[int, ...], dtype, where: str) -> np.ndarray:
    """An array for all images, if the machine can hold it."""
    n, h, w, _ = shape
    size = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
    check_fits(size, f"{n:,} images of {h}x{w}", where, "; make them smaller: data.size=32")
    return np.empty(shape, dtype)


def _check_alike(picture: Picture, first: Picture, file: str, first_file: str, color: bool, plan: Plan, where: str):
    pixels = picture.pixels
    if pixels.shape[:2] != first.pixels.shape[:2]:
        (h0, w0), (h, w) = first.pixels.shape[:2], pixels.shape[:2]
        raise DataError(
            f"{where}: images of different sizes: '{first_file}' is {w0}x{h0} and '{file}' is {w}x{h} "
            "(width x height); data.size brings them to one size, for example data.size=32"
        )
    if plan.white is None and picture.depth != first.depth:
        raise _DepthFoundError
    if pixels.shape[-1] == 3 and not color:
        raise _ColorFoundError
