"""Adversarial losses of ClusterGAN, on the discriminator's logits.

    min over G, C  max over D   E_x[ log D(C(x), x) ] + E_z[ log(1 − D(z, G(z))) ]

The discriminator's target is 1 for the clusterer's pair (C(x), x) and 0 for the generator's pair (z, G(z)); clusterer
and generator train towards the opposite. With s = logit of D, log D = −softplus(−s) and
log(1 − D) = −softplus(s): no probability is ever formed, so none can round to 0 or 1.

Reference: [P1] Eq. 2 and Lemma 1. [P1] is Ghasedi Dizaji et al., "Balanced Self-Paced Learning for Generative
Adversarial Clustering Network", CVPR 2019.
"""

import jax
import jax.numpy as jnp

from jaxcluster.losses.mean import weighted_mean
from jaxcluster.losses.rows import mask_padding

__all__ = ["adversarial_loss", "discriminator"]

Array = jax.Array


def discriminator(real_logits: Array, fake_logits: Array, valid: Array, *, axis_name: str | None = None) -> Array:
    """Share of this device in the discriminator's loss, the negative of the value above.

        mean over i of   softplus(−s_i^C) + softplus(s_i^G)

    Its minimum over all functions D is at the logit log( P(x) P_C(z|x) / (P(z) P_G(x|z)) ).

    Args:
        real_logits: [b] of the clusterer's pairs (C(x), x).
        fake_logits: [b] of the generator's pairs (z, G(z)).
        valid: [b] bool; padding is False and counts nowhere, in either pair.
        axis_name: see `weighted_mean`.

    Returns:
        The share; `psum` over the devices gives the mean over the global batch.

    Raises:
        ValueError: a shape is wrong.

    Reference: [P1] Eq. 2, Lemma 1, Algorithm 1 line 3. Differs from the paper in the mean where Algorithm 1 has a
    sum (as Eq. 2 does), and in one order of arguments: the paper writes (z, x) and (x, z) for the same pair.
    """
    _check_logits(real_logits=real_logits)
    if fake_logits.shape != real_logits.shape:
        raise ValueError(f"fake_logits must have the shape of real_logits {real_logits.shape}, got {fake_logits.shape}")
    pairs = adversarial_loss(real_logits, target=1.0, valid=valid) + adversarial_loss(
        fake_logits, target=0.0, valid=valid
    )
    return weighted_mean(pairs, jnp.ones_like(pairs), valid=valid, over="all", axis_name=axis_name)[0]


def adversarial_loss(logits: Array, *, target: float, form: str = "nonsaturating", valid: Array | None = None) -> Array:
    """Loss of a network that trains the discriminator's answer on its pairs towards `target`.

        target 1:   −log D       ("nonsaturating"),    log(1 − D)   ("minimax")
        target 0:   −log(1 − D)  ("nonsaturating"),    log D        ("minimax")

    The generator's target is 1 and the clusterer's 0.

    Args:
        logits: [b] of the network's pairs.
        target: 1.0 or 0.0.
        form: where the discriminator is right, "nonsaturating" has its largest gradient and "minimax" its smallest.
        valid: [b] bool; padding gets the loss of a zero logit and no gradient. May be left out if padding is finite
            and `weighted_mean` follows.

    Returns:
        [b] losses, at least 0 for "nonsaturating" and at most 0 for "minimax".

    Raises:
        ValueError: an option or a shape is wrong.

    Reference: [P1] Eq. 2, Algorithm 1 lines 4 and 5. Differs from the paper in "nonsaturating": the gradient of
    the printed minimax form vanishes once the discriminator is right, as it soon is in training; the works that the
    paper builds on use the other form.
    """
    if target not in (0.0, 1.0):
        raise ValueError(f"target must be 1.0 or 0.0, got {target!r}")
    if form not in ("nonsaturating", "minimax"):
        raise ValueError(f"form must be 'nonsaturating' or 'minimax', got {form!r}")
    _check_logits(logits=logits)
    wanted = mask_padding(logits, valid) * (2 * target - 1)  # log-odds of the wanted answer
    return jax.nn.softplus(-wanted) if form == "nonsaturating" else -jax.nn.softplus(wanted)


def _check_logits(**arrays: Array) -> None:
    ((name, logits),) = arrays.items()
    if logits.ndim != 1:
        raise ValueError(f"{name} must be [b], got {logits.shape}; drop the discriminator's last axis")
