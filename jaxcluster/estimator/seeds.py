"""Several seeds, one result: which run is kept where no labels say which is best."""

import numpy as np

from jaxcluster import metrics
from jaxcluster.workflow import results
from jaxcluster.workflow.confident import all_labels

__all__ = ["most_agreeing"]


def most_agreeing(found: list[results.Result]) -> int:
    """The number of the run whose labels agree best with those of the others, see `DeepClusterer`."""
    if len(found) == 1:
        return 0
    labels = [all_labels(result.outputs) for result in found]
    agreement = [
        np.mean([metrics.nmi(labels[i], labels[j]) for j in range(len(found)) if j != i]) for i in range(len(found))
    ]
    losses = [result.history[-1]["loss"] if result.history else np.inf for result in found]
    return min(range(len(found)), key=lambda i: (-round(float(agreement[i]), 9), losses[i]))
