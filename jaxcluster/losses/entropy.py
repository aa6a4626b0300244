"""Entropy of pairwise similarities: minimizing it moves every cosine of two outputs towards 0 or 1.

    a_ij = z_i·z_j / (‖z_i‖ ‖z_j‖),    H(a) = −a log a − (1 − a) log(1 − a),    l_i = mean over j ≠ i of H(a_ij)

[P1] is Ghasedi Dizaji et al., "Balanced Self-Paced Learning for Generative Adversarial Clustering Network", CVPR 2019.
"""

import jax
import jax.numpy as jnp

from jaxcluster.losses.rows import check_valid, mask_padding

__all__ = ["pairwise_entropy", "pairwise_entropy_chunked", "similarity"]

Array = jax.Array


def similarity(outputs: Array) -> Array:
    """Cosine of each pair of outputs; between 0 and 1 when no unit is negative.

    Args:
        outputs: [n, m]; of a vector shorter than 1e-12 all cosines shrink to 0.

    Returns:
        [n, n], exact only up to rounding: the diagonal may come out above 1.

    Raises:
        ValueError: `outputs` is not [n, m].

    Reference: [P1] section 3, the adjacency matrix.
    """
    units = _normalized(outputs)
    return _cosines(units, units)


def pairwise_entropy(outputs: Array, valid: Array, *, axis_name: str | None = None) -> Array:
    """Entropy of each sample's similarities to the other samples of the global batch, averaged over them.

        l_i = mean over valid j ≠ i of H(a_ij),   0 ≤ l_i ≤ log 2

    The gradient flows into both members of a pair, so that weighting l_i by a self-paced weight leaves the samples
    that are not selected in the pairs of those that are.

    Args:
        outputs: [b, m] outputs of the clusterer, units in [0, 1].
        valid: [b] bool; padding is False: no pair has it, its own loss is 0, and it may hold anything.
        axis_name: the mapped axis that the batch is spread over; pairs then go across devices, and the gradient of
            the sum of the devices' losses reaches each device's outputs.

    Returns:
        [b] losses; 0 where a sample has no other.

    Ties and limits:
        Similarities are clipped to [1e-6, 1 − 1e-6] (1e-12 in float64), where the gradient is 0: equal outputs and
        orthogonal ones give H(1e-6) = 1.5e-5 instead of 0, and no gradient is infinite. Half precision is widened to
        float32. All outputs equal is a minimum, too: watch the mean similarity of a batch.

    Raises:
        ValueError: a shape is wrong.

    Reference: [P1] Eq. 3, and l_i of Eq. 4. Differs from the paper in the brackets of Eq. 4, whose minus must stand
    before both terms (as in Eq. 3); in the mean over j for the sum, which makes the loss, and the ages chosen for it,
    independent of the batch size; and in j ≠ i, the diagonal having nothing to minimize.
    """
    check_valid(valid, outputs.shape[0])
    units = _normalized(mask_padding(outputs, valid))
    others, counted, own = units, valid, jnp.arange(units.shape[0])
    if axis_name is not None:
        others = jax.lax.all_gather(units, axis_name, tiled=True)
        counted = jax.lax.all_gather(valid, axis_name, tiled=True)
        own = own + jax.lax.axis_index(axis_name) * units.shape[0]
    pairs = valid[:, None] & counted[None, :] & (own[:, None] != jnp.arange(others.shape[0])[None, :])
    return _mean_entropy(_cosines(units, others), pairs)


def pairwise_entropy_chunked(outputs: Array, *, reference_index: Array | None = None, chunk: int = 256) -> Array:
    """The same loss over a whole data set in bounded memory: all pairs, or those with a set of reference samples.

    Args:
        outputs: [n, m].
        reference_index: [r] int, the rows of `outputs` that every sample is compared with; None: all n, which costs
            n² m products and 2 n² logarithms.
        chunk: samples at a time, at least 1; memory is that of a few arrays [chunk, r].

    Returns:
        [n] losses, as `pairwise_entropy` gives them in one batch of n; a reference sample is not compared with
        itself.

    Raises:
        ValueError: a shape is wrong or `chunk` is below 1.

    Reference: [P1] Eq. 3 and 6, where the sums go over the full data set.
    """
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1, got {chunk}")
    units = _normalized(outputs)
    total = units.shape[0]
    if reference_index is None:
        reference_index = jnp.arange(total)
    if reference_index.ndim != 1:
        raise ValueError(f"reference_index must be [r], got {reference_index.shape}")
    others = units[reference_index]
    chunk = min(chunk, max(total, 1))

    def losses_of(start):
        rows = jnp.minimum(start + jnp.arange(chunk), total - 1)  # the last chunk repeats the last row
        return _mean_entropy(_cosines(units[rows], others), rows[:, None] != reference_index[None, :])

    return jax.lax.map(losses_of, jnp.arange(0, total, chunk)).reshape(-1)[:total]


def _normalized(outputs: Array) -> Array:
    if outputs.ndim != 2:
        raise ValueError(f"outputs must be [n, m], got {outputs.shape}")
    outputs = outputs.astype(jnp.promote_types(outputs.dtype, jnp.float32))
    # The maximum is taken of the square: the gradient of a square root at zero would be infinite.
    return outputs * jax.lax.rsqrt(jnp.maximum(jnp.sum(jnp.square(outputs), axis=1, keepdims=True), 1e-24))


def _cosines(units: Array, others: Array) -> Array:
    return jnp.matmul(units, others.T, precision=jax.lax.Precision.HIGHEST)


def _mean_entropy(cosines: Array, pairs: Array) -> Array:
    edge = 1e-6 if cosines.dtype == jnp.float32 else 1e-12  # 1 − 1e-7 would be 1 − 2 ulp in float32
    a = jnp.clip(jnp.where(pairs, cosines, 0.5), edge, 1 - edge)
    entropy = jnp.where(pairs, -a * jnp.log(a) - (1 - a) * jnp.log1p(-a), 0)
    return jnp.sum(entropy, axis=1) / jnp.maximum(jnp.sum(pairs, axis=1), 1).astype(entropy.dtype)
