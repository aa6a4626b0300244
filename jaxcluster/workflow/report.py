"""What a run leaves behind: arrays, a table, a summary and pictures."""

import datetime
import importlib.metadata
import io
import math
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import jax
import numpy as np

import jaxcluster
from jaxcluster import metrics, plots
from jaxcluster.files import storage
from jaxcluster.files.parquet import write_parquet
from jaxcluster.files.workdir import write_csv
from jaxcluster.protocol import Algorithm, Outputs
from jaxcluster.runtime.trainer import Trained

__all__ = [
    "Finished",
    "Scaled",
    "describe_device",
    "initial_labels",
    "say_results",
    "score",
    "summarize",
    "write_outputs",
    "write_pictures",
]


SIMILARITY_SAMPLES = 1000  # in the pictures of pairwise similarity
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


def score(labels_true: np.ndarray | None) -> Callable[[np.ndarray], dict[str, float]] | None:
    """Function that scores an assignment against given labels, or None if there are none."""
    if labels_true is None:
        return None
    return lambda labels: {
        "acc": metrics.accuracy(labels_true, labels),
        "nmi": metrics.nmi(labels_true, labels),
        "ari": metrics.ari(labels_true, labels),
    }


def write_outputs(folder: Path, outputs: Outputs, names: tuple[str, ...] | None, heading: str = "file") -> None:
    """Write labels.npy, confidence.npy, embedding.npy, centers.npy, other assignments by name, and the tables.

    The tables have the names of the samples, where these have names, in a column with that heading.

    clusters.parquet is written where pyarrow is installed. It has no probabilities if the initial clustering is kept
    (`others["network"]`): they are those of the network's clusters, which are numbered in another way.
    """
    for name in ("labels", "confidence", "embedding", "centers"):
        storage.write_array(folder / f"{name}.npy", getattr(outputs, name))
    if outputs.probabilities is not None:
        storage.write_array(folder / "probabilities.npy", outputs.probabilities)
    for name, labels in (outputs.others or {}).items():
        storage.write_array(folder / f"{name}.npy", labels)
    write_csv(folder / "clusters.csv", outputs.labels, outputs.confidence, names, heading)
    probabilities = None if "network" in (outputs.others or {}) else outputs.probabilities
    write_parquet(folder / "clusters.parquet", outputs.labels, outputs.confidence, names, probabilities, heading)


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
    curve = _reliability(finished)
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


def initial_labels(initial: Outputs) -> np.ndarray:
    """The assignment that training began from."""
    return np.asarray((initial.others or {}).get("assignment", initial.labels))


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


def _reliability(finished: Finished) -> metrics.Reliability | None:
    """None without labels, and where the confidence is no probability: not that of the labels, or a distance."""
    outputs, true = finished.outputs, finished.dataset.labels
    if true is None or outputs.probabilities is None or "network" in (outputs.others or {}):
        return None
    return metrics.reliability(true, outputs.labels, outputs.confidence)


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


class Scaled:
    """A data set's samples in [0, 1], scaled when they are asked for: all of them may not fit in memory once more."""

    def __init__(self, dataset: Any):
        self._dataset = dataset
        self.shape = dataset.images.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return (self._dataset.images[rows] - np.float32(self._dataset.offset)) * np.float32(self._dataset.scale)


def write_pictures(folder: Path, finished: Finished, algorithm: Algorithm, *, say: Callable[[str], None]) -> None:
    """Draw the run; a picture that fails is told about and costs nothing else.

    Args:
        folder: made if absent.
        finished: the run; what cannot be drawn of it (typical images of feature vectors, say) is left out.
        algorithm: that was run.
        say: told where a picture failed.
    """
    storage.make_folder(folder)
    dataset, trained, outputs = finished.dataset, finished.trained, finished.outputs
    images, scoring = Scaled(dataset), score(dataset.labels)
    panels = {"pixels" if len(images.shape) == 4 else "features": images}
    panels["embedding at the start"] = finished.initial.embedding
    panels["embedding at the end"] = outputs.embedding
    colors = {"labels": dataset.labels, "clusters": outputs.labels}
    pictures: dict[str, Callable[[BinaryIO], Any]] = {
        "losses": lambda file: plots.curves.losses(trained.history, file),
        "scores": lambda file: plots.curves.scores(
            trained.history,
            file,
            initial=scoring and scoring(initial_labels(finished.initial)),
            stop_change=algorithm.stop_change,
        ),
        "pca": lambda file: plots.embedding.pca_panels(panels, file, **colors),
        "tsne": lambda file: plots.embedding.tsne(outputs.embedding, file, **colors),
        "typical": lambda file: plots.typical.most_typical(
            images, outputs.labels, outputs.confidence, file, n_clusters=len(outputs.centers)
        ),
    }
    if dataset.labels is not None:
        pictures["confusion"] = lambda file: _confusion(dataset.labels, outputs.labels, dataset.label_names, file)
    curve = _reliability(finished)
    if curve is not None:
        pictures["reliability"] = lambda file: plots.reliability.reliability(
            curve.confidence, curve.accuracy, curve.counts, file
        )
    if finished.generated is not None:
        drawn, clusters = finished.generated
        pictures["generated"] = lambda file: plots.samples.grid(
            drawn, file, clusters=clusters, title="generated images"
        )
    if algorithm.similarity is not None:
        pictures |= _similarities(algorithm.similarity, finished)
    for name, draw in pictures.items():
        try:
            picture = io.BytesIO()
            draw(picture)
            if picture.tell():  # there may be nothing to draw
                with storage.new_file(folder / f"{name}.png") as file:
                    file.write(picture.getvalue())
        except Exception as error:  # the clustering is worth more than its picture
            say(f"picture {name}.png could not be drawn: {error}")


def _confusion(labels: np.ndarray, clusters: np.ndarray, label_names: tuple[str, ...] | None, file: BinaryIO):
    table, classes, columns = metrics.matched_table(labels, clusters)
    names = [label_names[j] for j in classes] if label_names else [str(j) for j in classes]
    return plots.confusion.confusion(table, file, row_names=names, column_names=[str(k) for k in columns])


def _similarities(similarity: Callable, finished: Finished) -> dict[str, Callable[[BinaryIO], Any]]:
    """Pairwise similarities of a random subset, sorted by the final clusters, at the start and at the end."""
    some = np.random.default_rng(0).permutation(len(finished.outputs.labels))[:SIMILARITY_SAMPLES]
    clusters = finished.outputs.labels[some]
    matrices = {
        when: np.asarray(similarity(outputs.embedding[some]))
        for when, outputs in (("start", finished.initial), ("end", finished.outputs))
    }
    return {
        f"similarity_{when}": lambda file, when=when: plots.similarity.block_diagonal(
            matrices[when], file, clusters=clusters, title=f"pairwise similarity at the {when}"
        )
        for when in matrices
    }


def say_results(summary: dict[str, Any], reporter: Any) -> None:
    """Report the sizes of the clusters, what looks wrong, and the scores if there are labels."""
    results = summary["results"]
    confident = results.get("confident", {})
    reporter.say(f"clusters of {', '.join(str(size) for size in results['cluster_sizes'])} samples")
    for finding in results.get("findings", []):
        reporter.say(f"warning: {finding}")
    diversity = results.get("generated", {}).get("diversity")
    if diversity is not None:
        reporter.say(f"generated images of a cluster vary {diversity:.1%} as much as its real ones (diversity)")
    if confident:
        share, least = 1 - confident["share"], confident["min_confidence"]
        reporter.say(f"{share:.1%} of the samples have a confidence below {least:g}: their label is -1")
    if "scoring" in results:
        reporter.say(f"scoring only (against the labels that were given): {_in_words(results['scoring'])}")
    if "calibration" in results:
        error = results["calibration"]["ece"]
        reporter.say(f"scoring only: the confidence differs from the accuracy by {error:.3f} on average (ECE)")
    if "scoring" in confident:
        scores = _in_words(confident["scoring"])
        reporter.say(f"scoring only, on the {confident['share']:.1%} of the samples that keep a label: {scores}")


def _in_words(scores: dict[str, float]) -> str:
    return "  ".join(f"{name.upper()} {value:.4f}" for name, value in scores.items())


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
