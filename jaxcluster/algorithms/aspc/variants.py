"""Arms of experiments: the paper's setting, and `wide`, with more ways to vary an image than the paper has."""

from ml_collections import ConfigDict

__all__ = ["VARIANTS", "apply_variant"]

VARIANTS = ("paper", "wide")


def apply_variant(config: ConfigDict, name: str) -> ConfigDict:
    """Change the defaults to those of an arm.

    Args:
        config: as `get_config` gives it, which is the arm "paper"; changed in place.
        name: one of `VARIANTS`. "wide" stretches and shears images too, in both phases: handwriting differs in width
            and slant as much as in angle and place, so that more digits are variations of one another.

    Returns:
        The config.

    Raises:
        ValueError: the name is unknown.
    """
    if name not in VARIANTS:
        raise ValueError(f"an arm must be one of {', '.join(VARIANTS)}, got {name!r}")
    if name == "wide":
        config.augment.stretch = config.augment.shear = 0.15
    return config
