"""The settings of a run, checked against the fields that its algorithm has; settings of older versions modernized."""

from typing import Any

from ml_collections import ConfigDict

from jaxcluster import algorithms
from jaxcluster.algorithms.settings import modernize, no_field
from jaxcluster.protocol import Method

__all__ = ["UsageError", "check_settings", "completed", "field_at", "kind_of", "method_of", "settings_of"]


ANY_NUMBER = 10**12  # more samples than there are settings for


class UsageError(ValueError):
    """Invalid command-line arguments or config."""


def method_of(config: ConfigDict | dict[str, Any] | None) -> Method:
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
    method = method_of(config)
    return ConfigDict(_filled(method.defaults().to_dict(), modernize(config, method)))


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
            raise UsageError(no_field(path, part, value))
        value, path = value[part], f"{path}.{part}"
    return value


def kind_of(value: Any) -> str:
    """What a field's values must be, in words, by its default."""
    if isinstance(value, ConfigDict):
        return f"a group of fields ({', '.join(sorted(value))})"
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return kinds.get(type(value), "a tuple, for example '(500, 500, 2000)'")


def check_settings(config: ConfigDict, num_samples: int = ANY_NUMBER) -> None:
    """Refuse settings that cannot work; before the data are read, those that cannot with any.

    Args:
        config: all settings of a method.
        num_samples: of the data, where they are known.

    Raises:
        UsageError: with one sentence that names the field.
    """
    method = method_of(config)
    try:
        method.check(config, num_samples)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _filled(defaults: Any, given: Any) -> Any:
    """The given settings, those that are not there from `defaults`; whether they may be what they are is not asked."""
    if isinstance(defaults, dict) and isinstance(given, dict) and (given or not defaults):
        return defaults | {name: _filled(defaults.get(name), value) for name, value in given.items()}
    if isinstance(defaults, tuple) and isinstance(given, list):  # JSON has no tuples
        return tuple(given)
    if isinstance(defaults, float) and type(given) is int and abs(given) < 2**53:
        return float(given)
    return given
