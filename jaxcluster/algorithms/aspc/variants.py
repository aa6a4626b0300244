"""Variants of ASPC-DA: the paper's setting, and `wide`, with more ways to vary an image than the paper has."""

from ml_collections import ConfigDict

__all__ = ["VARIANTS", "apply_variant"]

VARIANTS = {
    "paper": "the paper's setting, which is the default",
    "wide": "images are stretched and sheared, too, in both phases",
}


def apply_variant(config: ConfigDict, name: str) -> ConfigDict:
    """Change the defaults to those of a variant.

    Args:
        config: the defaults, which are the variant "paper"; changed in place.
        name: one of `VARIANTS`. "wide" is for handwriting, which differs in width and slant as much as in angle and
            place, so that more digits are variations of one another.

    Returns:
        The config.

    Raises:
        ValueError: the name is unknown.
    """
    if name not in VARIANTS:
        raise ValueError(f"the variant must be one of {', '.join(VARIANTS)}, got {name!r}")
    if name == "wide":
        config.augment.stretch = config.augment.shear = 0.15
    return config
