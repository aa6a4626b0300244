"""Losses as pure functions: one value per sample, and the mean over what counts.

Notation: b samples in a batch, D features, d embedding dimensions, k clusters. [P2] is Guo et al., "Adaptive
Self-Paced Deep Clustering with Data Augmentation", TKDE 2019.
"""

import jax
import jax.numpy as jnp

__all__ = ["cluster_center", "reconstruction", "weighted_mean"]

Array = jax.Array


def reconstruction(inputs: Array, outputs: Array) -> Array:
    """Squared error of a reconstruction, averaged over the features.

        l_i = (1/D) ‖x_i − x'_i‖²

    Args:
        inputs: [b, D], what was to be reconstructed.
        outputs: [b, D], what the decoder made of it.

    Returns:
        [b] losses.

    Raises:
        ValueError: the shapes differ or are not [b, D].

    Reference: [P2] Eq. 5 and 13. Differs from the paper in the factor 1/D: the printed sum over D is D times
    larger, and the printed learning rate of 1.0 belongs to the mean.
    """
    _check_rows(inputs=inputs, outputs=outputs)
    return jnp.mean(jnp.square(inputs - outputs), axis=1)


def cluster_center(embedding: Array, targets: Array) -> Array:
    """Squared distance between an embedding and the centre it is to move to, averaged over the dimensions.

        l_i = (1/d) ‖z_i − m_{s_i}‖²

    Args:
        embedding: [b, d].
        targets: [b, d], the centre of each sample's cluster; no gradient flows into it.

    Returns:
        [b] losses.

    Raises:
        ValueError: the shapes differ or are not [b, d].

    Reference: [P2] Eq. 6 and 17. Differs from the paper in the factor 1/d, as `reconstruction` does; which samples
    the self-paced weights select does not depend on it.
    """
    _check_rows(embedding=embedding, targets=targets)
    return jnp.mean(jnp.square(embedding - jax.lax.stop_gradient(targets)), axis=1)


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
    # Padding holds whatever the batch was filled with: where() before the product keeps a NaN there out of the sum
    # and out of the gradient.
    total = jnp.sum(weights * jnp.where(weights != 0, losses, 0))
    return total / jnp.maximum(count, 1), count


def _check_rows(**arrays: Array) -> None:
    (first, a), (second, b) = arrays.items()
    if a.ndim != 2 or a.shape != b.shape:
        raise ValueError(f"{first} and {second} must have one shape [b, d], got {a.shape} and {b.shape}")
