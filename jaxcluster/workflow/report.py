"""What a run leaves behind: arrays, tables, the summary, a page and pictures."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from jaxcluster import metrics, plots
from jaxcluster.files import manifest, storage
from jaxcluster.files.parquet import write_parquet
from jaxcluster.files.workdir import write_csv, write_json, write_table
from jaxcluster.protocol import Algorithm, Outputs
from jaxcluster.workflow.page import write_page
from jaxcluster.workflow.summary import Finished, Scaled, describe_device, initial_labels, reliability_of, score

__all__ = ["draw", "say_results", "write_outputs", "write_pictures", "write_results"]

SIMILARITY_SAMPLES = 1000  # in the pictures of pairwise similarity


def write_results(workdir: Path, finished: Finished, outputs: Outputs, summary: dict[str, Any], *, drawn: bool) -> None:
    """Write all results but the pictures, which may take more memory than there is, and say if these are to come.

    After a kill while they are drawn the next start draws once more, and then the run is complete even if that one is
    killed as well. So a kill by chance costs no picture, and one that comes each time no result.

    Args:
        workdir: of the run.
        finished: the run.
        outputs: its outputs; unsure samples are labeled -1 where a `min_confidence` was given.
        summary: its figures, for summary.json.
        drawn: False if the pictures are still to come, see `draw`.
    """
    dataset = finished.dataset
    with manifest.sealing(workdir):
        write_outputs(workdir, outputs, dataset.sample_names, dataset.names_heading)
        storage.write_array(workdir / "initial_labels.npy", initial_labels(finished.initial))
        if dataset.skipped:
            write_table(workdir / "skipped.csv", ("file", "reason"), dataset.skipped)
        write_json(workdir / "summary.json", summary if drawn else summary | {"pictures": "being drawn"})


def draw(
    workdir: Path, finished: Finished, algorithm: Algorithm, summary: dict[str, Any], *, say: Callable[[str], None]
) -> None:
    """Draw the page and the pictures, see `write_results`; the summary then has the memory that they took."""
    with manifest.adding(workdir):
        write_page(workdir / "report.html", finished, summary, say=say)
        write_pictures(workdir / "pictures", finished, algorithm, say=say)
        summary["device"] |= describe_device()  # the most memory held, now with the pictures
        manifest.drop(workdir, "summary.json")
        write_json(workdir / "summary.json", summary)


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
    curve = reliability_of(finished)
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
