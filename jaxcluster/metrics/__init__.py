"""Scores of clusterings and of binary codes against given labels, and what can be told without any; NumPy only.

Scores serve scoring only: no phase of training, stopping, saving or predicting may need them. `diagnose`, `better_of`,
`neighbor_information`, `evenness` and `intra_cluster_diversity` use no labels. Importing this room brings NumPy and
nothing else (SciPy's assignment solver is imported where accuracy needs it).
"""

from jaxcluster.metrics import retrieval
from jaxcluster.metrics.better import Choice, better_of, edge_information, neighbor_information
from jaxcluster.metrics.calibration import Reliability, reliability
from jaxcluster.metrics.clustering import accuracy, ari, contingency, evenness, match, matched_table, nmi
from jaxcluster.metrics.diagnosis import Diagnosis, diagnose
from jaxcluster.metrics.diversity import intra_cluster_diversity

__all__ = [
    "Choice",
    "Diagnosis",
    "Reliability",
    "accuracy",
    "ari",
    "better_of",
    "contingency",
    "diagnose",
    "edge_information",
    "evenness",
    "intra_cluster_diversity",
    "match",
    "matched_table",
    "neighbor_information",
    "nmi",
    "reliability",
    "retrieval",
]
