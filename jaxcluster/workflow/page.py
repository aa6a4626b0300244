"""report.html of a finished run."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxcluster.files import storage
from jaxcluster.plots import page
from jaxcluster.workflow.confident import given_min_confidence, keep_confident
from jaxcluster.workflow.summary import Finished, Scaled, initial_labels

__all__ = ["write_page"]


def write_page(file: Path, finished: Finished, summary: dict[str, Any], *, say: Callable[[str], None]) -> None:
    """Write the run as one HTML file that can be sent round; a page that fails costs nothing else.

    Args:
        file: to write.
        finished: the run.
        summary: of the run, as in summary.json.
        say: told where the page failed.
    """
    try:
        text = page.render(_contents(finished, summary))
        with storage.new_file(file) as stream:
            stream.write(text.encode("utf-8"))
    except Exception as error:  # the clustering is worth more than its page
        say(f"{file.name} could not be written: {error}")


def _contents(finished: Finished, summary: dict[str, Any]) -> page.Contents:
    dataset, results = finished.dataset, summary["results"]
    outputs = keep_confident(finished.outputs, given_min_confidence(summary))
    images = Scaled(dataset)
    before = results["initial"].get("assignment", results["initial"])  # that training began from
    scores = {"final": results.get("scoring"), "initial": before.get("scoring")}
    from_shell = Path(sys.argv[0]).name in ("jaxcluster", "main.py", "__main__.py")
    return page.Contents(
        title=f"{summary['config']['algorithm']} on {dataset.name}",
        samples=images if len(images.shape) == 4 else dataset.images,
        labels=outputs.labels,
        confidence=outputs.confidence,
        embedding=outputs.embedding,
        centers=outputs.centers,
        findings=results["findings"],
        probabilities=outputs.probabilities,
        initial_labels=initial_labels(finished.initial),
        classes=dataset.labels,
        class_names=dataset.label_names,
        names=dataset.sample_names,
        feature_names=dataset.feature_names,
        scores=scores if all(scores.values()) else None,
        history=finished.trained.history,
        settings=summary["config"],
        command=" ".join(["jaxcluster", *sys.argv[1:]]) if from_shell else "",
        versions=summary["versions"],
        device=summary["device"],
        seconds=summary["seconds"],
    )
