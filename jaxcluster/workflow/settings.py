"""The settings of a run, checked against the fields that its algorithm has; settings of older versions modernized."""

import math
from collections.abc import Iterator
from typing import Any

from ml_collections import ConfigDict

from jaxcluster import algorithms
from jaxcluster.algorithms.settings import modernize
from jaxcluster.protocol import Method

__all__ = ["UsageError", "check_fields", "completed", "field_at", "kind_of", "method_of", "settings_of"]


class UsageError(ValueError):
    """Invalid command-line arguments or config."""


def method_of(config: ConfigDict | None) -> Method:
    """The method that a config names.

    Raises:
        UsageError: there is no config, or no such method.
    """
    if config is None:
        raise UsageError("--config is missing, for example --config=aspc_digits")
    try:
        return algorithms.get(config.get("algorithm"))
    except ValueError as error:
        raise UsageError(str(error)) from error


def settings_of(config: dict[str, Any]) -> ConfigDict:
    """The settings of an earlier run: renamed fields have today's names, fields that are new have their defaults."""
    method = method_of(ConfigDict(config))
    known = method.defaults()
    known.update(modernize(config, method))
    return known


def completed(identity: dict[str, Any]) -> dict[str, Any]:
    """The identity of an earlier run with all the settings that there are now, see `settings_of`."""
    return identity | {"config": settings_of(identity["config"]).to_dict()}


def field_at(config: ConfigDict, name: str) -> Any:
    """Find a field by its dotted name.

    Raises:
        UsageError: there is none; the message lists those that there are.
    """
    value, path = config, "config"
    for part in name.split("."):
        if not isinstance(value, ConfigDict):
            raise UsageError(f"config.{name} is no field; {path} is {kind_of(value)}")
        if part not in value:
            raise UsageError(f"{path}.{part} is no field; {path} has {', '.join(sorted(value))}")
        value, path = value[part], f"{path}.{part}"
    return value


def kind_of(value: Any) -> str:
    """What a field's values must be, in words, by its default."""
    if isinstance(value, ConfigDict):
        return f"a group of fields ({', '.join(sorted(value))})"
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return kinds.get(type(value), "a tuple, for example '(500, 500, 2000)'")


def check_fields(config: ConfigDict, defaults: ConfigDict) -> None:
    """Refuse a config with unknown fields, missing fields, or values of another type.

    Raises:
        UsageError: with one sentence that names the field.
    """
    for name, _ in _leaves(config):
        field_at(defaults, name)
    given = dict(_leaves(config))
    for name, default in _leaves(defaults):
        if name not in given:
            raise UsageError(f"config.{name} is missing; start from the algorithm's get_config(), which sets it")
        value = given[name]
        whole = isinstance(default, float) and type(value) is int
        listed = isinstance(default, tuple) and isinstance(value, list)
        if type(value) is not type(default) and not whole and not listed:
            raise UsageError(f"config.{name} must be {kind_of(default)}, got {value!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"config.{name} must be finite, got {value}")


def _leaves(config: ConfigDict, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        if isinstance(value, ConfigDict):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value
