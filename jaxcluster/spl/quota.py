"""How strongly to balance: gamma from the share that each group should have at the start."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jaxcluster.spl.checks import as_losses, as_mask, as_num_groups, as_scalar, census, tally
from jaxcluster.spl.pace import whole
from jaxcluster.spl.select import largest_true, ordered_keys

__all__ = ["gamma_for_quota"]


def gamma_for_quota(losses, *, num_groups, fraction=0.01, rho=0.3, mask=None, axis_name=None):
    r"""Choose gamma so that a group which has filled its starting quota pays a set part of the losses'
    spread.

    $$2 \gamma \frac{p\, n}{c} = \rho\, (q_{99}(l) - q_1(l))$$

    A group's k-th sample pays 2 gamma (k - 1). At the start a group's even share is p n / c of c groups, so
    this price, not that of a whole cluster, must be comparable to the differences between losses; scaled by
    the cluster size it would be about nothing while few are selected, and easy groups would take all.

    Args:
        losses: [n], floating point, in any unit; may be negative. Half precision is widened to float32.
        num_groups: c, a Python integer.
        fraction: p, the fraction selected at the start, a scalar.
        rho: the balance, a scalar: 0.1 is loose, 0.3 moderate, 1 strict. Another value compiles nothing new.
        mask: [n] booleans, False for padding.
        axis_name: mapped axis over which samples are spread: gamma is that of the whole array.

    Returns:
        gamma, a scalar in the losses' dtype, unit of the losses per sample. No gradient flows through it.

    Ties and limits:
        The two quantiles are order statistics (no interpolation). Losses that are all equal, as at
        initialization, have no spread; a thousandth of their size (or 1 if that is 0 too) stands in, since
        with gamma > 0 any fraction can be selected and with gamma = 0 none. NaN and infinite losses are left
        out. With no valid sample gamma is NaN.

    Reference:
        Ghasedi Dizaji et al., CVPR 2019, Section 4: gamma is chosen from the losses so that training starts
        with 1 %.

    Differs from the paper in:
        the equation, which is ours: the paper states the aim without a formula.
    """
    losses = as_losses(losses)
    num_groups = as_num_groups(num_groups)
    fraction, rho = as_scalar(fraction, "fraction", losses), as_scalar(rho, "rho", losses)
    return _gamma(losses, fraction, rho, as_mask(mask, losses), num_groups, axis_name)


@partial(jax.jit, static_argnums=(4, 5))
def _gamma(losses, fraction, rho, mask, num_groups, axis_name):
    losses, fraction, rho = lax.stop_gradient((losses, fraction, rho))
    dtype = losses.dtype
    usable, _, _ = census(losses, mask)
    keys = ordered_keys(losses, usable)
    n = tally(usable, axis_name)

    def quantile(p):
        rank = jnp.minimum(whole(p, n), n - 1)
        return largest_true(keys, None, 1, lambda _, below: below <= rank, dtype=dtype, axis_name=axis_name).value[0]

    low, high = lax.map(quantile, jnp.asarray([0.01, 0.99], dtype))
    size = jnp.maximum(jnp.abs(low), jnp.abs(high))
    spread = jnp.maximum(high - low, 1e-3 * size)
    spread = jnp.where(spread > 0, spread, jnp.ones_like(spread))
    gamma = rho * spread * num_groups / (2 * fraction * n.astype(dtype))
    return jnp.where(n > 0, gamma, jnp.nan)
