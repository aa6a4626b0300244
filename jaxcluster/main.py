"""Command line: train a config, or cluster new images with what a run has fitted.

python -m jaxcluster.main --config=configs/aspc_digits.py [--workdir=DIR] [--config.FIELD=VALUE ...]
python -m jaxcluster.main --predict=FILE --workdir=DIR
"""

import io
import json
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import jax
import numpy as np
from absl import app, flags, logging
from ml_collections import ConfigDict, config_flags

from jaxcluster import data
from jaxcluster.commandline import UsageError, one_line, parse
from jaxcluster.files import storage
from jaxcluster.files.workdir import WorkdirError, claim, read_identity, write_json
from jaxcluster.protocol import Algorithm, Outputs
from jaxcluster.runtime import compilation, devices, epochs, hosts
from jaxcluster.runtime.feed import PLACES, Feed
from jaxcluster.runtime.progress import Reporter
from jaxcluster.runtime.signals import Interrupted, listen
from jaxcluster.runtime.trainer import TrainingError, train
from jaxcluster.workflow import report
from jaxcluster.workflow.job import Job, algorithm_of, build, completed, load_model, place_of, prepare, settings_of

_CONFIG = config_flags.DEFINE_config_file("config", None, "The config file, for example configs/aspc_mnist.py.")
_WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "Folder of the run; empty or of the same run, which then continues. Default: runs/CONFIG-seedN.",
)
_DEVICES = flags.DEFINE_integer(
    "devices", 0, "How many devices of each process train together; 0: all accelerators there are, or one CPU."
)
_ENGINE = flags.DEFINE_enum(
    "engine", "auto", devices.ENGINES, "What runs a step on devices; auto: jit on one, else pmap."
)
_IMAGES_ON = flags.DEFINE_enum(
    "images_on", "auto", PLACES, "Where the images lie; auto: on each device if they take at most half of its memory."
)
_DISTRIBUTED = flags.DEFINE_boolean(
    "distributed", False, "Train with the other hosts of this Cloud TPU slice, Slurm job or Kubernetes job."
)
_COORDINATOR = flags.DEFINE_string(
    "coordinator", None, "HOST:PORT of the first of several processes that train together."
)
_PROCESSES = flags.DEFINE_integer("processes", None, "How many processes train together, for --coordinator.")
_PROCESS = flags.DEFINE_integer("process", None, "Number of this process, from 0 on, for --coordinator.")
_PREDICT = flags.DEFINE_string(
    "predict", None, "An .npz or .npy file or a folder of images, to be clustered by the run in --workdir."
)


def run() -> None:
    """Run the command line; whatever is wrong with it or its data is told in one sentence."""
    app.run(main, flags_parser=parse)


def main(argv: list[str]) -> None:
    """Parse, build, run."""
    logging.set_verbosity(logging.FATAL)  # orbax narrates every save, and prints what it raises as well
    try:
        if len(argv) > 1:
            raise UsageError(f"unexpected argument {argv[1]!r}; options are written --name=value")
        compilation.enable_compilation_cache(Reporter().say)
        if _PREDICT.value is not None:
            predict(_PREDICT.value, _WORKDIR.value, Reporter())
        else:
            workdir = _workdir()
            _join()
            with hosts.broken_is_told():
                cluster(_CONFIG.value, workdir, Reporter() if hosts.is_primary() else Reporter(io.StringIO()))
    except (UsageError, data.DataError, WorkdirError) as error:
        _stop(f"error: {one_line(error)}", 2)
    except (TrainingError, hosts.HostError, OSError) as error:
        _stop(f"error: {one_line(error)}", 1)
    except Interrupted as interrupted:
        _stop(f"{interrupted}: saved. The same command goes on from here.", interrupted.exit_code)
    except KeyboardInterrupt:
        _stop("interrupted. The same command goes on from the last checkpoint.", 130)
    except Exception:
        if not hosts.is_multiprocess():
            raise
        _stop(traceback.format_exc(), 1)


def cluster(config: ConfigDict | None, workdir: Path, reporter: Reporter) -> None:
    """Train one config in one workdir and write its results there; together with the other processes, if there are."""
    job = hosts.agree(lambda: _prepare(config, reporter))
    summary = hosts.only_first(lambda: _claim(workdir, job.identity))
    if summary is not None:
        reporter.say(f"this run is complete; its results are in {workdir}")
        _say_results(summary, reporter)
        return
    dataset, algorithm = job.dataset, job.algorithm
    reporter.say(f"{config.algorithm} on {dataset.name}: {_shape(dataset)}; workdir {workdir}")
    for remark in (*job.remarks, *_placement(job)):
        reporter.say(remark)
    with listen() as poll:
        trained = train(
            algorithm,
            dataset.images,
            seed=config.seed,
            workdir=workdir,
            reporter=reporter,
            poll=poll,
            first_model=job.first_model,
            score=report.score(dataset.labels),
            checkpoint_seconds=config.checkpoint_seconds,
            device_list=job.devices,
            engine=_ENGINE.value,
            images_on=job.place,
        )
    hosts.leave()
    if not hosts.is_primary():
        return
    results = report.Results(
        dataset=dataset,
        trained=trained,
        outputs=_arrays(algorithm.outputs, trained.model, trained.rows),
        initial=_initial(algorithm, trained.start),
        generated=_generated(algorithm, trained.model, config.seed),
    )
    report.write_outputs(workdir, results.outputs, dataset.files)
    summary = job.identity | report.summarize(results)
    summary["device"] |= {"count": len(job.devices), "processes": jax.process_count()}
    _draw(workdir, results, algorithm, summary, reporter)
    _say_results(summary, reporter)
    reporter.say(f"results: {workdir} (labels.npy, clusters.csv, summary.json, pictures/ and more)")


def _prepare(config: ConfigDict | None, reporter: Reporter) -> tuple[dict[str, Any], Job]:
    """The job, with what all processes must have in common."""
    device_list = _devices()
    shared, job = prepare(config, reporter, device_list=device_list, images_on=_IMAGES_ON.value)
    return shared | {"--engine": _ENGINE.value, "devices": len(device_list)}, job


def _claim(workdir: Path, identity: dict[str, Any]) -> dict[str, Any] | None:
    """Take the workdir for this run; its summary if it is complete, see `_draw`."""
    claim(workdir, identity, complete=completed)
    summary = json.loads(storage.read_text(workdir / "summary.json") or "{}")
    return summary if summary and "pictures" not in summary else None


def _draw(
    workdir: Path, results: report.Results, algorithm: Algorithm, summary: dict[str, Any], reporter: Reporter
) -> None:
    """Draw the pictures, with the summary written before: they may take more memory than there is.

    After a kill in the middle the next start draws once more, and then the run is complete even if that one is killed
    as well. So a kill by chance costs no picture, and one that comes each time no result.
    """
    file = workdir / "summary.json"
    killed_before = storage.read_text(file) is not None
    write_json(file, summary if killed_before else summary | {"pictures": "being drawn"})
    reporter.say("drawing pictures")
    report.write_pictures(workdir / "pictures", results, algorithm, say=reporter.say)
    summary["device"] |= report.describe_device()  # the most memory held, now with the pictures
    write_json(file, summary)


def _placement(job: Job) -> list[str]:
    """What to say of devices and memory."""
    said = []
    if len(job.devices) > 1:
        kind, processes = job.devices[0].device_kind, jax.process_count()
        said.append(f"{len(job.devices)} devices ({kind}) in {processes} process{'es' if processes > 1 else ''}")
    if job.place == "host":
        said.append("the images stay on the host and are sent to the devices in windows (--images_on)")
    else:
        said.append(f"the images lie on {'each' if len(job.devices) > 1 else 'the'} device (--images_on)")
    return said


def _join() -> None:
    """Meet the other processes, if the command line says that there are any."""
    numbers = {"--coordinator": _COORDINATOR.value, "--processes": _PROCESSES.value, "--process": _PROCESS.value}
    missing = [name for name, value in numbers.items() if value is None]
    if len(missing) == len(numbers):
        if _DISTRIBUTED.value:
            hosts.join()
        return
    if missing:
        raise UsageError(f"{', '.join(missing)} missing; --coordinator, --processes and --process go together")
    if _DISTRIBUTED.value:
        raise UsageError("--distributed finds the other processes by itself; leave out --coordinator, or it")
    if not 0 <= _PROCESS.value < _PROCESSES.value:
        raise UsageError(f"--process must lie between 0 and {_PROCESSES.value - 1}, got {_PROCESS.value}")
    if not re.fullmatch(r".+:\d+", _COORDINATOR.value):
        raise UsageError(f"--coordinator must be HOST:PORT, got {_COORDINATOR.value!r}")
    hosts.join(*numbers.values())


def _stop(sentence: str, exit_code: int) -> NoReturn:
    """Say why, and leave."""
    number = f"process {jax.process_index()}: " if hosts.is_multiprocess() else ""
    print(f"{number}{sentence}", file=sys.stderr)
    hosts.abort(exit_code)


def predict(path: str, workdir: str | None, reporter: Reporter) -> None:
    """Cluster new images by what the run in `workdir` has fitted."""
    if not workdir:
        raise UsageError("--predict needs --workdir, the folder of a finished run")
    if _CONFIG.value is not None:
        reporter.say("--config is not looked at: --predict takes the settings of the run in --workdir")
    place = place_of(workdir, f"--workdir {workdir}")
    identity = read_identity(place)
    config, about = settings_of(identity["config"]), identity["data"]
    frame = data.Frame(tuple(about["shape"]), about["offset"], about["scale"])
    dataset = data.load(path=path, like=frame, report=reporter.say, field="--predict")
    algorithm = build(config, len(dataset.images), frame)
    last = algorithm.phases[-1]
    model = load_model(
        place / "model" / last.name,
        where=f"--workdir {workdir}",
        absent="its training has not finished; run its command again first",
    )
    feed = Feed(dataset.images, jax.local_devices()[:1])
    observe = epochs.bind_observe(last.observe, feed)
    rows = epochs.observe_all(observe, feed, model, jax.random.key(config.seed), poll=lambda: None)
    folder = storage.new_folder(place / "predictions", dataset.name)
    report.write_outputs(folder, _arrays(algorithm.outputs, model, rows), dataset.files)
    reporter.say(f"{len(dataset.images)} samples clustered; results: {folder}")


def _devices() -> list[jax.Device]:
    try:
        chosen = devices.choose(_DEVICES.value)
    except ValueError as error:
        raise UsageError(f"--devices {error}") from error
    if _ENGINE.value == "jit" and len(chosen) > 1:
        raise UsageError(f"--engine=jit takes one device, got {len(chosen)}; pmap and shard_map take several")
    return chosen


def _workdir() -> Path:
    if _WORKDIR.value:
        return place_of(_WORKDIR.value, f"--workdir {_WORKDIR.value}")
    if _WORKDIR.value is not None:
        raise UsageError("--workdir is empty; name a folder, or leave it out")
    algorithm_of(_CONFIG.value)
    file, _, arm = flags.FLAGS["config"].config_filename.partition(":")
    name = f"{Path(file).stem}-{arm}" if arm else Path(file).stem
    return Path("runs") / f"{name}-seed{_CONFIG.value.seed}"


def _arrays(outputs: Callable[..., Outputs], model: dict[str, Any], rows: Any) -> Outputs:
    return jax.tree.map(np.asarray, jax.jit(outputs)(model, rows))


def _initial(algorithm: Algorithm, start: dict[str, Any]) -> Outputs:
    """The outputs at the beginning, and the assignment that training began from if it is another than theirs."""
    outputs = _arrays(algorithm.start_outputs, start["model"], start["rows"])
    assignment = np.asarray(start.get("labels", outputs.labels))
    if len(np.unique(assignment)) == 1 or np.array_equal(assignment, outputs.labels):
        return outputs
    return outputs._replace(others={"assignment": assignment} | (outputs.others or {}))


def _generated(algorithm: Algorithm, model: dict[str, Any], seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    if algorithm.generate is None:
        return None
    return jax.tree.map(np.asarray, jax.jit(algorithm.generate)(model, jax.random.key(seed)))


def _shape(dataset: data.Dataset) -> str:
    size = "x".join(str(s) for s in dataset.images.shape[1:])
    kind = "images" if dataset.images.ndim == 4 else "feature vectors"
    return f"{len(dataset.images):,} {kind} of {size} ({'with' if dataset.labels is not None else 'no'} labels)"


def _say_results(summary: dict[str, Any], reporter: Reporter) -> None:
    results = summary["results"]
    reporter.say(f"clusters of {', '.join(str(size) for size in results['cluster_sizes'])} samples")
    empty = results["cluster_sizes"].count(0)
    if empty:
        reporter.say(f"warning: {empty} of the {len(results['cluster_sizes'])} clusters (config.n_clusters) are empty")
    variety = results.get("generated", {}).get("variety")
    if variety is not None:
        reporter.say(f"generated images of a cluster vary {variety:.1%} as much as its real ones")
    if "scoring" in results:
        scores = "  ".join(f"{name.upper()} {value:.4f}" for name, value in results["scoring"].items())
        reporter.say(f"scoring only (against the labels that were given): {scores}")


if __name__ == "__main__":
    run()
