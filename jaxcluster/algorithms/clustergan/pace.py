"""Self-paced weights of the entropy loss ([P1] Eq. 4 to 6, Theorem 1, and the pace of section 4)."""

import jax
import jax.numpy as jnp

from jaxcluster import losses, spl
from jaxcluster.algorithms.clustergan import prior
from jaxcluster.algorithms.clustergan.game import Game, GameState, Turn

__all__ = ["batch_weights", "epoch_weights"]

Array = jax.Array


def epoch_weights(config, outputs: Array, groups: Array, progress: Array, key: Array) -> tuple[Array, Array]:
    """Solve Eq. 6 over the whole data set.

    Args:
        config: with `pace` and `n_clusters`.
        outputs: [n, m] of the clusterer.
        groups: [n] int32, block assignment.
        progress: share of training that is done.
        key: draws the samples that each is compared with.

    Returns:
        (weights [n], losses [n]).

    Differs from the paper in when: the paper's loop solves it at every iteration though its sum goes over all n;
    here once an epoch, over all n. γ and the ages of the first and last pace are taken anew from the current losses
    each time: the losses fall in training, and frozen ages would select everything long before 3/4 of it. Each loss is
    a mean over `pace.reference` samples that are drawn anew each epoch, not over all (0 for all). In the first epoch,
    before there are losses, every sample weighs `pace.start`.
    """
    n = len(outputs)
    reference = None
    if 0 < config.pace.reference < n:
        reference = jax.random.permutation(key, n)[: config.pace.reference]
    entropies = losses.pairwise_entropy_chunked(outputs, reference_index=reference)
    if config.pace.method == "none":
        return jnp.ones_like(entropies), entropies
    weights = _solve(config, entropies, groups, progress, mask=None, axis_name=None)
    return jnp.where(progress >= config.pace.full_at, 1, weights), entropies


def batch_weights(game: Game, state: GameState, turn: Turn, outputs: Array, entropies: Array) -> Array:
    """Solve Eq. 6 over the global batch, as Algorithm 1's loop has it; [b]."""
    config = game.config
    if config.pace.method == "none":
        return jnp.ones_like(entropies)
    outputs, entropies = jax.lax.stop_gradient((outputs, entropies))
    groups = jnp.argmax(prior.block_means(outputs, config.n_clusters), axis=1).astype(jnp.int32)
    progress = game.progress(state)
    weights = _solve(config, entropies, groups, progress, mask=turn.batch.valid, axis_name=turn.axis_name)
    return jnp.where(progress >= config.pace.full_at, 1, weights)


def _solve(config, entropies: Array, groups: Array, progress: Array, *, mask, axis_name) -> Array:
    pace = config.pace
    across = {"mask": mask, "axis_name": axis_name}
    balance = {}
    if pace.method == "balanced":
        gamma = spl.gamma_for_quota(
            entropies, num_groups=config.n_clusters, fraction=pace.start, rho=pace.rho, **across
        )
        balance = {"groups": groups, "gamma": gamma, "num_groups": config.n_clusters}
    if pace.schedule == "fraction":
        fraction = spl.linear_fraction(progress, start=pace.start, full_at=pace.full_at)
        age = spl.age_for_fraction(entropies, fraction, **balance, **across)
    else:
        ends = [spl.age_for_fraction(entropies, fraction, **balance, **across) for fraction in (pace.start, 1.0)]
        age = spl.linear_age(progress, start=ends[0], end=ends[1], full_at=pace.full_at)
    if pace.method == "plain":
        return spl.hard_weights(entropies, age=age, **across).astype(entropies.dtype)
    return spl.balanced_weights(entropies, groups, age=age, gamma=gamma, num_groups=config.n_clusters, **across)
