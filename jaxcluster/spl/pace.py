"""The pace: which age selects a given fraction of the samples (P1 Section 4: 1 % first, all by 3/4).

For hard weights that age is an order statistic. For balanced weights the sum of weights is a continuous,
piecewise linear, non-decreasing function of the age, so the age is a root, found between two bounds by Newton
and secant steps with bisection as a safeguard. Both use the counting search of `select`, so both work across
devices.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxcluster.spl.adaptive import extremes
from jaxcluster.spl.balanced import prepare, solve
from jaxcluster.spl.checks import (
    as_groups,
    as_losses,
    as_mask,
    as_num_groups,
    as_scalar,
    census,
    tally,
    total,
)
from jaxcluster.spl.select import decode, encode, largest_true, next_above, ordered_keys

__all__ = ["PaceInfo", "age_for_fraction"]

_MOST_STEPS = 200  # never reached: every third step halves the floats left, of which there are 2^64 at most


class PaceInfo(NamedTuple):
    """How well an age meets its fraction; scalars, over all devices."""

    mass: jax.Array  # sum of the weights at this age
    target: jax.Array  # fraction times valid
    valid: jax.Array  # int32, samples that could be selected: unmasked, with a finite loss, group id in range
    steps: jax.Array  # int32, evaluations of the sum; 0 for hard weights


def age_for_fraction(
    losses,
    fraction,
    *,
    groups=None,
    gamma=None,
    num_groups=None,
    mask=None,
    axis_name=None,
    return_info=False,
):
    r"""Find the age at which a given fraction of the samples is selected.

    Without groups, for `hard_weights`:

    $$\lambda = l_{(t+1)}, \quad t = \lfloor p\, n \rfloor$$

    the loss number t + 1 in ascending order, so that t samples lie below it. With groups and gamma, for
    `balanced_weights`: the age at which

    $$S(\lambda) = \sum_i v_i(\lambda) = p\, n.$$

    Args:
        losses: [n], floating point, in any unit; may be negative. Half precision is widened to float32.
        fraction: p in [0, 1], a scalar; clipped to that range. n is the number of valid samples: unmasked,
            with a finite loss and a group id in range. Another value of fraction or gamma compiles nothing
            new.
        groups: [n] integers in [0, num_groups), in any order, or None for hard weights.
        gamma: >= 0, a scalar, as in `balanced_weights`; only with groups.
        num_groups: number of groups, a Python integer; only with groups.
        mask: [n] booleans, False for padding.
        axis_name: mapped axis over which samples are spread: the age is that of the whole array.
        return_info: also return a `PaceInfo`.

    Returns:
        The age, a scalar in the dtype and unit of the losses, or `(age, info)`. No gradient flows through it.

    Ties and limits:
        Hard weights: no threshold divides tied losses, so the count is the largest not above p n that `loss <
        age` can give. A product p n within one rounding error below a whole number counts as that number. For
        everything the age is the next number above the largest loss.

        Balanced weights: gamma divides ties, and the sum meets p n as closely as the ages of that dtype
        allow: to about eps p n, or, where gamma is so small that neighboring ages differ by more, to the
        better of two neighbors. At gamma 0 the age is that for hard weights. At fraction 1 all weights are
        exactly 1, at fraction 0 exactly 0.

        With no valid sample the age is 0. A NaN fraction and a negative or NaN gamma give NaN.

        Cost: the hard age is one counting search, four passes over float32 losses. A balanced age evaluates the sum
        of weights repeatedly, one such search each: nine times in the median, seldom more than twenty (float32) or
        fifty (float64), never more than three times per bit of the dtype. `PaceInfo.steps` tells.

    Reference:
        Ghasedi Dizaji et al., CVPR 2019, Section 4 (the pace), Eq. 4 and Theorem 1 (the weights).

    Differs from the paper in:
        nothing; the paper states the fractions at the start and at 3/4 of training, this finds their ages.
    """
    losses = as_losses(losses)
    fraction, mask = as_scalar(fraction, "fraction", losses), as_mask(mask, losses)
    together = {"groups": groups, "gamma": gamma, "num_groups": num_groups}
    missing = [name for name, value in together.items() if value is None]
    if len(missing) == 3:
        age, info = _hard_age(losses, fraction, mask, axis_name)
    elif missing:
        given = [name for name in together if name not in missing]
        raise ValueError(f"balanced weights need {', '.join(missing)} beside {', '.join(given)}")
    else:
        groups, gamma = as_groups(groups, losses), as_scalar(gamma, "gamma", losses)
        num_groups = as_num_groups(num_groups)
        age, info = _balanced_age(losses, fraction, groups, gamma, mask, num_groups, axis_name)
    return (age, info) if return_info else age


@partial(jax.jit, static_argnums=3)
def _hard_age(losses, fraction, mask, axis_name):
    losses, fraction = lax.stop_gradient((losses, fraction))
    usable, _, _ = census(losses, mask)
    keys = ordered_keys(losses, usable)
    n = tally(usable, axis_name)
    wanted = whole(_clip(fraction), n)
    border = largest_true(keys, None, 1, lambda x, below: below <= wanted, dtype=losses.dtype, axis_name=axis_name)
    _, most = extremes(losses, usable, axis_name)
    everything = wanted >= n
    age = jnp.where(everything, next_above(most), border.value[0])
    age = jnp.where(n > 0, age, jnp.zeros_like(age))
    count = jnp.where(everything, n, border.below[0]).astype(losses.dtype)
    target = _clip(fraction) * n.astype(losses.dtype)
    return jnp.where(jnp.isnan(fraction), fraction, age), PaceInfo(count, target, n, jnp.int32(0))


def whole(fraction, n):
    """The largest whole number not above fraction * n, forgiving one rounding error; int32."""
    product = fraction * n.astype(fraction.dtype)
    return jnp.clip(jnp.floor(next_above(product)).astype(jnp.int32), 0, n)


def _clip(fraction):
    return jnp.clip(fraction, 0, 1)


@partial(jax.jit, static_argnums=(5, 6))
def _balanced_age(losses, fraction, groups, gamma, mask, num_groups, axis_name):
    losses, fraction, gamma = lax.stop_gradient((losses, fraction, gamma))
    dtype = losses.dtype
    usable, ids, keys = prepare(losses, groups, mask, num_groups)
    n = tally(usable, axis_name)
    target = _clip(fraction) * n.astype(dtype)
    whole_part = jnp.floor(target).astype(jnp.int32)
    eps = jnp.finfo(dtype).eps

    def excess(age):
        """Sum of weights less target, whole parts subtracted as integers, and the age of a Newton step."""
        border, rest = solve(keys, ids, num_groups, age, gamma, dtype, axis_name)
        counts = jnp.sum(border.below) - whole_part
        f = counts.astype(dtype) + (jnp.sum(rest) - (target - whole_part.astype(dtype)))
        growing = jnp.sum((rest > 0) & (rest < border.tied)).astype(dtype)  # each by 1 / (2 gamma)
        return f, age - 2 * gamma * f / growing

    # Nothing is selected at the smallest loss, all at the largest plus the price of the largest group's last
    # sample; a few roundings more make every weight exactly 1.
    least, most = extremes(losses, usable, axis_name)
    least, most = jnp.where(n > 0, least, 0), jnp.where(n > 0, most, 0)
    sizes = total(jax.ops.segment_sum(usable.astype(jnp.int32), ids, num_groups), axis_name)
    price = 2 * gamma * jnp.max(sizes).astype(dtype)
    top = next_above(most + price + 4 * eps * (jnp.abs(most) + price))
    top = jnp.fmin(top, jnp.finfo(dtype).max)  # fmin: above infinity there is only NaN

    close = eps * target

    def unfinished(state):
        low, high, f_low, f_high, _, _, step = state
        apart = encode(high) - encode(low) > 1
        return apart & (jnp.minimum(-f_low, f_high) > close) & (step < _MOST_STEPS)

    def shrink(state):
        low, high, f_low, f_high, newton, patience, step = state
        width = encode(high) - encode(low)
        # Newton or secant; where that is slow, halve the interval; where that is, halve the floats within it,
        # which ends in as many steps as a float has bits.
        secant = low + (high - low) * (f_low / (f_low - f_high))
        age = jnp.where((newton > low) & (newton < high), newton, secant)
        age = jnp.where(patience == 1, 0.5 * low + 0.5 * high, age)
        halfway = decode(encode(low) + width // 2, dtype)
        age = jnp.where((patience != 2) & (age > low) & (age < high), age, halfway)
        f, newton = excess(age)
        low, f_low = jnp.where(f <= 0, age, low), jnp.where(f <= 0, f, f_low)
        high, f_high = jnp.where(f <= 0, high, age), jnp.where(f <= 0, f_high, f)
        slow = encode(high) - encode(low) > width // 4
        return low, high, f_low, f_high, newton, jnp.where(slow, (patience + 1) % 3, 0), step + 1

    start = (least, top, -target, n.astype(dtype) - target, least, jnp.zeros_like(n), jnp.zeros_like(n))
    low, high, f_low, f_high, _, _, steps = lax.while_loop(unfinished, shrink, start)
    # At gamma 0 the sum jumps: not above the target, as for hard weights, but for a rounding error.
    lower = jnp.where(gamma > 0, -f_low <= f_high, f_high > close)
    age, mass = jnp.where(lower, low, high), target + jnp.where(lower, f_low, f_high)
    age = jnp.where(n > 0, age, jnp.zeros_like(age))
    age = jnp.where((gamma >= 0) & ~jnp.isnan(fraction), age, jnp.nan)
    return age, PaceInfo(mass, target, n, steps)
