"""Hard weights: a sample counts fully if its loss is below the age, otherwise not at all (P1 Eq. 4, P2
Eq. 3 and 4).
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxcluster.spl.checks import as_losses, as_mask, as_scalar, census, spoil, tally, total

__all__ = ["WeightsInfo", "hard_weights"]


class WeightsInfo(NamedTuple):
    """What a scheme without groups has to say beside its weights; scalars, over all devices."""

    selected: jax.Array  # int32, samples with a positive weight
    mass: jax.Array  # sum of the weights
    valid: jax.Array  # int32, samples that could be selected: unmasked, with a finite loss
    nan: jax.Array  # int32, unmasked samples whose loss is NaN
    infinite: jax.Array  # int32, unmasked samples whose loss is infinite
    objective: jax.Array  # of the scheme, at the weights, counted so that zero weights give 0


def hard_weights(losses, *, age, mask=None, axis_name=None, return_info=False):
    r"""Select the samples whose loss is below the age.

    The weights solve

    $$\min_{v \in [0,1]^n} \sum_i v_i l_i - \lambda \sum_i v_i,
    \qquad v_i = 1 \text{ if } l_i < \lambda, \text{ else } 0.$$

    Args:
        losses: floating point, any shape, in any unit; may be negative. Half precision is widened to float32.
        age: the papers' lambda, a scalar in the unit of the losses. Another value compiles nothing new; for a
            sweep, vmap.
        mask: booleans of the losses' shape, False for padding.
        axis_name: mapped axis over which samples are spread; only the numbers in the Info need it.
        return_info: also return a `WeightsInfo`.

    Returns:
        Weights of the losses' shape and dtype, or `(weights, info)`. No gradient flows through them.

    Ties and limits:
        A loss equal to the age is not selected. Infinite losses of either sign are never selected, at an
        infinite age neither. A NaN loss has a NaN weight, and no other sample's weight changes by it. Masked
        samples have weight 0, whatever their loss. A NaN age makes all other weights NaN.

    Reference:
        Ghasedi Dizaji et al., CVPR 2019, Eq. 4; Guo et al., TKDE 2019, Eq. 4.

    Differs from the paper in:
        nothing; infinite and NaN losses are not considered there.
    """
    losses = as_losses(losses, rank=None)
    age, mask = as_scalar(age, "age", losses), as_mask(mask, losses)
    return _hard(losses, age, mask, axis_name, return_info)


@partial(jax.jit, static_argnums=(3, 4))
def _hard(losses, age, mask, axis_name, return_info):
    losses, age = lax.stop_gradient((losses, age))

    def solve(x):
        return (x < age).astype(x.dtype), -age

    return weigh(losses, mask, solve, ~jnp.isnan(age), axis_name, return_info)


def weigh(losses, mask, solve, sound, axis_name, return_info):
    """Apply an elementwise scheme to the samples that can be weighed, and sum up.

    `solve(losses)` returns the weights and, per unit of weight, what the objective adds to the loss; `sound`
    is False where the scheme's parameters lie outside its domain.
    """
    usable, nan, infinite = census(losses, mask)
    safe = jnp.where(usable, losses, jnp.zeros_like(losses))
    weights, extra = solve(safe)
    weights = jnp.where(usable, weights, jnp.zeros_like(weights))
    spoiled = spoil(weights, losses, mask, sound)
    if not return_info:
        return spoiled
    objective = jnp.sum(jnp.where(weights > 0, weights * (safe + extra), jnp.zeros_like(weights)))
    return spoiled, WeightsInfo(
        selected=tally(weights > 0, axis_name),
        mass=total(jnp.sum(weights), axis_name),
        valid=tally(usable, axis_name),
        nan=tally(nan, axis_name),
        infinite=tally(infinite, axis_name),
        objective=total(objective, axis_name),
    )
