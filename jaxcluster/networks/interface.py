"""What an adversarial clustering algorithm sees of its networks: pure functions, and the context of a training pass."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

__all__ = ["Clusterer", "Context", "Discriminator", "Generator", "Networks", "Scores", "Variables"]

Array = jax.Array
Variables = dict[str, Any]  # {"params": nested dict of arrays, "stats": running statistics, maybe empty}


class Context(NamedTuple):
    """A pass in training mode: noise and dropout are drawn, and statistics are those of the batch."""

    key: Array  # of this pass; two passes of one step take two keys
    position: Array  # [b] int32, the samples' positions in the global batch: random draws belong to these
    valid: Array  # [b] bool; rows with False are padding and count nowhere
    axis_name: str | None = None  # the mapped axis that the batch is spread over
    noise: Array | float = 1.0  # factor on the discriminator's noise on images and on hidden layers


class Clusterer(NamedTuple):
    """Pure functions of the clusterer, x -> z. Without a context: running statistics, no noise, no dropout."""

    init: Callable[[Array], Variables]  # key -> variables
    apply: Callable[..., tuple[Array, Array, Any]]
    """(variables, x [b, ...], context=None) -> (logits [b, m], penultimate features [b, f], stats)."""


class Generator(NamedTuple):
    """Pure functions of the generator, z -> x."""

    init: Callable[[Array], Variables]
    apply: Callable[..., tuple[Array, Any]]
    """(variables, z [b, inputs], context=None) -> (images [b, *sample_shape], stats)."""


class Scores(NamedTuple):
    """The discriminator's logits for b pairs; a score that was not asked for is zero."""

    joint: Array  # [b], of the pair (z, x)
    image: Array  # [b], of x alone
    code: Array  # [b], of z alone


class Discriminator(NamedTuple):
    """Pure functions of the discriminator, (z, x) -> scores; it has no running statistics."""

    init: Callable[[Array], Variables]
    apply: Callable[..., Scores]
    """(variables, z [b, m], x [b, ...], context=None) -> scores."""


class Networks(NamedTuple):
    """The three networks of one family."""

    clusterer: Clusterer
    generator: Generator
    discriminator: Discriminator
