"""Soft schemes for comparison: weights that fall gradually with the loss instead of jumping from 1 to 0.

Each adds a regularizer g to the weighted losses and minimizes v l + g(v) over v in [0, 1], one sample at a
time. All are non-increasing in the loss; linear and mixture weights are non-decreasing in the age,
logarithmic ones are not (see there). All were checked against their own objective by a dense search over v
(tests/spl/test_soft.py).
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jaxcluster.spl.checks import as_losses, as_mask, as_scalar
from jaxcluster.spl.hard import weigh

__all__ = ["linear_weights", "logarithmic_weights", "mixture_weights"]


def linear_weights(losses, *, age, mask=None, axis_name=None, return_info=False):
    r"""Weigh samples by a straight line that falls from 1 at loss 0 to 0 at the age.

    $$\min_{v \in [0,1]} v l + \lambda (v^2/2 - v), \qquad v = \mathrm{clip}(1 - l/\lambda, 0, 1).$$

    Args:
        losses: floating point, any shape; the line starts at loss 0, so the zero of the unit matters.
        age: lambda >= 0, a scalar in the unit of the losses. Another value compiles nothing new.
        mask: booleans of the losses' shape, False for padding.
        axis_name: mapped axis over which samples are spread; only the numbers in the Info need it.
        return_info: also return a `WeightsInfo`.

    Returns:
        Weights of the losses' shape and dtype, or `(weights, info)`. No gradient flows through them.

    Ties and limits:
        Negative losses have weight 1. At age 0 only they are selected. A negative age turns the weights into
        NaN. Masked, infinite and NaN losses as in `hard_weights`.

    Reference:
        Jiang et al., "Easy samples first", ACM Multimedia 2014, linear soft weighting.

    Differs from the paper in:
        negative losses, which are not considered there.
    """
    losses = as_losses(losses, rank=None)
    age, mask = as_scalar(age, "age", losses), as_mask(mask, losses)
    return _linear(losses, age, mask, axis_name, return_info)


@partial(jax.jit, static_argnums=(3, 4))
def _linear(losses, age, mask, axis_name, return_info):
    losses, age = lax.stop_gradient((losses, age))

    def solve(x):
        v = jnp.where(age > 0, jnp.clip(1 - x / jnp.where(age > 0, age, 1), 0, 1), (x < 0).astype(x.dtype))
        return v, age * (v / 2 - 1)

    return weigh(losses, mask, solve, age >= 0, axis_name, return_info)


def logarithmic_weights(losses, *, age, mask=None, axis_name=None, return_info=False):
    r"""Weigh samples by a logarithm that falls from 1 at loss 0 to 0 at the age.

    $$\min_{v \in [0,1]} v l + \zeta v - \frac{\zeta^v}{\log \zeta}, \quad \zeta = 1 - \lambda,
    \qquad v = \frac{\log(l + \zeta)}{\log \zeta} \text{ for } 0 \le l < \lambda, \text{ else } 0.$$

    Args:
        losses: floating point, any shape; to be scaled so that an age below 1 makes sense.
        age: lambda with 0 < lambda < 1, a scalar in the unit of the losses. Another value compiles nothing
            new.
        mask: booleans of the losses' shape, False for padding.
        axis_name: mapped axis over which samples are spread; only the numbers in the Info need it.
        return_info: also return a `WeightsInfo`.

    Returns:
        Weights of the losses' shape and dtype, or `(weights, info)`. No gradient flows through them.

    Ties and limits:
        Negative losses have weight 1. The weights are convex in the loss: below the linear ones everywhere,
        and close to them for a small age. They do not simply grow with the age: as it nears 1, log(zeta)
        grows without bound and the weight of any positive loss falls to 0 again. An age outside (0, 1) turns
        the weights into NaN. Masked, infinite and NaN losses as in `hard_weights`.

    Reference:
        Jiang et al., "Easy samples first", ACM Multimedia 2014, logarithmic soft weighting.

    Differs from the paper in:
        negative losses, which are not considered there.
    """
    losses = as_losses(losses, rank=None)
    age, mask = as_scalar(age, "age", losses), as_mask(mask, losses)
    return _logarithmic(losses, age, mask, axis_name, return_info)


@partial(jax.jit, static_argnums=(3, 4))
def _logarithmic(losses, age, mask, axis_name, return_info):
    losses, age = lax.stop_gradient((losses, age))
    sound = (age > 0) & (age < 1)

    def solve(x):
        lam = jnp.where(sound, age, 0.5)
        log_zeta = jnp.log1p(-lam)
        # log(l + zeta) as log1p(l - lambda): exact where l is close to lambda.
        v = jnp.where(x > 0, jnp.clip(jnp.log1p(jnp.clip(x, 0, lam) - lam) / log_zeta, 0, 1), 1)
        # Per unit of weight, less the objective's value at v = 0, which is -1/log(zeta).
        extra = (1 - lam) - jnp.expm1(v * log_zeta) / (log_zeta * jnp.where(v > 0, v, 1))
        return v, extra

    return weigh(losses, mask, solve, sound, axis_name, return_info)


def mixture_weights(losses, *, age, gamma, mask=None, axis_name=None, return_info=False):
    r"""Weigh easy samples fully, hard ones not at all, and those between by the inverse root of their loss.

    $$\min_{v \in [0,1]} v l + \frac{\gamma^2}{v + \gamma/\lambda}, \qquad v = \begin{cases}
    1 & l \le \left(\frac{\lambda\gamma}{\lambda+\gamma}\right)^2 \\
    \gamma\left(\frac{1}{\sqrt l} - \frac{1}{\lambda}\right) & \text{between} \\
    0 & l \ge \lambda^2 \end{cases}$$

    Args:
        losses: floating point, any shape.
        age: lambda > 0, a scalar in the unit of the ROOT of the losses: samples are selected below its
            square.
        gamma: > 0, a scalar in the unit of the root of the losses: the larger, the harder the border. Another
            value of age or gamma compiles nothing new.
        mask: booleans of the losses' shape, False for padding.
        axis_name: mapped axis over which samples are spread; only the numbers in the Info need it.
        return_info: also return a `WeightsInfo`.

    Returns:
        Weights of the losses' shape and dtype, or `(weights, info)`. No gradient flows through them.

    Ties and limits:
        Negative losses have weight 1. An age or gamma that is not positive turns the weights into NaN.
        Masked, infinite and NaN losses as in `hard_weights`.

    Reference:
        Zhao et al., "Self-paced learning for matrix factorization", AAAI 2015; the idea from the mixture
        weighting of Jiang et al., "Easy samples first", ACM Multimedia 2014.

    Differs from the paper in:
        negative losses, which are not considered there.
    """
    losses = as_losses(losses, rank=None)
    age, gamma = as_scalar(age, "age", losses), as_scalar(gamma, "gamma", losses)
    return _mixture(losses, age, gamma, as_mask(mask, losses), axis_name, return_info)


@partial(jax.jit, static_argnums=(4, 5))
def _mixture(losses, age, gamma, mask, axis_name, return_info):
    losses, age, gamma = lax.stop_gradient((losses, age, gamma))

    def solve(x):
        root = jnp.sqrt(jnp.maximum(x, jnp.finfo(x.dtype).tiny))
        v = jnp.clip(gamma * (1 / root - 1 / age), 0, 1)
        # Per unit of weight, less the objective's value at v = 0, which is gamma lambda.
        return v, -gamma * age / (v + gamma / age)

    return weigh(losses, mask, solve, (age > 0) & (gamma > 0), axis_name, return_info)
