"""What a run gives, in memory and read back from its workdir."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from jaxcluster import data
from jaxcluster.files import checkpoint, manifest, storage
from jaxcluster.files.records import Metrics, read_records
from jaxcluster.files.workdir import WorkdirError, claim, read_summary, write_json
from jaxcluster.protocol import Outputs
from jaxcluster.runtime.signals import INTERRUPTED
from jaxcluster.workflow import report
from jaxcluster.workflow.confident import check_min_confidence, given_min_confidence, keep_confident
from jaxcluster.workflow.predict import Fitted, last_phase, load_fitted, predict
from jaxcluster.workflow.summary import confident_figures

__all__ = ["Result", "read_result", "write_result"]


@dataclass(frozen=True)
class Result:
    """A finished clustering."""

    outputs: Outputs
    """Labels, confidence, embedding, centers and more, NumPy arrays."""
    initial: Outputs | None
    """The same at the beginning of the algorithm's main phase; None for a run that was read from its workdir."""
    fitted: Fitted
    """What clusters new samples."""
    history: list[dict[str, Any]]
    """A record per epoch."""
    summary: dict[str, Any]
    """Config, data, figures, seconds, device, versions."""
    workdir: Path | None

    @property
    def labels(self) -> np.ndarray:
        """[n] int32; -1 below `min_confidence`."""
        return self.outputs.labels

    @property
    def confidence(self) -> np.ndarray:
        """[n] in [0, 1]; what it means is the algorithm's."""
        return self.outputs.confidence

    @property
    def embedding(self) -> np.ndarray:
        """[n, d]."""
        return self.outputs.embedding

    @property
    def centers(self) -> np.ndarray:
        """[k, d]."""
        return self.outputs.centers

    @property
    def min_confidence(self) -> float:
        """Samples below this confidence are labeled -1; 0: none."""
        return given_min_confidence(self.summary)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C has ended training early, in a run without a workdir."""
        return self.summary["results"].get("stopped", "") == INTERRUPTED

    def at_confidence(self, min_confidence: float, labels_true: np.ndarray | None = None) -> "Result":
        """The same clustering with another `min_confidence`; what lies in the workdir stays as it is.

        Args:
            min_confidence: samples below it are labeled -1; 0: none is.
            labels_true: [n] given labels, for scores on the samples that keep a cluster.
        """
        outputs = keep_confident(self.outputs, check_min_confidence(min_confidence))
        results = {name: value for name, value in self.summary["results"].items() if name != "confident"}
        results |= confident_figures(outputs, min_confidence, labels_true)
        return replace(self, outputs=outputs, summary=self.summary | {"results": results})

    def predict(self, images: Any) -> Outputs:
        """Cluster new samples by what was fitted; those below `min_confidence` are labeled -1.

        Args:
            images: of the shape that was fitted, in the same units.

        Raises:
            DataError: another shape, or numbers that are not finite.
        """
        outputs = predict(self.fitted, data.from_arrays(images, like=self.fitted.frame))
        return keep_confident(outputs, self.min_confidence)


def read_result(workdir: Path) -> Result:
    """Read what a finished run has left.

    Raises:
        WorkdirError: the folder holds no finished run.
    """
    fitted = load_fitted(workdir)
    manifest.verify(workdir, "")
    summary = read_summary(workdir)
    if summary is None:
        raise WorkdirError(f"--workdir {workdir}: its run has not finished; run its command again first")
    history = read_records(workdir / "metrics.jsonl")
    names = ("labels", "confidence", "embedding", "centers")
    arrays: dict[str, Any] = {name: storage.read_array(workdir / f"{name}.npy") for name in names}
    outputs = Outputs(**arrays)
    if storage.exists(workdir / "probabilities.npy"):
        outputs = outputs._replace(probabilities=storage.read_array(workdir / "probabilities.npy"))
    others = [name for name in ("all_labels", "network") if storage.exists(workdir / f"{name}.npy")]
    if others:
        outputs = outputs._replace(others={name: storage.read_array(workdir / f"{name}.npy") for name in others})
    return Result(outputs, None, fitted, history, summary, workdir)


def write_result(workdir: Path, result: Result) -> None:
    """Write a finished clustering to a folder, as a run with a workdir leaves it, but for checkpoints and pictures.

    Raises:
        WorkdirError: the folder cannot be written, or holds something else.
    """
    claim(workdir, {name: result.summary[name] for name in ("config", "data")})
    checkpoint.save_model(workdir / "model" / last_phase(result.fitted), result.fitted.model)
    lines = Metrics(workdir / "metrics.jsonl", keep=lambda record: False)
    for record in result.history:
        lines.add(record)
    lines.flush()
    lines.close()
    with manifest.sealing(workdir):
        report.write_outputs(workdir, result.outputs, None)
        write_json(workdir / "summary.json", result.summary)
