"""From a config and data to what a process needs to train: settings checked, algorithm built."""

import math
import os
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict, FrozenConfigDict

from jaxcluster import data
from jaxcluster.data.memory import memory
from jaxcluster.files import checkpoint, storage
from jaxcluster.protocol import Algorithm
from jaxcluster.runtime import devices
from jaxcluster.runtime.feed import choose_images_on
from jaxcluster.workflow.settings import UsageError, check_settings, method_of

__all__ = ["Devices", "Job", "build", "choose_devices", "load_model", "path_of", "prepare", "prepare_alike"]


class Devices(NamedTuple):
    """What a run computes on."""

    count: int = 0  # type: ignore[assignment]
    """Devices of each process; 0: all accelerators there are, or one CPU."""
    engine: str = "auto"
    """One of `runtime.devices.ENGINES`."""
    images_on: str = "auto"
    """One of `runtime.feed.PLACES`."""


class Job(NamedTuple):
    """What a process needs to train."""

    config: ConfigDict
    identity: dict[str, Any]
    """JSON data that decides the results: the config, and a fingerprint of the data."""
    dataset: data.Dataset
    algorithm: Algorithm
    first_model: dict[str, Any] | None
    """What the first phase of another run has left, with `config.init_from`."""
    devices: list[jax.Device]
    images_on: str
    remarks: list[str]


def prepare(
    config: ConfigDict, dataset: data.Dataset, *, device_list: list[jax.Device], images_on: str = "auto"
) -> Job:
    """Check the settings against the data and build the algorithm.

    Args:
        config: all settings of one method, see `settings.check_settings`.
        dataset: to be clustered.
        device_list: those that train.
        images_on: one of `feed.PLACES`.

    Raises:
        UsageError: the settings cannot work.
    """
    method = method_of(config)
    check_settings(config, len(dataset.images))
    algorithm = build(config, len(dataset.images), dataset.frame)
    _check_memory(algorithm, device_list)
    return Job(
        config=config,
        identity={"config": config.to_dict(), "data": _fingerprint(dataset)},
        dataset=dataset,
        algorithm=algorithm,
        first_model=_first_model(config.init_from, algorithm, method.shared_phase),
        devices=device_list,
        images_on=choose_images_on(images_on, dataset.images.nbytes, device_list),
        remarks=list(method.remarks(config, dataset.images.shape[1:])),
    )


def prepare_alike(config: ConfigDict, read: Callable[[], data.Dataset], devices: Devices) -> tuple[dict[str, Any], Job]:
    """The job of this process, with what all processes of a run must have in common, for `hosts.agree`.

    Raises:
        UsageError: the settings cannot work.
    """
    check_settings(config)  # before the data, which may take their time
    device_list = choose_devices(devices.count, devices.engine)
    job = prepare(config, read(), device_list=device_list, images_on=devices.images_on)
    common = {"--engine": devices.engine, "devices": len(device_list), "--images_on": job.images_on}
    return job.identity | common | {"version of jax": jax.__version__}, job


def build(config: ConfigDict, num_samples: int, frame: data.Frame) -> Algorithm:
    """Build the algorithm for samples of one frame.

    Raises:
        UsageError: its networks cannot take samples of this shape.
    """
    deciding = {name: value for name, value in config.items() if name not in _OF_THE_RUN}
    shape = (tuple(frame.shape), frame.offset, frame.scale)
    double = jax.config.jax_enable_x64
    try:
        return _built(method_of(config).build, FrozenConfigDict(deciding), num_samples, *shape, double)
    except ValueError as error:
        raise UsageError(f"config.network does not fit the data: {error}") from error


def _check_memory(algorithm: Algorithm, device_list: list[jax.Device]) -> None:
    """Refuse networks whose training state alone is larger than a device's memory, before anything is allocated.

    Raises:
        UsageError: with the bytes needed and there.
    """
    own = [device for device in device_list if device.process_index == jax.process_index()]
    limits = [(device.memory_stats() or {}).get("bytes_limit") for device in own]
    there = min([memory(), *(limit for limit in limits if limit)])
    for phase in algorithm.phases:
        state = phase.template() if phase.n_clusters is None else phase.template(1)
        size = sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
        if size > there:
            raise UsageError(
                f"config.network: the training state of phase {phase.name} needs {size / 2**30:,.1f} GiB, and there "
                f"are {there / 2**30:,.1f} GiB of memory; narrower layers need less"
            )


_OF_THE_RUN = ("seed", "init_from", "checkpoint_seconds", "data")  # settings that `Method.build` is not given


# Compiled programs belong to an algorithm's functions: the same algorithm again compiles nothing.
@lru_cache(maxsize=16)
def _built(build, settings, num_samples, sample_shape, offset, scale, double):
    del double
    return build(settings, num_samples=num_samples, sample_shape=sample_shape, offset=offset, scale=scale)


def choose_devices(count: int, engine: str) -> list[jax.Device]:
    """The devices that train, see `devices.choose`.

    Raises:
        UsageError: there are not so many, or the engine does not take so many.
    """
    try:
        chosen = devices.choose(count)
    except ValueError as error:
        raise UsageError(f"--devices {error}") from error
    except (RuntimeError, AssertionError) as error:  # JAX_PLATFORMS names what there is not here
        platforms = os.environ.get("JAX_PLATFORMS", "")
        reason = (str(error) or "no such platform").splitlines()[0]
        raise UsageError(f"JAX finds no device (JAX_PLATFORMS={platforms!r}): {reason}") from error
    if engine == "jit" and len(chosen) > 1:
        raise UsageError(f"--engine=jit takes one device, got {len(chosen)}; pmap and shard_map take several")
    return chosen


def path_of(name: str, where: str) -> Path:
    """The path of this name, local or in a bucket; `where` is what a message calls it.

    Raises:
        UsageError: no such path can be.
    """
    try:
        return storage.place(name)
    except (ValueError, RuntimeError) as error:  # RuntimeError: "~nobody", whose home there is not
        raise UsageError(f"{where}: {error}") from error


def load_model(folder: Path, *, where: str, absent: str) -> dict[str, Any]:
    """Read a model; `where` and `absent` are for the message if it cannot be read, or is not there.

    Raises:
        UsageError: it is not there, or damaged.
    """
    if not storage.is_folder(folder):
        raise UsageError(f"{where}: {absent}")
    try:
        return checkpoint.load_model(folder)
    except storage.WorkdirError as error:
        raise UsageError(f"{where}: {error}") from error


def _first_model(init_from: str, algorithm: Algorithm, shared_phase: str) -> dict[str, Any] | None:
    """What the first phase of another run has left, if it fits this one."""
    if not init_from:
        return None
    where = f"config.init_from={init_from}"
    if not shared_phase:
        raise UsageError(f"{where}: {algorithm.name} takes no model of another run; leave config.init_from empty")
    model = load_model(
        path_of(init_from, where) / "model" / shared_phase,
        where=where,
        absent=f"no finished {shared_phase} phase there",
    )
    phase = next(phase for phase in algorithm.phases if phase.name == shared_phase)
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
    } | ({} if dataset.transform is None else {"transform": dataset.transform})
