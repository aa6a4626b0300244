"""Cluster new samples by what a run has fitted."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxcluster import algorithms, data
from jaxcluster.files import workdir as workdirs
from jaxcluster.protocol import Algorithm, Outputs
from jaxcluster.runtime import epochs
from jaxcluster.runtime.feed import Feed
from jaxcluster.workflow.job import build, load_model
from jaxcluster.workflow.settings import check_settings, settings_of

__all__ = ["Fitted", "last_phase", "load_fitted", "outputs_of", "predict"]


class Fitted(NamedTuple):
    """What a run has fitted; plain dicts and NumPy arrays, so that it can be pickled."""

    config: dict[str, Any]
    frame: data.Frame
    """How the model sees a sample: its shape, and the scaling of the data that it was fitted on."""
    model: dict[str, Any]
    """Of the algorithm's last phase."""


def load_fitted(workdir: Path) -> Fitted:
    """Read what the finished run in a folder has fitted.

    Raises:
        WorkdirError: the folder holds no run.
        UsageError: the run has not finished, or its model is damaged.
    """
    identity = workdirs.read_identity(workdir)
    config, about = _settings(workdir, identity["config"]), identity["data"]
    frame = data.Frame(tuple(about["shape"]), about["offset"], about["scale"], about.get("transform"))
    fitted = Fitted(config.to_dict(), frame, {})
    model = load_model(
        workdir / "model" / last_phase(fitted),
        where=f"--workdir {workdir}",
        absent="its training has not finished; run its command again first",
    )
    return fitted._replace(model=model)


def _settings(workdir: Path, found: dict[str, Any]) -> ConfigDict:
    """The settings of a run, checked: they may be somebody else's, and decide what is allocated."""
    method = found.get("algorithm")
    if isinstance(method, str):
        try:
            algorithms.get(method)
        except ValueError as error:
            raise workdirs.WorkdirError(
                f"{workdir} is a run of {method!r}, which cannot be used here: {error}. Import the package that "
                "registers it, or install it"
            ) from error
    try:
        config = settings_of(found)
        check_settings(config)
    except ValueError as error:
        raise workdirs.WorkdirError(f"{workdir / 'config.json'} is damaged: {error}") from error
    return config


def predict(fitted: Fitted, dataset: data.Dataset) -> Outputs:
    """Cluster samples of the frame that the model was fitted on, on one device.

    Args:
        fitted: from a finished run.
        dataset: read with `like=fitted.frame`.

    Returns:
        `Outputs` as NumPy arrays.
    """
    config = settings_of(fitted.config)
    algorithm = build(config, len(dataset.images), fitted.frame)
    feed = Feed(dataset.images, jax.local_devices()[:1])
    observe = epochs.bind_observe(algorithm.phases[-1].observe, feed)
    features = epochs.observe_all(observe, feed, fitted.model, jax.random.key(config.seed), poll=lambda: None)
    return outputs_of(algorithm, fitted.model, features)


def outputs_of(algorithm: Algorithm, model: dict[str, Any], features: Any) -> Outputs:
    """What a user gets, as NumPy arrays."""
    return jax.tree.map(np.asarray, jax.jit(algorithm.outputs)(model, features))


def last_phase(fitted: Fitted) -> str:
    """Name of the phase that the model is of."""
    return build(settings_of(fitted.config), 1, fitted.frame).phases[-1].name
