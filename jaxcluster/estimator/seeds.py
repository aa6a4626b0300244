"""Several seeds, one result: which run is kept where no labels say which is best."""

from dataclasses import replace

import numpy as np

from jaxcluster import metrics
from jaxcluster.workflow import results
from jaxcluster.workflow.confident import all_labels

__all__ = ["kept_of", "most_agreeing"]


def kept_of(found: list[results.Result]) -> results.Result:
    """The run that is kept; where there are several its summary says by which agreements."""
    if len(found) == 1:
        return found[0]
    kept = found[most_agreeing(found)]
    seeds = [result.fitted.config["seed"] for result in found]
    figures = {"seeds": seeds, "agreement": agreements(found), "kept": kept.fitted.config["seed"]}
    return replace(kept, summary=kept.summary | {"n_init": figures})


def agreements(found: list[results.Result]) -> list[float]:
    """Of each run with the others: the mean of the normalized mutual information of their labels."""
    labels = [all_labels(result.outputs) for result in found]
    each = range(len(found))
    return [float(np.mean([metrics.nmi(labels[i], labels[j]) for j in each if j != i])) for i in each]


def most_agreeing(found: list[results.Result]) -> int:
    """The number of the run whose labels agree best with those of the others, see `DeepClusterer`."""
    agreement = agreements(found)
    losses = [result.history[-1]["loss"] if result.history else np.inf for result in found]
    return min(range(len(found)), key=lambda i: (-round(agreement[i], 9), losses[i]))
