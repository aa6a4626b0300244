"""Estimators: the methods of this package with scikit-learn's conventions.

    from jaxcluster import ViewGraph
    labels = ViewGraph(n_clusters=10).fit_predict(images)

An estimator is the settings of one method as constructor parameters; `fit` runs `jaxcluster.workflow`, as the command
line does, so that a folder which one of them leaves can be read by the other.
"""

from jaxcluster.estimator.base import DeepClusterer
from jaxcluster.estimator.loading import load
from jaxcluster.estimator.methods import ASPC, ClusterGAN, ViewGraph

__all__ = ["ASPC", "ClusterGAN", "DeepClusterer", "ViewGraph", "load"]
