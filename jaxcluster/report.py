"""What a run leaves behind: arrays, a table, a summary and pictures."""

import importlib.metadata
import os
import platform
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxcluster import metrics, plots
from jaxcluster.protocol import Outputs
from jaxcluster.runtime.trainer import Trained
from jaxcluster.runtime.workdir import write_csv, write_json

__all__ = ["score", "summarize", "write_outputs", "write_pictures"]


def score(labels_true: np.ndarray | None) -> Callable[[np.ndarray], dict[str, float]] | None:
    """Function that scores an assignment against given labels, or None if there are none."""
    if labels_true is None:
        return None
    return lambda labels: {
        "acc": metrics.accuracy(labels_true, labels),
        "nmi": metrics.nmi(labels_true, labels),
        "ari": metrics.ari(labels_true, labels),
    }


def write_outputs(folder: Path, outputs: Outputs, files: tuple[str, ...] | None) -> None:
    """Write labels.npy, confidence.npy, embedding.npy, centers.npy and clusters.csv."""
    for name in ("labels", "confidence", "embedding", "centers"):
        np.save(folder / f"{name}.npy", getattr(outputs, name))
    write_csv(folder / "clusters.csv", outputs.labels, outputs.confidence, files)


def summarize(
    config: dict, data: dict, outputs: Outputs, trained: Trained, labels: np.ndarray | None
) -> dict[str, Any]:
    """Everything worth knowing about a run in one JSON object; scores only if labels were given."""
    last = {record["phase"]: record for record in trained.history}
    results: dict[str, Any] = {
        "epochs": {phase: record["epoch"] + 1 for phase, record in last.items()},
        "loss": {phase: record["loss"] for phase, record in last.items()},
        "cluster_sizes": np.bincount(outputs.labels, minlength=len(outputs.centers)).tolist(),
        "mean_confidence": float(np.mean(outputs.confidence)),
    }
    for name in ("selected", "change", "empty_clusters"):
        values = [record[name] for record in trained.history if name in record]
        if values:
            results[name] = values[-1]
    scoring = score(labels)
    if scoring is not None:
        results["scoring"] = scoring(outputs.labels)
    return {
        "config": config,
        "data": data,
        "results": results,
        "seconds": {phase: round(seconds, 1) for phase, seconds in trained.seconds.items()},
        "device": describe_device(),
        "versions": _versions(),
    }


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


def write_pictures(
    folder: Path,
    *,
    images: np.ndarray,
    outputs: Outputs,
    trained: Trained,
    labels: np.ndarray | None,
    label_names: tuple[str, ...] | None,
    stop_change: float | None,
    say: Callable[[str], None],
) -> None:
    """Draw the run; a picture that fails is told about and costs nothing else.

    Args:
        folder: made if absent.
        images: [n, ...] in [0, 1]; feature vectors are not drawn.
        outputs: of the run.
        trained: its history, and the embedding it started from.
        labels: for colours and the confusion matrix, or None.
        label_names: names of the classes, or None.
        stop_change: the stopping threshold, or None.
        say: told where a picture failed.
    """
    folder.mkdir(exist_ok=True)
    panels = {
        "pixels": images.reshape(len(images), -1),
        "embedding at the start": None,
        "embedding at the end": None,
    }
    panels["embedding at the end"] = outputs.embedding
    if trained.start_rows is not None:
        panels["embedding at the start"] = np.asarray(trained.start_rows["embedding"])
    panels = {name: points for name, points in panels.items() if points is not None}
    colours = {"labels": labels, "clusters": outputs.labels}
    pictures: dict[str, Callable[[Path], Any]] = {
        "losses": lambda path: plots.curves.losses(trained.history, path),
        "scores": lambda path: plots.curves.scores(trained.history, path, stop_change=stop_change),
        "pca": lambda path: plots.embedding.pca_panels(panels, path, **colours),
        "tsne": lambda path: plots.embedding.tsne(outputs.embedding, path, **colours),
        "typical": lambda path: plots.typical.most_typical(images, outputs.labels, outputs.confidence, path),
    }
    if labels is not None:
        pictures["confusion"] = lambda path: _confusion(labels, outputs.labels, label_names, path)
    for name, draw in pictures.items():
        try:
            draw(folder / f"{name}.png")
        except Exception as error:  # the clustering is worth more than its picture
            say(f"picture {name}.png could not be drawn: {error}")


def _confusion(labels: np.ndarray, clusters: np.ndarray, label_names: tuple[str, ...] | None, path: Path):
    table, classes, columns = metrics.matched_table(labels, clusters)
    names = [label_names[j] for j in classes] if label_names else [str(j) for j in classes]
    return plots.confusion.confusion(table, path, row_names=names, column_names=[str(k) for k in columns])


def _versions() -> dict[str, str]:
    packages = ("jaxcluster", "jax", "jaxlib", "flax", "optax", "numpy")
    return {"python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in packages
    }
