"""Scores of clusterings and of binary codes against given labels; NumPy arrays in, Python floats out.

They serve scoring only: no phase of training, stopping, saving or predicting may need them. Importing this
room brings NumPy and nothing else (SciPy's assignment solver is imported where accuracy needs it).
"""

from jaxcluster.metrics import retrieval
from jaxcluster.metrics.clustering import accuracy, ari, contingency, evenness, match, matched_table, nmi
from jaxcluster.metrics.variety import variety

__all__ = ["accuracy", "ari", "contingency", "evenness", "match", "matched_table", "nmi", "retrieval", "variety"]
