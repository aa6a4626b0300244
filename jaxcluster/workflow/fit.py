"""Fit one config to one data set: train, or go on, and give and write the results."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxcluster import data
from jaxcluster.files import storage
from jaxcluster.files.workdir import take
from jaxcluster.protocol import Algorithm, Outputs
from jaxcluster.runtime import hosts
from jaxcluster.runtime.progress import Reporter
from jaxcluster.runtime.signals import Interrupted, interruption, listen
from jaxcluster.runtime.trainer import Trained, train
from jaxcluster.workflow import configs, corrections, report
from jaxcluster.workflow.confident import check_min_confidence, keep_confident
from jaxcluster.workflow.job import Devices, Job, path_of, prepare_alike
from jaxcluster.workflow.predict import Fitted, outputs_of
from jaxcluster.workflow.results import Result, read_result
from jaxcluster.workflow.settings import completed, settings_of
from jaxcluster.workflow.summary import Finished, confident_figures, score, summarize
from jaxcluster.workflow.verdict import judge

__all__ = ["fit", "read_named", "run"]


def fit(
    config: ConfigDict | dict[str, Any] | str,
    images: Any = None,
    labels: Any = None,
    *,
    workdir: str | Path | None = None,
    image_shape: tuple[int, ...] | None = None,
    devices: int = 0,
    callbacks: Sequence[Callable[[dict[str, Any]], Any]] = (),
    min_confidence: float | None = None,
    verbose: bool = True,
    pictures: bool = True,
) -> Result:
    """Cluster a data set as a config says.

        result = jaxcluster.fit("aspc_digits")
        result = jaxcluster.fit(config, images, workdir="runs/mine")

    Args:
        config: a `ConfigDict` with all settings of a method (`algorithms.aspc.get_config()` and so on), the same as a
            dict, or a config's name or path, with ":VARIANT" if wanted.
        images: [n, h, w], [n, h, w, c] or [n, d]; None: the data that `config.data` names.
        labels: [n], for scoring and for pictures only; they decide nothing.
        workdir: a folder (or gs:// path) for checkpoints and results; a run that was interrupted goes on from there,
            and one that is complete is read. None: nothing is written.
        image_shape: (h, w) or (h, w, c) of flat images [n, d].
        devices: how many of this process train together; 0: all accelerators there are, or one CPU.
        callbacks: each is called with the record of every epoch; one that returns True ends training early.
        min_confidence: samples whose confidence is below it are labeled -1; `outputs.others["all_labels"]` has all
            labels. None: 0, or what a complete run in the workdir was given. Training is the same for all values.
        verbose: whether progress is shown on stderr.
        pictures: whether pictures are drawn; only with a workdir.

    Returns:
        `Result`: `labels` [n], `confidence` [n], `embedding` [n, d], `centers` [k, d], `outputs` with probabilities
        where there are any, `initial` (the same before training), `history` (a record for each epoch), `summary`
        (figures, settings, seconds), and `predict(images)`.

    Raises:
        UsageError: the settings cannot work (a ValueError).
        DataError: the data cannot be used (a ValueError).
        WorkdirError: the workdir cannot take this run (a ValueError).
        TrainingError: a loss is not finite, or the algorithm reports a fault.
        Interrupted: Ctrl-C in a run with a workdir (a KeyboardInterrupt): its state is saved, and the same call goes
            on. Without a workdir Ctrl-C ends training early and what has been fitted so far is returned.
    """
    if isinstance(config, str):
        config = configs.load(config)
    config = settings_of(config.to_dict() if isinstance(config, ConfigDict) else config)
    reporter = Reporter() if verbose else Reporter.quiet()

    def read() -> data.Dataset:
        if images is None:
            return read_named(config, reporter, n_clusters=config.n_clusters or None)
        return data.from_arrays(
            images,
            labels,
            image_shape=image_shape,
            scaling=config.data.scaling,
            n_clusters=config.n_clusters or None,
            report=reporter.say,
        )

    folder = None if workdir is None else path_of(str(workdir), f"workdir {workdir}")
    return run(
        config,
        read,
        workdir=folder,
        devices=Devices(devices),
        reporter=reporter,
        callbacks=callbacks,
        min_confidence=min_confidence,
        pictures=pictures,
    )


def read_named(config: ConfigDict, reporter: Reporter, *, n_clusters: int | None = None) -> data.Dataset:
    """The data that a config names; `n_clusters` helps to choose how features are scaled, None: it is not known.

    Raises:
        DataError: they cannot be used.
    """
    return data.load(**config.data.to_dict(), n_clusters=n_clusters, report=reporter.say)


def run(
    config: ConfigDict,
    read: Callable[[], data.Dataset],
    *,
    workdir: Path | None,
    devices: Devices,
    reporter: Reporter,
    callbacks: Sequence[Callable[[dict[str, Any]], Any]] = (),
    min_confidence: float | None = None,
    pictures: bool = True,
) -> Result | None:
    """Train, or go on, and write the results; together with the other processes, if there are.

    Args:
        config: all settings of a method.
        read: gives the data.
        workdir: see `fit`.
        devices: what to compute on.
        reporter: told about progress.
        callbacks: see `fit`.
        min_confidence: see `fit`; another value than a complete run was given is written beside it as a correction.
        pictures: see `fit`.

    Returns:
        `Result`; None in all processes but the first.
    """
    least = None if min_confidence is None else check_min_confidence(min_confidence)
    job = hosts.agree(lambda: prepare_alike(config, read, devices))
    with contextlib.ExitStack() as held:
        if workdir is not None and hosts.only_first(
            lambda: take(workdir, job.identity, held, complete=completed, report=reporter.say)
        ):
            reporter.say(f"this run is complete; its results are in {workdir}")
            if not hosts.is_primary():
                return None
            found = read_result(workdir)
            result = found if least is None else found.at_confidence(least, job.dataset.labels)
            report.say_results(result.summary, reporter)
        else:
            _say_what(job, workdir, reporter)
            trained = _train(job, workdir, devices, reporter, callbacks)
            hosts.leave()
            return _finish(job, trained, workdir, reporter, pictures, least or 0.0) if hosts.is_primary() else None
    if least and least != found.min_confidence:
        corrections.reject(workdir, least, say=reporter.say)
    return result


def _train(job: Job, workdir: Path | None, devices: Devices, reporter: Reporter, callbacks: Sequence) -> Trained:
    with _listening(workdir) as (poll, stop):
        return train(
            job.algorithm,
            job.dataset.images,
            seed=job.config.seed,
            workdir=workdir,
            reporter=reporter,
            poll=poll,
            stop=stop,
            callbacks=callbacks,
            first_model=job.first_model,
            score=score(job.dataset.labels),
            checkpoint_seconds=job.config.checkpoint_seconds,
            device_list=job.devices,
            engine=devices.engine,
            images_on=job.images_on,
        )


@contextlib.contextmanager
def _listening(workdir: Path | None) -> Iterator[tuple[Callable[[], None], Callable[[], str]]]:
    """How signals are heard: with a workdir the state is saved and the run ends, without one training is cut short."""
    if workdir is None:
        with interruption() as stop:
            yield (lambda: None), stop
    else:
        try:
            with listen() as poll:
                yield poll, (lambda: "")
        except Interrupted as interrupted:
            interrupted.saved_in = str(workdir)
            raise


def _finish(
    job: Job, trained: Trained, workdir: Path | None, reporter: Reporter, pictures: bool, min_confidence: float
) -> Result:
    """Make the results, and write them if there is a workdir."""
    algorithm, dataset = job.algorithm, job.dataset
    finished = Finished(
        dataset=dataset,
        trained=trained,
        outputs=outputs_of(algorithm, trained.model, trained.rows),
        initial=_initial(algorithm, trained.start),
        generated=_generated(algorithm, trained.model, job.config.seed),
    )
    finished, verdict = judge(finished)
    summary = job.identity | summarize(finished)
    outputs = keep_confident(finished.outputs, min_confidence)
    summary["results"] |= verdict | confident_figures(outputs, min_confidence, dataset.labels)
    summary["device"] |= {"count": len(job.devices), "processes": jax.process_count()}
    if workdir is not None:
        drawn = not pictures or storage.exists(workdir / "summary.json")
        report.write_results(workdir, finished, outputs, summary, drawn=drawn)
        if pictures:
            reporter.say(f"labels are in {workdir}; drawing pictures")
            report.draw(workdir, finished, algorithm, summary, say=reporter.say)
    report.say_results(summary, reporter)
    if workdir is not None:
        reporter.say(f"results: {workdir} (report.html, labels.npy, clusters.csv and more)")
    return Result(
        outputs=outputs,
        initial=finished.initial,
        fitted=Fitted(job.config.to_dict(), dataset.frame, jax.tree.map(np.asarray, trained.model)),
        history=trained.history,
        summary=summary,
        workdir=workdir,
    )


def _initial(algorithm: Algorithm, start: dict[str, Any]) -> Outputs:
    """The outputs at the beginning, and the assignment that training began from if it is another than theirs."""
    outputs = outputs_of(algorithm._replace(outputs=algorithm.start_outputs), start["model"], start["rows"])
    assignment = np.asarray(start.get("labels", outputs.labels))
    if len(np.unique(assignment)) == 1 or np.array_equal(assignment, outputs.labels):
        return outputs
    return outputs._replace(others={"assignment": assignment} | (outputs.others or {}))


def _generated(algorithm: Algorithm, model: dict[str, Any], seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    if algorithm.generate is None:
        return None
    return jax.tree.map(np.asarray, jax.jit(algorithm.generate)(model, jax.random.key(seed)))


def _say_what(job: Job, workdir: Path | None, reporter: Reporter) -> None:
    """Report what is about to be trained, on what, and what the algorithm has to remark."""
    dataset = job.dataset
    size = "x".join(str(s) for s in dataset.images.shape[1:])
    kind = "images" if dataset.images.ndim == 4 else "feature vectors"
    labels = "with" if dataset.labels is not None else "no"
    shape = f"{len(dataset.images):,} {kind} of {size} ({labels} labels)"
    where = "" if workdir is None else f"; workdir {workdir}"
    reporter.say(f"{job.config.algorithm} on {dataset.name}: {shape}{where}")
    for remark in job.remarks:
        reporter.say(remark)
    several = len(job.devices) > 1
    if several:
        kind, processes = job.devices[0].device_kind, jax.process_count()
        reporter.say(f"{len(job.devices)} devices ({kind}) in {processes} process{'es' if processes > 1 else ''}")
    if job.images_on == "host":
        reporter.say("the samples stay on the host and are sent to the devices in windows (--images_on)")
    else:
        reporter.say(f"the samples lie on {'each' if several else 'the'} device (--images_on)")
