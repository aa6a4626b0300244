"""Command line: train a config, or cluster new images with what a run has fitted.

python -m jaxcluster.main --config=configs/aspc_digits.py [--workdir=DIR] [--config.FIELD=VALUE ...]
python -m jaxcluster.main --predict=FILE --workdir=DIR
"""

import importlib
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import jax
import numpy as np
from absl import app, flags, logging
from ml_collections import ConfigDict, config_flags

from jaxcluster import data, report
from jaxcluster.protocol import Algorithm, Outputs
from jaxcluster.runtime import checkpoint, epochs
from jaxcluster.runtime.progress import Reporter
from jaxcluster.runtime.signals import Interrupted, listen
from jaxcluster.runtime.trainer import TrainingError, train
from jaxcluster.runtime.workdir import WorkdirError, claim, read_identity, write_json

ALGORITHMS = {"aspc": "jaxcluster.algorithms.aspc"}

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "The config file, for example configs/aspc_mnist.py."
)
_WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "Folder of the run; empty or of the same run, which then continues. Default: runs/CONFIG-seedN.",
)
_PREDICT = flags.DEFINE_string(
    "predict", None, "An .npz or .npy file or a folder of images, to be clustered by the run in --workdir."
)


class UsageError(ValueError):
    """A command line that asks for nothing that can be done."""


def main(argv: list[str]) -> None:
    """Parse, build, run."""
    logging.set_verbosity(logging.ERROR)  # orbax narrates every save
    reporter = Reporter()
    try:
        if len(argv) > 1:
            raise UsageError(f"unexpected argument {argv[1]!r}; options are written --name=value")
        if _PREDICT.value is not None:
            predict(_PREDICT.value, _WORKDIR.value, reporter)
        else:
            cluster(_CONFIG.value, _workdir(), reporter)
    except (UsageError, data.DataError, WorkdirError, TrainingError, ValueError) as error:
        reporter.say(f"error: {error}")
        sys.exit(1 if isinstance(error, TrainingError) else 2)
    except Interrupted as interrupted:
        reporter.say(f"{interrupted}: saved. The same command goes on from here.")
        sys.exit(interrupted.exit_code)


def cluster(config: ConfigDict | None, workdir: Path, reporter: Reporter) -> None:
    """Train one config in one workdir and write its results there."""
    algorithm_room = _room(config)
    dataset = data.load(**config.data.to_dict(), report=reporter.say)
    algorithm_room.check(config, len(dataset.images))
    identity = {"config": config.to_dict(), "data": _fingerprint(dataset)}
    first_model = _first_model(config.init_from, algorithm_room, config)
    claim(workdir, identity)
    summary_file = workdir / "summary.json"
    if summary_file.exists():
        reporter.say(f"this run is complete; its results are in {workdir}")
        _say_results(json.loads(summary_file.read_text()), reporter)
        return
    reporter.say(f"{config.algorithm} on {dataset.name}: {_shape(dataset)}; workdir {workdir}")
    for remark in algorithm_room.remarks(config, dataset.images.shape[1:]):
        reporter.say(remark)
    algorithm = _build(algorithm_room, config, len(dataset.images), dataset.frame)
    with listen() as poll:
        trained = train(
            algorithm,
            dataset.images,
            seed=config.seed,
            workdir=workdir,
            reporter=reporter,
            poll=poll,
            first_model=first_model,
            score=report.score(dataset.labels),
            checkpoint_seconds=config.checkpoint_seconds,
        )
    outputs = _outputs(algorithm, trained.model, trained.rows)
    report.write_outputs(workdir, outputs, dataset.files)
    reporter.say("drawing pictures")
    report.write_pictures(
        workdir / "pictures",
        images=((dataset.images - np.float32(dataset.offset)) * np.float32(dataset.scale)),
        outputs=outputs,
        trained=trained,
        labels=dataset.labels,
        label_names=dataset.label_names,
        stop_change=config.finetune.tolerance if "finetune" in config else None,
        say=reporter.say,
    )
    summary = report.summarize(identity["config"], identity["data"], outputs, trained, dataset.labels)
    write_json(summary_file, summary)
    _say_results(summary, reporter)
    reporter.say(f"results: {workdir} (labels.npy, clusters.csv, summary.json, pictures/ and more)")


def predict(path: str, workdir: str | None, reporter: Reporter) -> None:
    """Cluster new images by what the run in `workdir` has fitted."""
    if workdir is None:
        raise UsageError("--predict needs --workdir, the folder of a finished run")
    identity = read_identity(Path(workdir))
    config, about = ConfigDict(identity["config"]), identity["data"]
    room = _room(config)
    frame = data.Frame(tuple(about["shape"]), about["offset"], about["scale"])
    dataset = data.load(path=path, like=frame, report=reporter.say, field="--predict")
    algorithm = _build(room, config, len(dataset.images), frame)
    last = algorithm.phases[-1]
    try:
        model = checkpoint.load_model(Path(workdir) / "model" / last.name)
    except FileNotFoundError as error:
        raise UsageError(
            f"--workdir {workdir}: its training has not finished; run its command again first"
        ) from error
    images = jax.device_put(dataset.images)
    rows = epochs.observe_all(
        jax.jit(last.observe), model, images, jax.random.key(config.seed), poll=lambda: None
    )
    folder = _new_folder(Path(workdir) / "predictions", dataset.name)
    report.write_outputs(folder, _outputs(algorithm, model, rows), dataset.files)
    reporter.say(f"{len(dataset.images)} samples clustered; results: {folder}")


def run() -> None:
    """Run the command line; mistakes in it get one sentence and exit code 2."""
    try:
        app.run(main, flags_parser=_parse)
    except KeyboardInterrupt:
        sys.exit(130)


def _parse(argv: list[str]) -> list[str]:
    try:
        return flags.FLAGS(argv)
    except (
        flags.Error,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        OSError,
        ImportError,
        SyntaxError,
    ) as error:
        print(f"error: {_one_sentence(error)}", file=sys.stderr)
        sys.exit(2)


def _one_sentence(error: Exception) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return " ".join(text.split())


def _room(config: ConfigDict | None):
    if config is None:
        raise UsageError("--config is missing, for example --config=configs/aspc_digits.py")
    name = config.get("algorithm")
    if name not in ALGORITHMS:
        raise UsageError(f"config.algorithm must be one of {', '.join(ALGORITHMS)}, got {name!r}")
    return importlib.import_module(ALGORITHMS[name])


def _workdir() -> Path:
    if _WORKDIR.value is not None:
        return Path(_WORKDIR.value)
    if _CONFIG.value is None:
        raise UsageError("--config is missing, for example --config=configs/aspc_digits.py")
    name = Path(flags.FLAGS["config"].config_filename).stem
    return Path("runs") / f"{name}-seed{_CONFIG.value.seed}"


def _build(room, config: ConfigDict, num_samples: int, frame: data.Frame) -> Algorithm:
    return room.build(
        config, num_samples=num_samples, sample_shape=frame.shape, offset=frame.offset, scale=frame.scale
    )


def _first_model(init_from: str, room, config: ConfigDict) -> dict[str, Any] | None:
    """What the first phase of another run has left."""
    if not init_from:
        return None
    folder = Path(init_from) / "model" / room.FIRST_PHASE
    try:
        return checkpoint.load_model(folder)
    except FileNotFoundError as error:
        raise UsageError(
            f"config.init_from={init_from}: no finished {room.FIRST_PHASE} phase there"
        ) from error


def _outputs(algorithm: Algorithm, model: dict[str, Any], rows: Any) -> Outputs:
    return Outputs(*(np.asarray(value) for value in jax.jit(algorithm.outputs)(model, rows)))


def _fingerprint(dataset: data.Dataset) -> dict[str, Any]:
    """What identifies the data: a run continues only on the same."""
    return {
        "samples": len(dataset.images),
        "shape": list(dataset.images.shape[1:]),
        "dtype": str(dataset.images.dtype),
        "checksum": zlib.crc32(np.ascontiguousarray(dataset.images).data),
        "offset": dataset.offset,
        "scale": dataset.scale,
    }


def _new_folder(parent: Path, name: str) -> Path:
    """Make parent/name, or name-2, name-3, ...: nothing is overwritten."""
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1


def _shape(dataset: data.Dataset) -> str:
    size = "x".join(str(s) for s in dataset.images.shape[1:])
    kind = "images" if dataset.images.ndim == 4 else "feature vectors"
    return (
        f"{len(dataset.images):,} {kind} of {size} ({'with' if dataset.labels is not None else 'no'} labels)"
    )


def _say_results(summary: dict[str, Any], reporter: Reporter) -> None:
    results = summary["results"]
    reporter.say(f"clusters of {', '.join(str(size) for size in results['cluster_sizes'])} samples")
    if results.get("empty_clusters"):
        reporter.say(f"warning: {int(results['empty_clusters'])} of the clusters are empty")
    if "scoring" in results:
        scores = "  ".join(f"{name.upper()} {value:.4f}" for name, value in results["scoring"].items())
        reporter.say(f"scoring only (against the labels that were given): {scores}")


if __name__ == "__main__":
    run()
