"""New pseudo-labels from the network and the graph, and the selection of the sure samples of each cluster.

    P ← (P + A P) / 2,     y_i = argmax_k P_ik,     v_i = 1 if i is among the surest share of its cluster

with P the network's probabilities, averaged over the clean sample and one view of it, and A the neighbors' weights,
scaled so that each sample's add up to 1.
"""

import jax
import jax.numpy as jnp

from jaxcluster import spl

__all__ = ["select", "smooth"]

Array = jax.Array


def smooth(probabilities: Array, index: Array, weights: Array) -> Array:
    """Average each sample's probabilities with its neighbors', half and half.

    Args:
        probabilities: [n, k].
        index: [n, m] int32, the neighbors of each sample.
        weights: [n, m], adding up to 1 for each sample (or to 0: a sample without neighbors keeps its own).

    Returns:
        [n, k], rows adding up to 1 if those of `probabilities` do.
    """

    def add(total: Array, edge: tuple[Array, Array]) -> tuple[Array, None]:  # never [n, m, k] at once
        neighbor, weight = edge
        return total + weight[:, None] * probabilities[neighbor], None

    around, _ = jax.lax.scan(add, jnp.zeros_like(probabilities), (index.T, weights.T))
    share = 0.5 * jnp.sum(weights, axis=1, keepdims=True)
    return (1 - share) * probabilities + 0.5 * around


def select(losses: Array, labels: Array, fraction: Array, n_clusters: int) -> Array:
    """Weight 1 for the samples of least loss of each cluster, 0 for the others.

    Args:
        losses: [n].
        labels: [n] int32.
        fraction: share of each cluster that is selected; of a cluster of s samples, the whole part of fraction · s.
        n_clusters: k.

    Returns:
        [n] weights. Samples tied at the border are left out, as `spl.hard_weights` has it, so that a cluster whose
        losses are all equal would have none; all of it is taken then.
    """

    def one(cluster: Array) -> Array:
        member = labels == cluster
        age = spl.age_for_fraction(losses, fraction, mask=member)
        weights = spl.hard_weights(losses, age=age, mask=member)
        return jnp.where(jnp.any(weights > 0), weights, member.astype(losses.dtype))

    # One cluster after the other: few clusters have long lists, many would take too much memory side by side.
    return jax.lax.map(one, jnp.arange(n_clusters, dtype=jnp.int32)).sum(axis=0)
