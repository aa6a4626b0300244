r"""Diversity by the l2,1 norm: hard weights with a reward for spreading over groups (Jiang et al., NIPS
2014).

In ascending order within a group, selecting the first j samples costs the sum of their l - lambda, less gamma
sqrt(j). The j-th adds l_j - lambda - gamma (sqrt(j) - sqrt(j - 1)), which grows with j as both parts do: so
select while it is negative,

    l_j < lambda + gamma / (sqrt(j) + sqrt(j - 1)).
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jaxcluster.spl.balanced import as_problem, prepare, sum_up
from jaxcluster.spl.checks import spoil
from jaxcluster.spl.select import largest_true, split_at

__all__ = ["diversity_weights"]


def diversity_weights(losses, groups, *, age, gamma, num_groups, mask=None, axis_name=None, return_info=False):
    r"""Select easy samples with a bonus that is largest for a group's first.

    $$\min_{v \in \{0,1\}^n} \sum_i v_i (l_i - \lambda) - \gamma \sum_k \sqrt{\sum_{i \in k} v_i^2},
    \qquad v_q = 1 \text{ if } l_q < \lambda + \frac{\gamma}{\sqrt q + \sqrt{q - 1}}$$

    for q = 1, 2, ... in ascending order of the losses within the group. The objective is concave in v, so
    allowing v in [0, 1] gains nothing.

    Args:
        losses: [n], floating point, in any unit; may be negative. Half precision is widened to float32.
        groups: [n] integers in [0, num_groups), in any order; groups may be empty.
        age: lambda, a scalar in the unit of the losses.
        gamma: >= 0, a scalar in the unit of the losses; 0 gives `hard_weights`. Another value of age or gamma
            compiles nothing new; for a sweep, vmap.
        num_groups: number of groups, a Python integer (it decides shapes).
        mask: [n] booleans, False for padding.
        axis_name: mapped axis over which samples are spread; see `balanced_weights`.
        return_info: also return a `BalancedInfo`; its threshold is that of the next sample of the group.

    Returns:
        Weights [n] in the losses' dtype, or `(weights, info)`. No gradient flows through them.

    Ties and limits:
        If j of m tied samples are to be selected, each has weight j / m, the mean over all choices, so that
        permuting samples permutes weights; the objective is counted as for a choice of j of them. Everything
        else as in `balanced_weights`.

    Reference:
        Jiang et al., "Self-paced learning with diversity", NIPS 2014.

    Differs from the paper in:
        ties, which are broken by order there.
    """
    losses, groups, age, gamma, num_groups, mask = as_problem(losses, groups, age, gamma, num_groups, mask)
    return _diversity(losses, groups, age, gamma, mask, num_groups, axis_name, return_info)


@partial(jax.jit, static_argnums=(5, 6, 7))
def _diversity(losses, groups, age, gamma, mask, num_groups, axis_name, return_info):
    losses, age, gamma = lax.stop_gradient((losses, age, gamma))
    dtype = losses.dtype
    _, safe_groups, keys = prepare(losses, groups, mask, num_groups)

    def worth(x, before):
        return x < age + _bonus(gamma, before.astype(dtype))

    border = largest_true(keys, safe_groups, num_groups, worth, dtype=dtype, axis_name=axis_name)
    # The last rank N with sqrt(N) + sqrt(N - 1) < gamma / (d - lambda) =: t has sqrt(N) < (t + 1/t) / 2.
    t = gamma / jnp.maximum(border.value - age, jnp.finfo(dtype).tiny)
    root = 0.5 * (t + 1 / jnp.maximum(t, 1))
    highest = jnp.asarray(border.tied, dtype)
    chosen = jnp.clip(jnp.ceil(root * root) - 1 - border.below.astype(dtype), 1, highest)
    chosen = jnp.where(border.value < age, highest, chosen).astype(jnp.int32)
    # Rounding may be off by one next to a whole number: the condition itself has the last word.
    chosen -= (chosen > 1) & ~worth(border.value, border.below + chosen - 1)
    chosen += (chosen < border.tied) & worth(border.value, border.below + chosen)
    chosen = jnp.where(border.tied > 0, chosen, 0)

    count = border.below + chosen
    mass = count.astype(dtype)
    share = chosen.astype(dtype) / jnp.maximum(border.tied, 1).astype(dtype)
    weights = split_at(border, keys, safe_groups, share)
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
        selected=border.below + jnp.where(chosen > 0, border.tied, 0),
        mass=mass,
        threshold=age + _bonus(gamma, mass),
        price=-gamma * jnp.sum(jnp.sqrt(mass)),
    )


def _bonus(gamma, before):
    """What the objective gains by one more sample where `before` are selected."""
    return gamma / (jnp.sqrt(before + 1) + jnp.sqrt(before))
