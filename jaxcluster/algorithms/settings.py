"""Settings as one table: each field's default, what is allowed and what it means; everything else follows from it.

A table is a nested dict whose leaves are `Field`s. `defaults` makes the config of it, `check` refuses what is not
allowed, `docs` explains the fields, and `modernize` translates the names of earlier versions.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ml_collections import ConfigDict

__all__ = [
    "Field",
    "Rule",
    "boolean",
    "changed",
    "check",
    "defaults",
    "docs",
    "meant",
    "modern_name",
    "modernize",
    "no_field",
    "number",
    "one_of",
    "share",
    "shown",
    "text",
    "tuple_of",
    "whole",
]

Table = Mapping[str, Any]  # name -> Field or Table
LONGEST_TEXT = 4096  # as long as a path may be
SHOWN = 100  # characters of a refused value


class Rule(NamedTuple):
    """What a value must be."""

    allowed: str
    """In words, to stand behind "must be"."""
    holds: Callable[[Any], bool]
    """Whether a value is allowed; it may be of any type."""


class Field(NamedTuple):
    """One setting."""

    default: Any
    rule: Rule
    doc: str
    """One line."""


def whole(low: int, high: int, because: str = "") -> Rule:
    """A whole number between two ends, which are allowed; `because` says why, where that is not plain."""
    words = f"a whole number between {low:,} and {high:,}"
    return Rule(
        f"{words}, {because}" if because else words,
        lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high,
    )


def number(low: float, high: float, *, above: bool = False, below: bool = False, unit: str = "") -> Rule:
    """A finite number between two ends; `above` excludes the lower end, `below` the upper one."""
    words = f"a number between {low:g} and {high:g}{f' {unit}' if unit else ''}"
    for end, excluded in ((low, above), (high, below)):
        words += f", {end:g} excluded" if excluded else ""

    def holds(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        # NaN is in no order; a whole number that no float can hold still has its place in it.
        return low <= value <= high and not (above and value == low) and not (below and value == high)

    return Rule(words, holds)


def share() -> Rule:
    """A number between 0 and 1."""
    return number(0, 1)


def one_of(*names: str) -> Rule:
    """One of a few texts."""
    return Rule(" or ".join(repr(name) for name in names), lambda v: isinstance(v, str) and v in names)


def text() -> Rule:
    """Any text that can be a name or a path, the empty one included."""
    words = f"a text of at most {LONGEST_TEXT:,} characters, none of them NUL"
    return Rule(words, lambda v: isinstance(v, str) and len(v) <= LONGEST_TEXT and "\0" not in v)


def boolean() -> Rule:
    """True or False, and not 0 or 1."""
    return Rule("true or false", lambda v: isinstance(v, bool))


def tuple_of(rule: Rule, what: str, *, empty: bool = False) -> Rule:
    """A tuple (or list) of values that each keep a rule; `what` names them, and `empty` allows none."""
    words = f"a tuple of {what}, each {rule.allowed}{', or ()' if empty else ''}"
    return Rule(words, lambda v: isinstance(v, tuple | list) and (empty or len(v) > 0) and all(map(rule.holds, v)))


def changed(table: Table, **values: Any) -> dict[str, Any]:
    """The same table with other defaults."""
    return {**table, **{name: table[name]._replace(default=value) for name, value in values.items()}}


def defaults(table: Table) -> ConfigDict:
    """The config in which every field has its default."""
    config = ConfigDict()
    for name, entry in table.items():
        config[name] = entry.default if isinstance(entry, Field) else defaults(entry)
    return config


def docs(table: Table) -> dict[str, str]:
    """Dotted name -> what the field means and what is allowed, in one line."""
    return {name: f"{field.doc} [{field.rule.allowed}]" for name, field in _leaves(table)}


def check(config: Mapping[str, Any], table: Table) -> None:
    """Refuse a config with a field that there is not, without one that there is, or with a value that is not allowed.

    Raises:
        ValueError: one sentence that names the field, what it got and what is allowed.
    """
    _refuse_unknown(config, table)
    given = dict(_leaves(config))
    for name, field in _leaves(table):
        if name not in given:
            raise ValueError(f"config.{name} is missing; start from the algorithm's get_config(), which sets it")
        if not field.rule.holds(given[name]):
            raise ValueError(f"config.{name} must be {field.rule.allowed}, got {shown(given[name])}")


def shown(value: Any) -> str:
    """A value as a message shows it: on one line, and not longer than a reader wants."""
    try:
        words = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # a number with thousands of digits, lists in lists in lists
        words = f"a value of type {type(value).__name__} that is too large to be shown"
    return words if len(words) <= SHOWN else words[:SHOWN] + "…"


def modern_name(name: str, renamed: Mapping[str, str]) -> str:
    """Today's dotted name of a field; `renamed` is `Method.renamed`."""
    return renamed.get(name, name)


def modernize(config: Mapping[str, Any], method: Any) -> dict[str, Any]:
    """Translate the names of fields and values that earlier versions of a method had.

    Args:
        config: nested settings, complete or not: of a run's config.json, or of a config file.
        method: `protocol.Method`, whose `renamed` holds old dotted name -> today's, and for values
            "today's name=old value" -> "today's name=today's value".

    Returns:
        The settings by their names of today, as a nested dict.

    Raises:
        ValueError: a field has been set by its old and by its new name, to different values; or a name goes beyond
            a field.
    """
    leaves, usual = dict(_leaves(config)), dict(_leaves(method.defaults()))
    found: dict[str, Any] = {name: value for name, value in leaves.items() if name not in method.renamed}
    for old, new in method.renamed.items():
        if old not in leaves:
            continue
        # An old config file starts from today's defaults, so that the new name is there with its default.
        if new in found and found[new] not in (leaves[old], usual.get(new)):
            raise ValueError(
                f"config.{old} is the old name of config.{new}; they must not differ, got {shown(leaves[old])} and "
                f"{shown(found[new])}"
            )
        found[new] = leaves[old]
    result: dict[str, Any] = {}
    for name, value in found.items():
        *path, last = name.split(".")
        group = result
        for part in path:
            group = group.setdefault(part, {})
            if not isinstance(group, dict):
                raise ValueError(f"config.{name} is no field: config.{name.removesuffix('.' + last)} is no group")
        now = method.renamed.get(f"{name}={value}") if isinstance(value, str) else None
        group[last] = now.split("=", 1)[1] if now else value
    return result


def _leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted name, value) of every field of a table or a config."""
    for name, value in tree.items():
        if isinstance(value, Mapping | ConfigDict) and value:  # an empty one may stand where a value should
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def no_field(path: str, name: str, known: Iterable[str]) -> str:
    """The sentence about a field that is not there: which there are, and which one may have been meant."""
    names = sorted(known)
    return f"{path}.{name} is no field; {path} has {', '.join(names)}{meant(name, names)}"


def meant(name: str, names: list[str]) -> str:
    """The end of such a sentence: a question if a known name is close to the given one, else nothing."""
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _refuse_unknown(config: Mapping[str, Any], table: Any, path: str = "config") -> None:
    for name, value in config.items():
        if name not in table:
            raise ValueError(no_field(path, name, table))
        is_group = not isinstance(table[name], Field)
        if isinstance(value, Mapping | ConfigDict) != is_group:
            kind = f"a group of fields ({', '.join(sorted(table[name]))})" if is_group else table[name].rule.allowed
            raise ValueError(f"{path}.{name} must be {kind}, got {shown(value)}")
        if is_group:
            _refuse_unknown(value, table[name], f"{path}.{name}")
