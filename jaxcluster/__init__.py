"""Deep clustering in JAX.

The standalone rooms are reached lazily, so that `import jaxcluster` brings jax and numpy and nothing else::

    from jaxcluster import spl
    weights = spl.hard_weights(losses, age=0.5)
"""

import importlib

__version__ = "0.1.0"

__all__ = ["augment", "clusterers", "hashing", "losses", "metrics", "networks", "spl"]


def __getattr__(name: str):
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
