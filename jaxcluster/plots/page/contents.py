"""What a page is made of, and the checks of it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxcluster.plots import mosaic

__all__ = ["Contents", "Figure", "checked", "clean", "has_pictures"]

LONGEST = 160  # characters of a name or a value


class Figure(NamedTuple):
    """A picture that exists already."""

    title: str
    png: bytes
    alt: str
    """What it shows, for those who cannot see it."""


class Contents(NamedTuple):
    """A finished run; only the first seven fields are needed."""

    title: str
    samples: Any
    """[n, h, w, c] in [0, 1] or uint8, or [n, d]; what has a shape and gives rows by their positions is enough."""
    labels: np.ndarray
    """[n] the clusters 0 to k - 1; -1 for samples left out."""
    confidence: np.ndarray
    """[n] in [0, 1]."""
    embedding: np.ndarray
    """[n, d]"""
    centers: np.ndarray
    """[k, d] in the embedding; its length is the number of clusters, empty ones counted."""
    findings: Sequence[str] | None = None
    """What looks wrong, as `metrics.diagnose` says it, a sentence each; empty if nothing does, None if not checked."""
    probabilities: np.ndarray | None = None
    """[n, k] of each cluster for each sample, or None."""
    coordinates: np.ndarray | None = None
    """[n, 2] for the map; NaN for samples that are not on it. None: principal components of the embedding."""
    initial_labels: np.ndarray | None = None
    """[n] the clustering that training began from, numbered in any way."""
    classes: np.ndarray | None = None
    """[n] given labels, integers 0 to C - 1, for scoring only; -1 where unknown."""
    class_names: Sequence[str] | None = None
    """C names."""
    names: Sequence[str] | None = None
    """[n] file names, or names of rows."""
    feature_names: Sequence[str] | None = None
    """[d] of feature vectors."""
    scores: Mapping[str, Mapping[str, float]] | None = None
    """Clustering ('final', 'initial') -> score -> value, against the given labels."""
    history: Sequence[Mapping[str, Any]] = ()
    """Records of training, as the curves take them."""
    figures: Sequence[Figure] = ()
    warnings: Sequence[str] = ()
    """Sentences that the run has printed."""
    settings: Mapping[str, Any] = {}
    """Nested or not."""
    command: str = ""
    versions: Mapping[str, str] = {}
    device: Mapping[str, Any] = {}
    seconds: Mapping[str, float] = {}
    """By phase."""


def checked(contents: Contents) -> Contents:
    """Bring arrays to their types, and raise ValueError where a shape is wrong."""
    labels = np.asarray(contents.labels)
    n, k = len(labels), len(contents.centers)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or n == 0:
        raise ValueError(f"labels must be integers [n] and not empty, got {labels.dtype} {labels.shape}")
    if labels.min() < -1 or labels.max() >= k:
        raise ValueError(f"labels must be -1 to {k - 1}, one less than there are centers, got {labels.max()}")
    samples = contents.samples if hasattr(contents.samples, "shape") else np.asarray(contents.samples)
    if len(samples.shape) < 2:
        raise ValueError(f"samples must have shape [n, h, w, c] or [n, d], got {tuple(samples.shape)}")
    lengths = {"samples": samples.shape[0]}
    for name in ("confidence", "embedding", "probabilities", "coordinates", "initial_labels", "classes", "names"):
        value = getattr(contents, name)
        if value is not None:
            lengths[name] = len(value)
    wrong = {name: length for name, length in lengths.items() if length != n}
    if wrong:
        raise ValueError(f"{next(iter(wrong))} must have {n:,} rows as labels have, got {next(iter(wrong.values())):,}")
    arrays: dict[str, Any] = {
        "samples": samples,
        "labels": labels.astype(np.int64),
        "confidence": np.asarray(contents.confidence, np.float64),
        "embedding": np.asarray(contents.embedding).reshape(n, -1),
        "centers": np.asarray(contents.centers).reshape(k, -1),
    }
    for name in ("probabilities", "coordinates", "initial_labels", "classes"):
        value = getattr(contents, name)
        arrays[name] = None if value is None else np.asarray(value)
    return contents._replace(**arrays)


def has_pictures(samples: Any) -> bool:
    """Whether samples are shown as pictures; others are feature vectors."""
    return len(samples.shape) == 4 and mosaic.are_images(samples)


def clean(text: Any) -> str:
    """A name or value as one short line without control characters or halves of surrogate pairs."""
    text = str(text)
    text = "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text[: 4 * LONGEST])
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
