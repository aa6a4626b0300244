"""How far samples of one cluster lie from each other: what a generator's diversity is measured by."""

import jax
import jax.numpy as jnp

from jaxcluster.losses.rows import check_valid, mask_padding

__all__ = ["within_cluster_variance"]

Array = jax.Array


def within_cluster_variance(
    samples: Array, clusters: Array, n_clusters: int, valid: Array, *, axis_name: str | None = None
) -> Array:
    """Variance of samples around the mean of their cluster, over all features and pooled over the clusters.

        Σ_k Σ_{i in k} ‖x_i − mean_k‖² / Σ_k max(n_k − 1, 0)

    Args:
        samples: [b, ...]; all axes but the first are features.
        clusters: [b] int, of each sample.
        n_clusters: k.
        valid: [b] bool; padding is False and counts nowhere.
        axis_name: the mapped axis that the batch is spread over; the variance is then that of the global batch.

    Returns:
        [] variance, unbiased; 0 where no cluster has two samples. Its gradient reaches the samples.

    Raises:
        ValueError: a shape is wrong.
    """
    check_valid(valid, samples.shape[0])
    if clusters.shape != valid.shape:
        raise ValueError(f"clusters must be {valid.shape}, got {clusters.shape}")
    rows = mask_padding(samples, valid).reshape(samples.shape[0], -1)
    member = (clusters[:, None] == jnp.arange(n_clusters)[None, :]) & valid[:, None]
    member = member.astype(rows.dtype)

    def total(values: Array) -> Array:
        return values if axis_name is None else jax.lax.psum(values, axis_name)

    counts, sums = total(jnp.sum(member, axis=0)), total(member.T @ rows)
    means = sums / jnp.maximum(counts, 1)[:, None]
    squares = total(jnp.sum(jnp.square(rows - member @ means)))
    return squares / jnp.maximum(jnp.sum(jnp.maximum(counts - 1, 0)), 1)
