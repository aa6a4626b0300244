"""Soft assignments of embeddings to centers, and the target distribution that sharpens them.

    q_ik ∝ 1 / (1 + ‖z_i − μ_k‖²),     p_ik ∝ q_ik² / Σ_j q_jk,     each row sums to 1

Reference: [DEC] Xie, Girshick & Farhadi, "Unsupervised Deep Embedding for Clustering Analysis", ICML 2016.
"""

import jax
import jax.numpy as jnp

__all__ = ["divergence", "log_assignment", "target_distribution"]

Array = jax.Array


def log_assignment(embedding: Array, centers: Array) -> Array:
    """Logarithm of the soft assignments by Student's t kernel with one degree of freedom.

    Args:
        embedding: [n, d].
        centers: [k, d].

    Returns:
        [n, k] log q; of equally near centers all have the same.

    Reference: [DEC] Eq. 1.
    """
    squares = jnp.sum(jnp.square(embedding[:, None] - centers[None]), axis=2)
    return jax.nn.log_softmax(-jnp.log1p(squares), axis=1)


def target_distribution(q: Array) -> Array:
    """Sharpen the soft assignments, and give less weight to large clusters.

    Args:
        q: [n, k] of the whole data set, because the clusters' sizes Σ_j q_jk are part of the target.

    Returns:
        [n, k] p, without gradient.

    Reference: [DEC] Eq. 3.
    """
    sharp = jnp.square(q) / jnp.maximum(jnp.sum(q, axis=0, keepdims=True), jnp.finfo(q.dtype).tiny)
    return jax.lax.stop_gradient(sharp / jnp.sum(sharp, axis=1, keepdims=True))


def divergence(target: Array, log_q: Array) -> Array:
    """KL divergence of each sample's assignment from its target, Σ_k p_ik (log p_ik − log q_ik).

    Args:
        target: [b, k] p.
        log_q: [b, k].

    Returns:
        [b] losses, at least 0.

    Reference: [DEC] Eq. 2.
    """
    return jnp.sum(jax.scipy.special.xlogy(target, target) - target * log_q, axis=1)
