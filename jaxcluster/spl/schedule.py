"""How far training is decides how much is selected: straight lines in the fraction or in the age (P1
Section 4).
"""

import jax
import jax.numpy as jnp

__all__ = ["linear_age", "linear_fraction"]


def linear_fraction(progress, *, start=0.01, end=1.0, full_at=0.75) -> jax.Array:
    r"""Let the selected fraction grow along a straight line, then stay.

    $$p(t) = p_0 + (p_1 - p_0) \min(1, t / t_1)$$

    Args:
        progress: t, the part of training that is done, from 0 to 1; any shape.
        start: p_0, the fraction at progress 0.
        end: p_1, the fraction from `full_at` on.
        full_at: t_1 > 0, the progress at which `end` is reached.

    Returns:
        The fraction for `age_for_fraction`, of the shape of `progress`.

    Ties and limits:
        From `full_at` on the value is exactly `end`. Negative progress counts as 0.

    Reference:
        Ghasedi Dizaji et al., CVPR 2019, Section 4: 1 % at first, all at 3/4 of training.

    Differs from the paper in:
        the straight line in the fraction; the paper's is in the age, see `linear_age`.
    """
    return _ramp(progress, start, end, full_at)


def linear_age(progress, *, start, end, full_at=0.75) -> jax.Array:
    r"""Let the age grow along a straight line, then stay.

    $$\lambda(t) = \lambda_0 + (\lambda_1 - \lambda_0) \min(1, t / t_1)$$

    Ages for the two ends come from `age_for_fraction`, say at 0.01 and at 1. Losses fall in training, so they
    are best computed anew each time; frozen ones admit everything long before `full_at`. For balanced weights
    the selected fraction is not linear in the age: it rises faster at first, as small groups are used up
    early.

    Args:
        progress: t, the part of training that is done, from 0 to 1; any shape.
        start: lambda_0, the age at progress 0, in the unit of the losses.
        end: lambda_1, the age from `full_at` on.
        full_at: t_1 > 0, the progress at which `end` is reached.

    Returns:
        The age, of the shape of `progress`.

    Ties and limits:
        From `full_at` on the value is exactly `end`. Negative progress counts as 0.

    Reference:
        Ghasedi Dizaji et al., CVPR 2019, Section 4: 1 % at first, all at 3/4 of training, linear in lambda.

    Differs from the paper in:
        nothing; how the two ages are found is left open there.
    """
    return _ramp(progress, start, end, full_at)


def _ramp(progress, start, end, full_at):
    part = jnp.clip(jnp.asarray(progress) / full_at, 0, 1)
    return jnp.where(part >= 1, end, start + (end - start) * part)
