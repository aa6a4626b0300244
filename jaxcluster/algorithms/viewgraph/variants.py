"""Variants of the view graph method: the default, and the parts that can be left out."""

from ml_collections import ConfigDict

__all__ = ["VARIANTS", "apply_variant"]

VARIANTS = {
    "default": "graph, partition, training with new labels",
    "ensemble": "five networks that vote",
    "without_views": "images are compared as they are, without warps",
    "fixed_labels": "the network learns the initial partition and never changes it",
    "no_selection": "after new labels all samples count",
}


def apply_variant(config: ConfigDict, name: str) -> ConfigDict:
    """Change the defaults to those of a variant.

    Args:
        config: the defaults; changed in place.
        name: one of `VARIANTS`.

    Returns:
        The config.

    Raises:
        ValueError: the name is unknown.
    """
    if name not in VARIANTS:
        raise ValueError(f"the variant must be one of {', '.join(VARIANTS)}, got {name!r}")
    if name == "ensemble":
        config.ensemble = 5
    elif name == "without_views":
        config.graph.views = 1
    elif name == "fixed_labels":
        config.train.relabel_after = config.train.relabel_vectors_after = 1.0
    elif name == "no_selection":
        config.train.selected = 1.0
    return config
