r"""Balanced self-paced weights: easy samples first, but from all groups alike (P1 Eq. 6 and Theorem 1).

The problem, for groups k with losses l and weights v:

$$\min_{v \in [0,1]^n} \sum_k \Big[ \sum_i v_{ki} (l_{ki} - \lambda) + \gamma (\sum_i v_{ki})^2 \Big]$$

It is convex and falls apart into groups. Write S for a group's sum of weights. The derivative with respect to
one weight is l - lambda + 2 gamma S, so the KKT conditions ask for

    v = 1 only where l <= lambda - 2 gamma S,
    v = 0 only where l >= lambda - 2 gamma S,
    0 < v < 1 only where l = lambda - 2 gamma S.

One threshold, lambda - 2 gamma S, divides a group: with losses in ascending order and no ties, all before
number q count fully, all after it not at all, and S = (q - 1) + v_q. If v_q is fractional, the third line
reads l_q = lambda - 2 gamma (q - 1 + v_q), hence

$$v_q = \frac{\lambda - l_q}{2\gamma} - (q - 1), \qquad
\text{and in all cases } v_q = \mathrm{clip}\Big(\frac{\lambda - l_q}{2\gamma} - (q - 1),\, 0,\, 1\Big).$$

The printed theorem says "- q" in its middle case, which is lambda - 2 gamma q <= l_q < lambda - 2 gamma (q -
1). There (lambda - l_q) / (2 gamma) lies in (q - 1, q], so the printed weight lies in (-1, 0]: outside [0,
1], or 0 where the KKT conditions ask for 1. Smallest counterexample: one sample, l = 1.5, lambda = 2, gamma =
1/2. Printed: -1/2. Right: 1/2, where the derivative 1.5 - 2 + 1/2 vanishes and the objective is -1/8; both v
= 0 and v = 1 give 0.

If m losses d are tied and c lie below, they enter together: S = c + r with r = clip((lambda - d) / (2 gamma)
- c, 0, m). Any division of r among them is optimal; r / m each is the only one that does not depend on their
order.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxcluster.spl.checks import (
    as_groups,
    as_losses,
    as_mask,
    as_num_groups,
    as_scalar,
    census,
    spoil,
    tally,
    total,
)
from jaxcluster.spl.select import Border, largest_true, ordered_keys, split_at

__all__ = ["BalancedInfo", "balanced_weights"]


class BalancedInfo(NamedTuple):
    """What a scheme with groups has to say beside its weights, over all devices."""

    selected: jax.Array  # [groups] int32, samples with a positive weight
    mass: jax.Array  # [groups] sum of the weights, the S of the theorem
    threshold: jax.Array  # [groups] losses below it count fully, above it not at all; lambda - 2 gamma S if balanced
    valid: jax.Array  # [groups] int32, samples that could be selected: unmasked, finite loss, id in range
    nan: jax.Array  # int32, unmasked samples whose loss is NaN
    infinite: jax.Array  # int32, unmasked samples whose loss is infinite
    outside: jax.Array  # int32, unmasked samples whose group id is not in [0, num_groups)
    objective: jax.Array  # value of the scheme's objective at the weights


def balanced_weights(losses, groups, *, age, gamma, num_groups, mask=None, axis_name=None, return_info=False):
    r"""Select easy samples with a price on every further sample of the same group.

    $$\min_{v \in [0,1]^n} \sum_i v_i (l_i - \lambda) + \gamma \sum_k \Big(\sum_{i \in k} v_i\Big)^2$$

    In ascending order within its group, sample q has weight clip((lambda - l_q) / (2 gamma) - (q - 1), 0, 1):
    the q-th sample of a group must be easier by 2 gamma (q - 1) than a first one. The derivation is in this
    module's docstring.

    Args:
        losses: [n], floating point, in any unit; may be negative. Half precision is widened to float32.
        groups: [n] integers in [0, num_groups), in any order; groups may be empty.
        age: the papers' lambda, a scalar in the unit of the losses.
        gamma: >= 0, a scalar, unit of the losses per sample; 0 gives `hard_weights`. Another value of age or
            gamma compiles nothing new; for a sweep, vmap.
        num_groups: number of groups, a Python integer (it decides shapes).
        mask: [n] booleans, False for padding.
        axis_name: mapped axis over which samples are spread: each device gets the weights that the whole
            array would have given its shard. Devices exchange 16 counts per group eight times (sixteen for
            float64; fewer counts, oftener, if shards are tiny), never a loss.
        return_info: also return a `BalancedInfo`.

    Returns:
        Weights [n] in the losses' dtype, or `(weights, info)`. No gradient flows through them.

    Ties and limits:
        Samples tied at a group's threshold share the remaining mass equally, so permuting samples permutes
        weights. At gamma 0 a loss equal to the age is not selected. Infinite losses of either sign are never
        selected. A NaN loss has a NaN weight and touches no other sample. A sample whose id is out of range
        has weight 0. Masked samples have weight 0, whatever they hold. A NaN age and a negative or NaN gamma
        make all other weights NaN. A loss smaller in size than the smallest normal number counts as zero.

        The fractional weight is as exact as lambda / gamma allows: it has an error of about eps lambda / (2
        gamma), which in float32 becomes a whole sample when groups reach 10 million selected ones.

    Reference:
        Ghasedi Dizaji et al., CVPR 2019, Eq. 6 and Theorem 1.

    Differs from the paper in:
        the middle case of the theorem, a misprint ("- q" for "- (q - 1)"); ties, which the paper leaves open.
    """
    losses, groups, age, gamma, num_groups, mask = as_problem(losses, groups, age, gamma, num_groups, mask)
    return _balanced(losses, groups, age, gamma, mask, num_groups, axis_name, return_info)


def as_problem(losses, groups, age, gamma, num_groups, mask):
    """The arguments of a scheme with groups, checked."""
    losses = as_losses(losses)
    return (
        losses,
        as_groups(groups, losses),
        as_scalar(age, "age", losses),
        as_scalar(gamma, "gamma", losses),
        as_num_groups(num_groups),
        as_mask(mask, losses),
    )


@partial(jax.jit, static_argnums=(5, 6, 7))
def _balanced(losses, groups, age, gamma, mask, num_groups, axis_name, return_info):
    losses, age, gamma = lax.stop_gradient((losses, age, gamma))
    _, safe_groups, keys = prepare(losses, groups, mask, num_groups)
    border, rest = solve(keys, safe_groups, num_groups, age, gamma, losses.dtype, axis_name)
    mass = border.below.astype(losses.dtype) + rest
    weights = split_at(border, keys, safe_groups, rest / jnp.maximum(border.tied, 1).astype(losses.dtype))
    spoiled = spoil(weights, losses, mask, ~jnp.isnan(age) & (gamma >= 0))
    if not return_info:
        return spoiled
    return spoiled, sum_up(
        weights,
        losses,
        groups,
        mask,
        num_groups,
        age,
        axis_name,
        selected=border.below + jnp.where(rest > 0, border.tied, 0),
        mass=mass,
        threshold=age - 2 * (gamma * mass),
        price=gamma * jnp.sum(mass * mass),
    )


def prepare(losses, groups, mask, num_groups) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Usable samples [n], their ids in range [n] int32 (0 for the others), and their ordered keys [n]."""
    usable, _, _ = census(losses, mask)
    usable &= (groups >= 0) & (groups < num_groups)
    return usable, jnp.where(usable, groups, 0).astype(jnp.int32), ordered_keys(losses, usable)


def solve(keys, groups, num_groups, age, gamma, dtype, axis_name) -> tuple[Border, jax.Array]:
    """Each group's border and the mass [groups] that the samples tied at it share."""
    # Halves throughout: the difference of two finite numbers could overflow, that of their halves cannot.

    def holds(x, below):
        return 0.5 * x + gamma * below.astype(dtype) < 0.5 * age

    border = largest_true(keys, groups, num_groups, holds, dtype=dtype, axis_name=axis_name)
    # The condition fails from the next value on: below the border all are in, above it none, at it some.
    rest = mass_of_tied(border.value, border.below.astype(dtype), border.tied.astype(dtype), age, gamma)
    return border, jnp.where(border.tied > 0, rest, jnp.zeros_like(rest))


def mass_of_tied(value, below, tied, age, gamma) -> jax.Array:
    """What `tied` samples of this value take in all where `below` others come before them: the theorem's clip."""
    shrink = jnp.where(gamma > 1, 0.25, 1).astype(gamma.dtype)  # the reciprocal of a huge gamma would be taken for 0
    room = shrink * (0.5 * age - 0.5 * value) / (shrink * jnp.where(gamma > 0, gamma, 1)) - below
    return jnp.where(gamma > 0, jnp.clip(room, 0, tied), tied)


def sum_up(
    weights, losses, groups, mask, num_groups, age, axis_name, *, selected, mass, threshold, price
) -> BalancedInfo:
    """The Info of a scheme with groups; `price` is what its objective adds to the weighted losses."""
    usable, ids, _ = prepare(losses, groups, mask, num_groups)
    _, nan, infinite = census(losses, mask)
    outside = (groups < 0) | (groups >= num_groups)
    gain = jnp.where(weights > 0, weights * (losses - age), jnp.zeros_like(losses))
    valid = jax.ops.segment_sum(usable.astype(jnp.int32), ids, num_groups)
    return BalancedInfo(
        selected=selected,
        mass=mass,
        threshold=threshold,
        valid=total(valid, axis_name),
        nan=tally(nan, axis_name),
        infinite=tally(infinite, axis_name),
        outside=tally(outside if mask is None else outside & mask, axis_name),
        objective=total(jnp.sum(gain), axis_name) + price,
    )
