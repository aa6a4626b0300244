"""Squared errors: of a reconstruction, and of an embedding against the center of its cluster.

Notation: b samples in a batch, D features, d embedding dimensions. [P2] is Guo et al., "Adaptive
Self-Paced Deep Clustering with Data Augmentation", TKDE 2019.
"""

import jax
import jax.numpy as jnp

from jaxcluster.losses.rows import check_rows

__all__ = ["cluster_center", "reconstruction"]

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
    check_rows(inputs=inputs, outputs=outputs)
    return jnp.mean(jnp.square(inputs - outputs), axis=1)


def cluster_center(embedding: Array, targets: Array) -> Array:
    """Squared distance between an embedding and the center it is to move to, averaged over the dimensions.

        l_i = (1/d) ‖z_i − m_{s_i}‖²

    Args:
        embedding: [b, d].
        targets: [b, d], the center of each sample's cluster; no gradient flows into it.

    Returns:
        [b] losses.

    Raises:
        ValueError: the shapes differ or are not [b, d].

    Reference: [P2] Eq. 6 and 17. Differs from the paper in the factor 1/d, as `reconstruction` does; which samples
    the self-paced weights select does not depend on it.
    """
    check_rows(embedding=embedding, targets=targets)
    return jnp.mean(jnp.square(embedding - jax.lax.stop_gradient(targets)), axis=1)
