"""Balanced weights by sorting: the public reference of P1 Theorem 1, one sort and a rank, easy to check by
eye.

`balanced_weights` gives the same weights by counting, faster and across devices; this one stays because it is
the theorem as one reads it: sort each group, number its samples, compare.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jaxcluster.spl.balanced import as_problem, mass_of_tied, prepare
from jaxcluster.spl.checks import spoil

__all__ = ["balanced_weights_sorted"]


def balanced_weights_sorted(losses, groups, *, age, gamma, num_groups, mask=None):
    r"""Select easy samples with a price on every further sample of the same group, by one sort over all
    groups.

    $$\min_{v \in [0,1]^n} \sum_i v_i (l_i - \lambda) + \gamma \sum_k \Big(\sum_{i \in k} v_i\Big)^2$$

    Args:
        losses: [n], floating point, in any unit.
        groups: [n] integers in [0, num_groups), in any order.
        age: the papers' lambda, a scalar in the unit of the losses.
        gamma: >= 0, a scalar, unit of the losses per sample.
        num_groups: number of groups, a Python integer.
        mask: [n] booleans, False for padding.

    Returns:
        Weights [n] in the losses' dtype. No gradient flows through them.

    Ties and limits:
        As in `balanced_weights`.

    Reference:
        Ghasedi Dizaji et al., CVPR 2019, Eq. 6 and Theorem 1.

    Differs from the paper in:
        the middle case of the theorem, a misprint, and ties; see `jaxcluster.spl.balanced`.
    """
    return _sorted(*as_problem(losses, groups, age, gamma, num_groups, mask))


@partial(jax.jit, static_argnums=4)
def _sorted(losses, groups, age, gamma, num_groups, mask):
    losses, age, gamma = lax.stop_gradient((losses, age, gamma))
    usable, ids, keys = prepare(losses, groups, mask, num_groups)
    n, dtype = losses.size, losses.dtype
    place = lax.iota(jnp.int32, n)
    ids = jnp.where(usable, ids, num_groups)  # what cannot be selected forms a last group of its own
    loss = jnp.where(usable, losses, jnp.zeros_like(losses))
    ids, keys, loss, origin = lax.sort((ids, keys, loss, place), num_keys=2)

    new_group = jnp.diff(ids, prepend=-1) != 0
    new_run = new_group | (keys != jnp.roll(keys, 1))  # a run: samples of one group with equal losses
    run_ends = jnp.roll(new_run, -1).at[-1:].set(True)
    start = lax.cummax(jnp.where(new_run, place, 0))
    end = lax.cummin(jnp.where(run_ends, place + 1, n), reverse=True)
    below = (start - lax.cummax(jnp.where(new_group, place, 0))).astype(dtype)
    tied = (end - start).astype(dtype)

    # A run is in, at least in part, if worth its first sample's price; in full if the next run is in too.
    worth = (0.5 * loss + gamma * below < 0.5 * age) & (ids < num_groups)
    follower = jnp.minimum(end, n - 1)
    full = worth[follower] & (ids[follower] == ids) & (end < n)
    share = mass_of_tied(loss, below, tied, age, gamma) / tied
    weights = jnp.where(worth, jnp.where(full, jnp.ones_like(share), share), jnp.zeros_like(share))

    weights = jnp.zeros_like(losses).at[origin].set(weights, unique_indices=True)
    return spoil(weights, losses, mask, ~jnp.isnan(age) & (gamma >= 0))
