"""An age without hyper-parameters: the mean of the losses plus a growing share of their spread (P2
Eq. 10).
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jaxcluster.spl.checks import as_losses, as_mask, as_scalar, census, tally, total

__all__ = ["adaptive_age"]


def adaptive_age(losses, *, progress, mask=None, axis_name=None):
    r"""Set the age from mean, spread and progress.

    $$\lambda = \mu(l) + \frac{t}{T} \sigma(l)$$

    where the spread is the population standard deviation (division by n) of all losses.

    Args:
        losses: floating point, any shape, in any unit.
        progress: t / T, a scalar, 0 at the start and 1 at the end; not clipped. Another value compiles
            nothing new.
        mask: booleans of the losses' shape, False for padding.
        axis_name: mapped axis over which samples are spread: mean and spread are those of the whole array.

    Returns:
        The age, a scalar in the dtype and unit of the losses, for `hard_weights`. No gradient flows through
        it.

    Ties and limits:
        NaN and infinite losses are left out. With no loss left the age is NaN. If all losses are equal the
        spread is exactly 0 and the age exactly that loss, so `hard_weights`, which asks for a strictly
        smaller loss, selects nothing.

    Reference:
        Guo et al., TKDE 2019, Eq. 10.

    Differs from the paper in:
        nothing in the formula. The age itself need not grow, as mean and spread shrink in training; only the
        factor of the spread does.
    """
    losses = as_losses(losses, rank=None)
    progress, mask = as_scalar(progress, "progress", losses), as_mask(mask, losses)
    return _age(losses, progress, mask, axis_name)


@partial(jax.jit, static_argnums=3)
def _age(losses, progress, mask, axis_name):
    losses, progress = lax.stop_gradient((losses, progress))
    usable, _, _ = census(losses, mask)
    n = tally(usable, axis_name).astype(losses.dtype)
    least, most = extremes(losses, usable, axis_name)
    # In units of the range: equal losses have spread 0 exactly, and no square overflows.
    unit = jnp.where(most > least, most - least, jnp.ones((), losses.dtype))
    x = jnp.where(usable, (losses - least) / unit, jnp.zeros_like(losses))
    mean = total(jnp.sum(x), axis_name) / n
    deviation = jnp.where(usable, x - mean, jnp.zeros_like(x))
    spread = jnp.sqrt(total(jnp.sum(deviation * deviation), axis_name) / n)
    return jnp.where(n > 0, least + unit * (mean + progress * spread), jnp.nan)


def extremes(losses, usable, axis_name):
    """Smallest and largest usable loss over all devices; (inf, -inf) if there is none."""
    least = jnp.min(losses, where=usable, initial=jnp.inf)
    most = jnp.max(losses, where=usable, initial=-jnp.inf)
    if axis_name is None:
        return least, most
    return lax.pmin(least, axis_name), lax.pmax(most, axis_name)
