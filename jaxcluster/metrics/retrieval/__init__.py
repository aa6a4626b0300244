"""Retrieval by binary codes: packed codes, exact Hamming ranking, precision@k, mAP and mAP@k, exact in ties.

A few dozen bits have a few dozen distances, so thousands of gallery items tie with each other, and a score
depends on the order that happens to be given to them. Here the default is the exact expectation over all
orders of the ties (`ties`), in float64 from two histograms a query; the order of the gallery is an option.
Relevant is what has the query's label.

As a command: ``python -m jaxcluster.metrics.retrieval --codes codes.npy --labels labels.npy``.
"""

from jaxcluster.metrics.retrieval.codes import binarize, hamming, pack, unpack
from jaxcluster.metrics.retrieval.ranking import histograms, ranked_relevance
from jaxcluster.metrics.retrieval.scoring import Scores, evaluate, per_query, split
from jaxcluster.metrics.retrieval.ties import average_precision, average_precision_at, precision_at

__all__ = [
    "Scores",
    "average_precision",
    "average_precision_at",
    "binarize",
    "evaluate",
    "hamming",
    "histograms",
    "pack",
    "per_query",
    "precision_at",
    "ranked_relevance",
    "split",
    "unpack",
]
