"""The mean of losses over the selected samples, or over all samples that are not padding.

[P2] is Guo et al., "Adaptive Self-Paced Deep Clustering with Data Augmentation", TKDE 2019.
"""

import jax
import jax.numpy as jnp

__all__ = ["weighted_mean"]

Array = jax.Array


def weighted_mean(
    losses: Array, weights: Array, *, valid: Array, over: str = "selected", axis_name: str | None = None
) -> tuple[Array, Array]:
    """Share of this device in the weighted mean of the losses over the global batch.

        Σ_i v_i l_i / max(1, #{i : v_i ≠ 0})      over="selected"
        Σ_i v_i l_i / max(1, #{i : i is valid})   over="all"

    Args:
        losses: [b].
        weights: [b] v_i, usually 0 or 1.
        valid: [b] bool; padding is False and counts nowhere.
        over: what the sum is divided by.
        axis_name: the mapped axis that the batch is spread over; the divisor is then the global one, so that
            adding the devices' shares (and their gradients) with `psum` gives the mean over the global batch.

    Returns:
        (share, count): the local sum over the global divisor, and the divisor before the maximum with 1.

    Raises:
        ValueError: `over` is neither "selected" nor "all".

    Reference: [P2] Eq. 17 divides by n, which is "all"; the authors' framework divided by the number of non-zero
    weights, which is "selected" and reproduces their figures. With Adam the two differ little.
    """
    if over not in ("selected", "all"):
        raise ValueError(f"over must be 'selected' or 'all', got {over!r}")
    weights = jax.lax.stop_gradient(jnp.where(valid, weights, 0))
    counted = (weights != 0) if over == "selected" else valid
    count = jnp.sum(counted.astype(losses.dtype))
    if axis_name is not None:
        count = jax.lax.psum(count, axis_name)
    # where() before the product, because padding may hold NaN, which must reach neither the sum nor the gradient.
    total = jnp.sum(weights * jnp.where(weights != 0, losses, 0))
    return total / jnp.maximum(count, 1), count
