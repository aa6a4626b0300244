"""`--config.FIELD=VALUE`: text from a command line becomes the value of a field, of the type that its default has."""

import ast
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from jaxcluster.algorithms.settings import shown
from jaxcluster.workflow.settings import UsageError, field_at, kind_of

__all__ = ["override"]

_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def override(config: ConfigDict, name: str, text: str, *, renamed: Mapping[str, str] = {}) -> None:
    """Set one field, in place; given twice, the last value counts.

    Args:
        config: to change.
        name: dotted name of the field, without "config.".
        text: as typed.
        renamed: old dotted name -> today's.

    Raises:
        UsageError: there is no such field, or the text is no value for it.
    """
    name = renamed.get(name, name)
    default = field_at(config, name)
    if isinstance(default, ConfigDict):
        raise UsageError(f"config.{name} must be {kind_of(default)}, got {shown(text)}; set one of the fields")
    group, _, last = name.rpartition(".")
    owner = field_at(config, group) if group else config
    try:
        owner[last] = _parse(name, text, default)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:  # the last two: ((((((
        raise UsageError(f"config.{name} must be {kind_of(default)}, got {shown(text)}") from error


def _parse(name: str, text: str, default: Any) -> Any:
    if isinstance(default, bool):
        if text.lower() not in _BOOLEANS:
            raise ValueError(text)
        return _BOOLEANS[text.lower()]
    if isinstance(default, int):
        # 0 stands for "found by the algorithm"; `check` of an algorithm that cannot refuses it.
        return 0 if name == "n_clusters" and text == "auto" else int(text)
    if isinstance(default, float):
        return float(text)
    if isinstance(default, str):
        return text
    value = ast.literal_eval(text)
    if name == "data.size" and isinstance(value, int):
        value = (value, value)
    if not isinstance(value, (tuple, list)):
        raise ValueError(text)
    return tuple(value)
