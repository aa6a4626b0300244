"""The registry of clustering methods: one folder each, blind to each other, and those of other packages.

A method is a `jaxcluster.protocol.Method`. It gets here in one of three ways: it is named in `_SHIPPED`, its package
has an entry point in the group "jaxcluster.algorithms", or a program calls `register`; the last two may go together.
`README.md` beside this file shows how to write one. Nothing is imported before it is asked for.
"""

import importlib
from importlib.metadata import EntryPoint, entry_points

from jaxcluster.protocol import Method

__all__ = ["get", "names", "register"]

GROUP = "jaxcluster.algorithms"

_SHIPPED = {
    "viewgraph": "jaxcluster.algorithms.viewgraph:METHOD",
    "aspc": "jaxcluster.algorithms.aspc:METHOD",
    "clustergan": "jaxcluster.algorithms.clustergan:METHOD",
    "dec": "jaxcluster.algorithms.dec:DEC",
    "idec": "jaxcluster.algorithms.dec:IDEC",
}
_registered: dict[str, Method] = {}


def names() -> tuple[str, ...]:
    """The names of all methods: first those of this package, then the others by alphabet."""
    others = {*_registered, *(point.name for point in entry_points(group=GROUP))} - set(_SHIPPED)
    return (*_SHIPPED, *sorted(others))


def get(name: str) -> Method:
    """Find a method by its name, the value of `config.algorithm`.

    Raises:
        ValueError: there is no such method, or its package cannot be imported, or offers something else.
    """
    known = str(name)  # a config may hold anything here, also what cannot be hashed
    if known in _registered:
        return _registered[known]
    if known in _SHIPPED:
        module, attribute = _SHIPPED[known].split(":")
        return getattr(importlib.import_module(module), attribute)
    for point in entry_points(group=GROUP):
        if point.name == known:
            return _loaded(point)
    raise ValueError(f"config.algorithm must be one of {', '.join(names())}, got {name!r}")


def register(method: Method) -> None:
    """Add a method for the rest of this process, before any entry point of its name; again, to replace it.

    Raises:
        ValueError: its name is that of a method of this package, or of one that another module has registered.
    """
    before = _registered.get(method.name)
    if method.name in _SHIPPED or (before and before.build.__module__ != method.build.__module__):
        raise ValueError(f"there is a method of the name {method.name!r} already; names are {', '.join(names())}")
    _registered[method.name] = method


def _loaded(point: EntryPoint) -> Method:
    where = f"the entry point {point.name} = {point.value}"
    try:
        method = point.load()
    except Exception as error:  # whatever somebody else's package raises when it is imported
        raise ValueError(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(method, Method) or method.name != point.name:
        found = f"a method named {method.name!r}" if isinstance(method, Method) else type(method).__name__
        raise ValueError(f"{where} must be a protocol.Method of that name, got {found}")
    return method
