"""Constructor parameters of an estimator, checked and turned into what `workflow.fit.run` takes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from ml_collections import ConfigDict
from sklearn.utils import check_random_state

from jaxcluster import algorithms
from jaxcluster.workflow import configs
from jaxcluster.workflow.settings import UsageError, settings_of

__all__ = ["config_of", "count_of", "n_clusters_of", "seed_of"]

_WORDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a text", tuple: "a tuple"}


def config_of(estimator: Any) -> ConfigDict:
    """All settings: the method's defaults or `config`, then the variant, then the named parameters."""
    method = algorithms.get(estimator.algorithm)
    if isinstance(estimator.config, str):
        config = configs.load(estimator.config)
    else:
        given = estimator.config.to_dict() if isinstance(estimator.config, ConfigDict) else dict(estimator.config or {})
        config = settings_of({"algorithm": estimator.algorithm, **_nested(given)})
    if config.algorithm != estimator.algorithm:
        raise ValueError(
            f"config is one of {config.algorithm!r}; {type(estimator).__name__} needs {estimator.algorithm!r}"
        )
    if estimator.variant is not None:
        if method.apply_variant is None or str(estimator.variant).split("+")[0] not in method.variants:
            known = f"one of {', '.join(method.variants)}" if method.variants else "None, as there are no variants"
            raise ValueError(f"variant must be {known}, got {estimator.variant!r}")
        config = method.apply_variant(config, estimator.variant)
    for parameter, field in estimator._fields.items():
        value = getattr(estimator, parameter)
        if value is not None:
            _put(config, field, value, parameter)
    config.n_clusters = n_clusters_of(estimator.n_clusters)
    return config


def _put(config: ConfigDict, field: str, value: Any, parameter: str) -> None:
    group, _, name = field.rpartition(".")
    settings = config[group] if group else config
    try:
        settings[name] = value
    except TypeError as error:
        raise TypeError(f"{parameter} must be {_WORDS[type(settings[name])]}, got {value!r}") from error


def n_clusters_of(n_clusters: Any) -> int:
    """K as `config.n_clusters` has it: 0 for "auto"."""
    if n_clusters == "auto":
        return 0
    if isinstance(n_clusters, (bool, np.bool_)) or not isinstance(n_clusters, (int, np.integer)):
        raise TypeError(f"n_clusters must be a whole number, at least 1, or 'auto', got {n_clusters!r}")
    return int(n_clusters)


def count_of(n_init: Any) -> int:
    """How many seeds are trained."""
    if isinstance(n_init, bool) or not isinstance(n_init, (int, np.integer)) or n_init < 1:
        raise ValueError(f"n_init must be a whole number, at least 1, got {n_init!r}")
    return int(n_init)


def seed_of(random_state: Any) -> int:
    """The first seed."""
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _nested(given: Mapping[str, Any]) -> dict[str, Any]:
    """{"finetune.epochs": 20} as {"finetune": {"epochs": 20}}; nested dicts stay."""
    nested: dict[str, Any] = {}
    for name, value in given.items():
        if not isinstance(name, str):
            raise UsageError(f"config must have names of fields as keys, got {name!r}")
        group = nested
        *path, last = name.split(".")
        for part in path:
            group = group.setdefault(part, {})
        if isinstance(value, Mapping):
            group.setdefault(last, {}).update(value)
        else:
            group[last] = value
    return nested
