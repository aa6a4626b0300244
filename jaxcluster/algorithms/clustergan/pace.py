"""Self-paced weights of the entropy loss ([P1] Eq. 4 to 6, Theorem 1, and the pace of section 4)."""

import jax
import jax.numpy as jnp

from jaxcluster import losses, spl
from jaxcluster.algorithms.clustergan import prior
from jaxcluster.algorithms.clustergan.training import PaceSettings

__all__ = ["batch_weights", "epoch_weights"]

Array = jax.Array


def epoch_weights(
    pace: PaceSettings, outputs: Array, groups: Array, progress: Array, key: Array, *, n_clusters: int
) -> tuple[Array, Array]:
    """Solve Eq. 6 over the whole data set.

    Args:
        pace: settings.
        outputs: [n, m] of the clusterer.
        groups: [n] int32, block assignment.
        progress: share of training that is done.
        key: draws the samples that each is compared with.
        n_clusters: c.

    Returns:
        (weights [n], losses [n]).

    Differs from the paper in when: the paper's loop solves it at every iteration though its sum goes over all n;
    here once an epoch, over all n. γ and the ages of the first and last pace are computed anew from the current losses
    each time: the losses fall in training, and fixed ages would select everything long before 3/4 of it. Each loss is
    a mean over `pace.reference` samples that are drawn anew each epoch, not over all (0 for all). In the first epoch,
    before there are losses, every sample has the weight `pace.start`.
    """
    n = len(outputs)
    reference = None
    if 0 < pace.reference < n:
        reference = jax.random.permutation(key, n)[: pace.reference]
    entropies = losses.pairwise_entropy_chunked(outputs, reference_index=reference)
    if pace.method == "none":
        return jnp.ones_like(entropies), entropies
    weights = _solve(pace, entropies, groups, progress, n_clusters, mask=None, axis_name=None)
    return jnp.where(progress >= pace.full_at, 1, weights), entropies


def batch_weights(
    pace: PaceSettings,
    outputs: Array,
    entropies: Array,
    progress: Array,
    *,
    n_clusters: int,
    valid: Array,
    axis_name: str | None,
) -> Array:
    """Solve Eq. 6 over the global batch, as Algorithm 1's loop has it.

    Args:
        pace: settings.
        outputs: [b, m] of the clusterer.
        entropies: [b], the losses.
        progress: share of training that is done.
        n_clusters: c.
        valid: [b] bool, False for padding.
        axis_name: the mapped axis that the batch is spread over.

    Returns:
        [b] weights.
    """
    if pace.method == "none":
        return jnp.ones_like(entropies)
    outputs, entropies = jax.lax.stop_gradient((outputs, entropies))
    groups = jnp.argmax(prior.block_means(outputs, n_clusters), axis=1).astype(jnp.int32)
    weights = _solve(pace, entropies, groups, progress, n_clusters, mask=valid, axis_name=axis_name)
    return jnp.where(progress >= pace.full_at, 1, weights)


def _solve(pace: PaceSettings, entropies: Array, groups: Array, progress: Array, n_clusters: int, *, mask, axis_name):
    across = {"mask": mask, "axis_name": axis_name}
    balance = {}
    if pace.method == "balanced":
        gamma = spl.gamma_for_quota(entropies, num_groups=n_clusters, fraction=pace.start, rho=pace.rho, **across)
        balance = {"groups": groups, "gamma": gamma, "num_groups": n_clusters}
    if pace.schedule == "fraction":
        fraction = spl.linear_fraction(progress, start=pace.start, full_at=pace.full_at)
        age = spl.age_for_fraction(entropies, fraction, **balance, **across)
    else:
        ends = [spl.age_for_fraction(entropies, fraction, **balance, **across) for fraction in (pace.start, 1.0)]
        age = spl.linear_age(progress, start=ends[0], end=ends[1], full_at=pace.full_at)
    if pace.method == "plain":
        return spl.hard_weights(entropies, age=age, **across).astype(entropies.dtype)
    return spl.balanced_weights(entropies, groups, age=age, gamma=gamma, num_groups=n_clusters, **across)
