"""Fitted estimators from the folders of finished runs."""

from pathlib import Path

import numpy as np

from jaxcluster.estimator.base import DeepClusterer
from jaxcluster.estimator.methods import ASPC, ClusterGAN, ViewGraph
from jaxcluster.workflow import results
from jaxcluster.workflow.job import path_of

__all__ = ["load"]

_ESTIMATORS = {"aspc": ASPC, "clustergan": ClusterGAN, "viewgraph": ViewGraph}


def load(folder: str | Path) -> DeepClusterer:
    """Read a fitted estimator from the folder of a finished run, started from Python or from the command line.

    Raises:
        WorkdirError: the folder holds no finished run (a ValueError).
    """
    result = results.read_result(path_of(str(folder), f"folder {folder}"))
    config = result.fitted.config
    common = {"n_clusters": config["n_clusters"] or "auto", "random_state": config["seed"], "config": config}
    common["min_confidence"] = result.min_confidence
    if config["algorithm"] in _ESTIMATORS:
        estimator = _ESTIMATORS[config["algorithm"]](**common)
    else:
        estimator = DeepClusterer(config["algorithm"], **common)
    estimator._keep(result)
    frame = result.fitted.frame
    about = frame.transform or {}
    estimator.n_features_in_ = int(about.get("n_features", np.prod(frame.shape)))
    names = about.get("names")
    if names:  # the columns of a data frame or a table, which new ones are compared with
        estimator.feature_names_in_ = np.asarray(names, object)
    return estimator
