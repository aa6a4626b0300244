"""The figures of a finished run: sizes, scores if labels were given, and where it was computed."""

import datetime
import importlib.metadata
import math
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

import jaxcluster
from jaxcluster import metrics
from jaxcluster.protocol import Outputs
from jaxcluster.runtime.trainer import Trained

__all__ = [
    "Finished",
    "Scaled",
    "confident_figures",
    "describe_device",
    "initial_labels",
    "reliability_of",
    "score",
    "summarize",
]

DIVERSITY_SAMPLES = 10_000  # real images that the generated ones are compared with


class Finished(NamedTuple):
    """A finished run."""

    dataset: Any
    """`jaxcluster.data.Dataset`."""
    trained: Trained
    outputs: Outputs
    initial: Outputs
    """What the algorithm's main phase began with."""
    generated: tuple[np.ndarray, np.ndarray] | None
    """Images the model draws, and the cluster each is drawn for; None if it draws none."""


class Scaled:
    """A data set's samples in [0, 1], scaled when they are asked for: all of them may not fit in memory once more."""

    def __init__(self, dataset: Any):
        self._dataset = dataset
        self.shape = dataset.images.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return (self._dataset.images[rows] - np.float32(self._dataset.offset)) * np.float32(self._dataset.scale)


def score(labels_true: np.ndarray | None) -> Callable[[np.ndarray], dict[str, float]] | None:
    """Function that scores an assignment against given labels, or None if there are none."""
    if labels_true is None:
        return None
    return lambda labels: {
        "acc": metrics.accuracy(labels_true, labels),
        "nmi": metrics.nmi(labels_true, labels),
        "ari": metrics.ari(labels_true, labels),
    }


def summarize(finished: Finished) -> dict[str, Any]:
    """Everything worth knowing about a run as strict JSON; scores only if labels were given."""
    history, outputs, initial = finished.trained.history, finished.outputs, finished.initial
    last = {record["phase"]: record for record in history}
    figures: dict[str, Any] = {
        "epochs": {phase: record["epoch"] + 1 for phase, record in last.items()},
        "loss": {phase: record["loss"] for phase, record in last.items()},
    }
    for record in last.values():
        figures |= {name: record[name] for name in ("selected", "change") if name in record}
    if finished.trained.stopped:
        figures["stopped"] = finished.trained.stopped
    figures |= _figures(outputs, finished.dataset.labels)
    figures["initial"] = _figures(initial, finished.dataset.labels)
    curve = reliability_of(finished)
    if curve is not None:
        bins = [
            {"samples": int(count), "confidence": float(sure), "accuracy": float(right)}
            for count, sure, right in zip(curve.counts, curve.confidence, curve.accuracy, strict=True)
            if count
        ]
        figures["calibration"] = {"ece": curve.ece, "bins": bins}
    if finished.generated is not None:
        figures["generated"] = {"diversity": _diversity(finished)}
    summary = {
        "results": figures,
        "seconds": {phase: round(seconds, 1) for phase, seconds in finished.trained.seconds.items()},
        "device": describe_device(),
        "versions": _versions(),
        "commit": _commit(),
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
    }
    return _strict(summary)


def confident_figures(outputs: Outputs, min_confidence: float, labels_true: np.ndarray | None) -> dict[str, Any]:
    """What the summary says of the threshold: `samples` that keep a cluster, their `share`, and scores on them alone.

    Returns:
        {"confident": {...}}; {} at a threshold of 0.
    """
    if min_confidence == 0:
        return {}
    sure = outputs.labels >= 0
    found: dict[str, Any] = {
        "min_confidence": min_confidence,
        "samples": int(sure.sum()),
        "share": float(sure.mean()),
    }
    if labels_true is not None and sure.any():
        found["scoring"] = score(labels_true[sure])(outputs.labels[sure])
    return {"confident": found}


def initial_labels(initial: Outputs) -> np.ndarray:
    """The assignment that training began from."""
    return np.asarray((initial.others or {}).get("assignment", initial.labels))


def reliability_of(finished: Finished) -> metrics.Reliability | None:
    """How often a confidence is right; None without labels, and where it is no probability of the labels."""
    outputs, true = finished.outputs, finished.dataset.labels
    if true is None or outputs.probabilities is None or "network" in (outputs.others or {}):
        return None
    return metrics.reliability(true, outputs.labels, outputs.confidence)


def describe_device() -> dict[str, Any]:
    """What the run computed on, and the most memory this process has held."""
    device = jax.local_devices()[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "platform": device.platform,
        "kind": device.device_kind,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "machine": platform.machine(),
        "peak_memory_mib": round(peak / (2**20 if sys.platform == "darwin" else 2**10)),
    }


def _figures(outputs: Outputs, true: np.ndarray | None) -> dict[str, Any]:
    sizes = np.bincount(outputs.labels, minlength=len(outputs.centers)).tolist()
    figures: dict[str, Any] = {"cluster_sizes": sizes, "empty_clusters": sizes.count(0)}
    figures["mean_confidence"] = float(np.mean(outputs.confidence))
    scoring = score(true)
    if scoring is not None:
        figures["scoring"] = scoring(outputs.labels)
    for name, labels in (outputs.others or {}).items():
        figures[name] = {"cluster_sizes": np.bincount(labels, minlength=len(outputs.centers)).tolist()}
        figures[name]["agreement"] = metrics.nmi(outputs.labels, labels)
        if scoring is not None:
            figures[name]["scoring"] = scoring(labels)
    return figures


def _diversity(finished: Finished) -> float:
    """Of the generated images, against a random part of the real ones."""
    labels = finished.outputs.labels
    some = np.random.default_rng(0).permutation(len(labels))[:DIVERSITY_SAMPLES]
    return metrics.intra_cluster_diversity(*finished.generated, Scaled(finished.dataset)[some], labels[some])


def _strict(value: Any) -> Any:
    """JSON has no NaN and no infinity: null stands for them."""
    if isinstance(value, dict):
        return {name: _strict(part) for name, part in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _commit() -> str | None:
    """The commit of the checkout that runs, with "+" if it was changed since; None for an installed package.

    JAXCLUSTER_COMMIT names it where the code was copied without its history, to a cloud machine for example.
    """
    if "JAXCLUSTER_COMMIT" in os.environ:
        return os.environ["JAXCLUSTER_COMMIT"]
    root = Path(jaxcluster.__file__).parents[1]
    if not (root / ".git").exists():
        return None
    git = ["git", "-C", str(root)]
    try:
        commit = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.strip() + ("+" if changed.stdout.strip() else "")


def _versions() -> dict[str, str]:
    packages = ("jax", "jaxlib", "flax", "optax", "numpy")
    # This package may run from a checkout that is not installed: there is no metadata of it then.
    own = {"python": platform.python_version(), "jaxcluster": jaxcluster.__version__}
    return own | {name: importlib.metadata.version(name) for name in packages}
