"""Deep clustering in JAX.

Estimators with scikit-learn's conventions, and the pure functions that they are made of::

    from jaxcluster import ViewGraph
    labels = ViewGraph(n_clusters=10).fit_predict(images)

    from jaxcluster import spl
    weights = spl.hard_weights(losses, age=0.5)

Everything is reached lazily: `import jaxcluster` itself brings jax and numpy and nothing else.
"""

import importlib

__version__ = "0.2.0"

_ROOMS = ("augment", "clusterers", "data", "hashing", "losses", "metrics", "networks", "spl")
_NAMES = {
    "ASPC": "estimator",
    "ClusterGAN": "estimator",
    "DeepClusterer": "estimator",
    "ViewGraph": "estimator",
    "load": "estimator",
    "fit": "workflow.fit",
    "suggest_n_clusters": "workflow.suggest",
    "DataError": "data",
    "Interrupted": "runtime.signals",
    "TrainingError": "runtime.trainer",
    "UsageError": "workflow.settings",
    "WorkdirError": "files.storage",
}

__all__ = [*_ROOMS, *_NAMES]


def __getattr__(name: str):
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
