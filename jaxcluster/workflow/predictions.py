"""What --predict does: new samples are read, clustered by a finished run, and the result is written below it."""

from pathlib import Path
from typing import Any

import numpy as np

from jaxcluster import data
from jaxcluster.files import manifest, storage
from jaxcluster.files.workdir import read_summary
from jaxcluster.workflow import corrections, report
from jaxcluster.workflow.confident import check_min_confidence, given_min_confidence, keep_confident
from jaxcluster.workflow.export import check_exportable, export_folders
from jaxcluster.workflow.predict import load_fitted, predict

__all__ = ["cluster_file"]


def cluster_file(
    path: str, workdir: Path, reporter: Any, *, min_confidence: float | None = None, export: str = ""
) -> Path:
    """Cluster the samples of a file or folder by what the run in `workdir` has fitted.

    Args:
        path: of new samples, as `data.load` takes it.
        workdir: of a finished run.
        reporter: told what was done.
        min_confidence: samples below it are labeled -1; None: as the run was given it.
        export: one of `export.WAYS`, or empty: none.

    Returns:
        The new folder in workdir/predictions, of the name of `path`; NAME-2 and so on where that is there already.

    Raises:
        UsageError, DataError, WorkdirError: an argument, the samples or the run cannot be used.
    """
    fitted, summary = load_fitted(workdir), read_summary(workdir)
    least = given_min_confidence(summary) if min_confidence is None else check_min_confidence(min_confidence)
    dataset = data.load(path=path, like=fitted.frame, report=reporter.say, field="--predict")
    if export:
        check_exportable(dataset)
    outputs = keep_confident(predict(fitted, dataset), least)
    folder = storage.new_folder(workdir / "predictions", dataset.name)
    with manifest.sealing(folder):
        report.write_outputs(folder, outputs, dataset.sample_names, dataset.names_heading)
    if folder.name != dataset.name:
        _say_earlier(folder.parent / dataset.name, outputs.labels, reporter)
    if least:
        reporter.say(f"{np.mean(outputs.labels < 0):.1%} of them have a confidence below {least:g}: their label is -1")
    if export:
        export_folders(folder, dataset, outputs.labels, outputs.confidence, way=export, say=reporter.say)
    if storage.is_folder(workdir / "corrections"):
        now = corrections.current(workdir).folder
        reporter.say(f"predicted are the run's own clusters, without the corrections in {now}")
    if summary and summary["results"].get("kept") == "initial":
        reporter.say(
            "warning: predicted are the clusters of the trained network; the labels of the run itself are those from "
            "before training, which has made them worse"
        )
    reporter.say(f"{len(dataset.images)} samples clustered; results: {folder}")
    return folder


def _say_earlier(earlier: Path, labels: np.ndarray, reporter: Any) -> None:
    """Report where the first prediction of this name lies, and whether it has the same labels."""
    try:
        same = np.array_equal(storage.read_array(earlier / "labels.npy"), labels)
    except storage.StorageError:  # a kill has left it without
        same = False
    kind = "the same" if same else "other"
    reporter.say(f"a prediction of this name is there already, with {kind} labels: {earlier}")
