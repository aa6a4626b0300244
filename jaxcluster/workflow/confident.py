"""Samples whose cluster is unsure get the label -1, as scikit-learn's HDBSCAN marks what it leaves out."""

import math
from typing import Any

import numpy as np

from jaxcluster.protocol import Outputs
from jaxcluster.workflow.settings import UsageError

__all__ = ["all_labels", "check_min_confidence", "given_min_confidence", "keep_confident"]


def check_min_confidence(value: Any) -> float:
    """The threshold as a number.

    Raises:
        UsageError: it is no number between 0 and 1.
    """
    number = not isinstance(value, bool | np.bool_) and isinstance(value, int | float | np.integer | np.floating)
    if not number or not math.isfinite(value) or not 0 <= value <= 1:
        raise UsageError(f"min_confidence must be a number between 0 and 1, got {value!r}")
    return float(value)


def given_min_confidence(summary: dict[str, Any] | None) -> float:
    """The threshold that a run was given, by its summary; 0 without one."""
    return ((summary or {}).get("results", {}).get("confident") or {}).get("min_confidence", 0.0)


def all_labels(outputs: Outputs) -> np.ndarray:
    """[n] the cluster of each sample, however unsure."""
    return (outputs.others or {}).get("all_labels", outputs.labels)


def keep_confident(outputs: Outputs, min_confidence: float) -> Outputs:
    """Label samples below a confidence with -1.

        labels_i = all_labels_i  if confidence_i >= min_confidence,  else -1

    Args:
        outputs: of a clustering, with such a threshold already or without.
        min_confidence: in [0, 1]; at 0 every sample keeps its cluster.

    Returns:
        The outputs with these labels; `others["all_labels"]` holds all of them, unless the threshold is 0.
    """
    full = all_labels(outputs)
    others = {name: values for name, values in (outputs.others or {}).items() if name != "all_labels"}
    if min_confidence == 0:
        return outputs._replace(labels=full, others=others or None)
    sure = np.asarray(outputs.confidence) >= min_confidence  # NaN is not sure
    labels = np.where(sure, full, -1).astype(np.int32)
    return outputs._replace(labels=labels, others={"all_labels": full} | others)
