"""Corrections by hand: clusters of a finished run are merged or split; the run's own results stay as they are.

    from jaxcluster.workflow import corrections
    corrections.merge("runs/mine", (3, 7))  # -> runs/mine/corrections/1
    corrections.split("runs/mine", 2)  # -> runs/mine/corrections/2, which has both

Each correction starts from the one before it. Whoever removes the last folder takes it back.
"""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxcluster.files import lock, manifest, storage
from jaxcluster.files.workdir import WorkdirError, read_identity, read_summary, write_table
from jaxcluster.workflow.job import path_of
from jaxcluster.workflow.settings import UsageError

__all__ = ["Labels", "current", "merge", "merged", "reject", "split", "split_in_two"]

FEWEST = 4  # samples of a cluster that can be split
RESTARTS = 20


class Labels(NamedTuple):
    """The labels of a run as they stand, with its corrections."""

    labels: np.ndarray
    """[n] int32; -1 below the confidence that is asked for."""
    full: np.ndarray
    """[n] the cluster of each sample, however unsure."""
    folder: Path
    """Where they lie: the workdir, or the last correction in it."""


def current(workdir: Path) -> Labels:
    """Read the labels of a finished run, with the corrections that were made.

    Raises:
        WorkdirError: the folder holds no finished run, or the labels are damaged.
    """
    read_identity(workdir)
    if read_summary(workdir) is None:
        raise WorkdirError(f"--workdir {workdir}: its run has not finished; run its command again first")
    number = _last(workdir)
    folder = workdir / "corrections" / str(number) if number else workdir
    manifest.verify(folder, "labels.npy")
    manifest.verify(folder, "all_labels.npy")
    labels = storage.read_array(folder / "labels.npy")
    # The file of a run may be left from before its results were written again: without a -1 it says nothing.
    sure = (labels >= 0).all() or not storage.exists(folder / "all_labels.npy")
    return Labels(labels, labels if sure else storage.read_array(folder / "all_labels.npy"), folder)


def merge(
    workdir: str | Path, clusters: tuple[int, ...], *, say: Callable[[str], None] = lambda sentence: None
) -> Path:
    """Make one cluster of several, in the labels of a finished run.

    The merged cluster has the smallest of their numbers; the other clusters keep theirs.

    Args:
        workdir: of the run.
        clusters: at least two of its clusters.
        say: told what was done.

    Returns:
        The new folder in workdir/corrections: labels.npy, clusters.csv, and all_labels.npy where labels are -1.

    Raises:
        UsageError: there are no such clusters.
        WorkdirError: the folder holds no finished run, or another process works in it.
    """
    clusters = tuple(sorted(set(clusters)))
    if len(clusters) < 2:
        raise UsageError(f"--merge needs two different clusters at least, for example 3,7; got {_words(clusters)}")

    def change(now: Labels) -> tuple[np.ndarray, str]:
        for cluster in clusters:
            _members(now.full, cluster, "--merge")
        return merged(now.full, clusters), f"clusters {_words(clusters)} are cluster {clusters[0]} now"

    return _correct(workdir, {"merge": list(clusters)}, change, say)


def split(workdir: str | Path, cluster: int, *, say: Callable[[str], None] = lambda sentence: None) -> Path:
    """Split one cluster of a finished run in two, by k-means on its part of the embedding.

    The larger half keeps the number; the other has the first number that no cluster has had.

    Args:
        workdir: of the run.
        cluster: which of its clusters; at least 4 samples.
        say: told what was done.

    Returns:
        The new folder in workdir/corrections, see `merge`.

    Raises:
        UsageError: there is no such cluster, or it is too small, or all its samples lie at one place.
        WorkdirError: the folder holds no finished run, or another process works in it.
    """
    place = _place(workdir)

    def change(now: Labels) -> tuple[np.ndarray, str]:
        rows = _members(now.full, cluster, "--split")
        if len(rows) < FEWEST:
            raise UsageError(f"--split={cluster}: the cluster has {len(rows)} samples; at least {FEWEST} are needed")
        number = max(len(storage.read_array(place / "centers.npy")), int(now.full.max()) + 1, _highest(place) + 1)
        labels = split_in_two(now.full, storage.read_array(place / "embedding.npy"), cluster, number)
        sizes = [int(((labels == part) & (now.labels >= 0)).sum()) for part in (cluster, number)]
        return labels, f"cluster {cluster} is clusters {cluster} ({sizes[0]:,}) and {number} ({sizes[1]:,}) now"

    return _correct(place, {"split": cluster}, change, say)


def reject(workdir: str | Path, min_confidence: float, *, say: Callable[[str], None] = lambda sentence: None) -> Path:
    """Label the samples below a confidence -1 in a finished run; without any change no folder is written.

    Args:
        workdir: of the run.
        min_confidence: in (0, 1], in place of an earlier one.
        say: told what was done.

    Returns:
        The new folder in workdir/corrections, or where these labels lie already.
    """
    place = _place(workdir)
    sure = storage.read_array(place / "confidence.npy") >= min_confidence

    def change(now: Labels) -> tuple[np.ndarray, str]:
        return now.full, f"{1 - sure.mean():.1%} of the samples have a confidence below {min_confidence:g}: label -1"

    return _correct(place, {"min_confidence": min_confidence}, change, say, sure)


def merged(labels: np.ndarray, clusters: tuple[int, ...]) -> np.ndarray:
    """Labels [n] in which several clusters have the smallest of their numbers."""
    return np.where(np.isin(labels, clusters), min(clusters), labels).astype(np.int32)


def split_in_two(labels: np.ndarray, embedding: np.ndarray, cluster: int, number: int) -> np.ndarray:
    """Labels [n] in which the smaller half of a cluster, by 2-means on `embedding` [n, d], has another number.

    Raises:
        UsageError: all its samples lie at one place.
    """
    rows = np.flatnonzero(labels == cluster)
    points = np.asarray(embedding[rows], np.float32)
    if (points == points[0]).all():
        raise UsageError(f"--split={cluster}: all samples of the cluster lie at one place of the embedding")
    from sklearn.cluster import KMeans  # ours would be compiled anew for every number of samples

    halves = KMeans(2, n_init=RESTARTS, random_state=0).fit_predict(points - points.mean(axis=0))
    smaller = int(2 * halves.sum() <= len(halves))
    labels = labels.astype(np.int32)
    labels[rows[halves == smaller]] = number
    return labels


def _correct(
    workdir: str | Path,
    operation: dict[str, Any],
    change: Callable[[Labels], tuple[np.ndarray, str]],
    say: Callable[[str], None],
    sure: np.ndarray | None = None,
) -> Path:
    """Write what `change` makes of the labels; samples that are -1, or not `sure`, are -1 in it."""
    workdir = _place(workdir)
    read_identity(workdir)  # before the lock, which would make the folder
    with lock.hold(workdir, say=say):
        now = current(workdir)
        full, sentence = change(now)
        labels = np.where(now.labels >= 0 if sure is None else sure, full, -1).astype(np.int32)
        if np.array_equal(labels, now.labels):
            say(f"these labels are there already: {now.folder / 'labels.npy'}")
            return now.folder
        number = _last(workdir) + 1
        while storage.is_folder(workdir / "corrections" / str(number)):  # left by a kill
            number += 1
        folder = workdir / "corrections" / str(number)
        storage.make_folder(folder)
        with manifest.sealing(folder):
            storage.write_array(folder / "all_labels.npy", full)
            write_table(folder / "clusters.csv", *_table(workdir / "clusters.csv", labels))
            storage.write_array(folder / "labels.npy", labels)
        _log(workdir, {"correction": number, "from": _short(now.folder, workdir)} | operation)
    say(f"{sentence}; labels: {folder / 'labels.npy'}")
    return folder


def _place(workdir: str | Path) -> Path:
    return path_of(workdir, f"--workdir {workdir}") if isinstance(workdir, str) else workdir


def _last(workdir: Path) -> int:
    """The number of the last correction that is complete; 0 without any."""
    return max((int(file.parent.name) for file in _files(workdir) if file.name == "labels.npy"), default=0)


def _files(workdir: Path) -> list[Path]:
    folder = workdir / "corrections"
    return [file for file in storage.files_below(folder) if file.parent.name.isdecimal()]


def _highest(workdir: Path) -> int:
    """The largest number that a cluster has had in any correction; -1 without any."""
    files = [file for file in _files(workdir) if file.name == "all_labels.npy"]
    return max((int(storage.read_array(file).max()) for file in files), default=-1)


def _members(labels: np.ndarray, cluster: int, flag: str) -> np.ndarray:
    rows = np.flatnonzero(labels == cluster)
    if not len(rows):
        there = np.unique(labels)
        shown = ", ".join(map(str, there[:20])) + (", ..." if len(there) > 20 else "")
        raise UsageError(f"{flag}: there is no cluster {cluster}; the clusters are {shown}")
    return rows


def _table(file: Path, labels: np.ndarray) -> tuple[list[str], list[list[Any]]]:
    """clusters.csv of the run with other labels; its names are marked already, see `write_csv`."""
    text = (storage.read_bytes(file) or b"").decode(errors="surrogateescape")
    header, *rows = list(csv.reader(io.StringIO(text, newline=""))) or [[]]
    if len(rows) != len(labels):
        raise WorkdirError(f"{file} is damaged: it has {len(rows)} rows for {len(labels)} samples")
    return header, [[index, label, *rest] for (index, _, *rest), label in zip(rows, labels.tolist(), strict=True)]


def _log(workdir: Path, entry: dict[str, Any]) -> None:
    file = workdir / "corrections" / "log.jsonl"
    storage.write_text(file, (storage.read_text(file) or "") + json.dumps(entry) + "\n")


def _short(folder: Path, workdir: Path) -> str:
    return "." if folder == workdir else f"corrections/{folder.name}"


def _words(clusters: tuple[int, ...]) -> str:
    return ", ".join(map(str, clusters)) or "none"
