"""Clustering by a view graph: which images are small warps of one another is asked before any training.

One phase, `train`. It begins with the graph of nearest neighbors under fixed affine views (or, for feature vectors, of
shared neighbors) and the partition of that graph which the degree-corrected block model finds most likely. A classifier
then learns this partition in random views and corrects it: see `train`.
"""

from functools import partial

from jaxcluster.algorithms import settings
from jaxcluster.algorithms.viewgraph.algorithm import build
from jaxcluster.algorithms.viewgraph.defaults import FIELDS, check, remarks
from jaxcluster.algorithms.viewgraph.variants import VARIANTS, apply_variant
from jaxcluster.protocol import Method

__all__ = ["METHOD", "VARIANTS", "apply_variant", "build", "check", "get_config", "remarks"]

get_config = partial(settings.defaults, FIELDS)

METHOD = Method(
    name="viewgraph",
    summary="a graph of images under small warps, its most likely partition, and a classifier that learns it",
    defaults=get_config,
    check=check,
    remarks=remarks,
    build=build,
    variants=VARIANTS,
    apply_variant=apply_variant,
    docs=settings.docs(FIELDS),
)
