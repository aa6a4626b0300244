"""From a config to what a process needs to train or to predict: settings checked, data read, algorithm built."""

import importlib
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxcluster import data
from jaxcluster.commandline import UsageError, check_fields
from jaxcluster.files import checkpoint, storage
from jaxcluster.protocol import Algorithm
from jaxcluster.runtime.feed import choose_images_on
from jaxcluster.runtime.progress import Reporter

__all__ = [
    "ALGORITHMS",
    "Job",
    "algorithm_of",
    "build",
    "completed",
    "load_model",
    "place_of",
    "prepare",
    "settings_of",
]

ALGORITHMS = {"aspc": "jaxcluster.algorithms.aspc", "clustergan": "jaxcluster.algorithms.clustergan"}


class Job(NamedTuple):
    """What a process needs to train."""

    identity: dict[str, Any]
    dataset: data.Dataset
    algorithm: Algorithm
    first_model: dict[str, Any] | None
    devices: list[jax.Device]
    place: str
    remarks: list[str]


def prepare(
    config: ConfigDict | None, reporter: Reporter, *, device_list: list[jax.Device], images_on: str
) -> tuple[dict[str, Any], Job]:
    """Check the settings, read the data, build the algorithm.

    Args:
        config: as the command line gives it.
        reporter: told about progress.
        device_list: those that train.
        images_on: one of `feed.PLACES`.

    Returns:
        (shared, job): what all processes must have in common, and the job.

    Raises:
        UsageError: the settings cannot work.
        DataError: the data cannot be used.
    """
    room = algorithm_of(config)
    check_fields(config, room.get_config())
    dataset = data.load(**config.data.to_dict(), report=reporter.say)
    try:
        room.check(config, len(dataset.images))
    except ValueError as error:
        raise UsageError(str(error)) from error
    algorithm = build(config, len(dataset.images), dataset.frame)
    first_model = _first_model(config.init_from, algorithm, room.FIRST_PHASE)
    place = choose_images_on(images_on, dataset.images.nbytes, device_list)
    identity = {"config": config.to_dict(), "data": _fingerprint(dataset)}
    remarks = list(room.remarks(config, dataset.images.shape[1:]))
    job = Job(identity, dataset, algorithm, first_model, device_list, place, remarks)
    return identity | {"--images_on": place, "version of jax": jax.__version__}, job


def algorithm_of(config: ConfigDict | None) -> ModuleType:
    """The room of the algorithm that a config names."""
    if config is None:
        raise UsageError("--config is missing, for example --config=configs/aspc_digits.py")
    name = config.get("algorithm")
    if name not in ALGORITHMS:
        raise UsageError(f"config.algorithm must be one of {', '.join(ALGORITHMS)}, got {name!r}")
    return importlib.import_module(ALGORITHMS[name])


def settings_of(config: dict[str, Any]) -> ConfigDict:
    """The settings of an earlier run; fields that there were not yet then have their defaults."""
    known = algorithm_of(ConfigDict(config)).get_config()
    known.update(config)
    return known


def completed(identity: dict[str, Any]) -> dict[str, Any]:
    """The identity of an earlier run with all the settings that there are now, see `settings_of`."""
    return identity | {"config": settings_of(identity["config"]).to_dict()}


def build(config: ConfigDict, num_samples: int, frame: data.Frame) -> Algorithm:
    """Build the algorithm for samples of one frame."""
    shape = {"sample_shape": frame.shape, "offset": frame.offset, "scale": frame.scale}
    try:
        return algorithm_of(config).build(config, num_samples=num_samples, **shape)
    except ValueError as error:  # networks that cannot take samples of this shape
        raise UsageError(f"config.network does not fit the data: {error}") from error


def place_of(name: str, where: str) -> Path:
    """The folder of this name; `where` is what a message calls it."""
    try:
        return storage.place(name)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from error


def load_model(folder: Path, *, where: str, absent: str) -> dict[str, Any]:
    """Read a model; `where` and `absent` are for the message if it cannot be read, or is not there."""
    if not storage.is_folder(folder):
        raise UsageError(f"{where}: {absent}")
    try:
        return checkpoint.load_model(folder)
    except Exception as error:  # whatever a damaged file makes a reader raise
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UsageError(f"{where}: the model in {folder} cannot be read ({reason})") from error


def _first_model(init_from: str, algorithm: Algorithm, first_phase: str) -> dict[str, Any] | None:
    """What the first phase of another run has left, if it fits this one."""
    if not init_from:
        return None
    where = f"config.init_from={init_from}"
    model = load_model(
        place_of(init_from, where) / "model" / first_phase,
        where=where,
        absent=f"no finished {first_phase} phase there",
    )
    phase = next(phase for phase in algorithm.phases if phase.name == first_phase)
    wanted, found = _shapes(jax.eval_shape(phase.model, phase.template())), _shapes(model)
    for name in wanted | found:
        if wanted.get(name) != found.get(name):
            raise UsageError(
                f"{where}: its network does not fit: {name} has shape {found.get(name, 'none')}, expected "
                f"{wanted.get(name, 'none')}; images and the widths of the autoencoder must agree"
            )
    return model


def _shapes(model: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    leaves = jax.tree_util.tree_leaves_with_path(model)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf.shape for path, leaf in leaves}


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
