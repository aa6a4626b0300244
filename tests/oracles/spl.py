"""Self-paced weights in plain NumPy, in float64, with loops: slow and easy to believe."""

import itertools

import numpy as np


def balanced_objective(v, losses, groups, age, gamma, num_groups):
    """P1 Eq. 6: sum of v (l - lambda) plus gamma times the squared mass of each group."""
    mass = np.array([v[groups == k].sum() for k in range(num_groups)])
    return float(v @ (losses - age) + gamma * np.sum(mass**2))


def balanced_by_theorem(losses, groups, age, gamma, num_groups, printed=False):
    """Theorem 1, sample by sample in ascending order; `printed`: middle case as in print."""
    v = np.zeros(len(losses))
    for k in range(num_groups):
        members = np.flatnonzero(groups == k)
        for q, i in enumerate(members[np.argsort(losses[members], kind="stable")], start=1):
            if losses[i] < age - 2 * gamma * q:
                v[i] = 1
            elif losses[i] < age - 2 * gamma * (q - 1):
                v[i] = (age - losses[i]) / (2 * gamma) - (q if printed else q - 1)
    return v


def share_ties(v, losses, groups):
    """The same total for every set of tied samples, divided equally."""
    v = v.copy()
    for k, loss in {*zip(groups.tolist(), losses.tolist(), strict=True)}:
        tied = (groups == k) & (losses == loss)
        v[tied] = v[tied].mean()
    return v


def best_of_grid(losses, groups, age, gamma, num_groups, steps=4):
    """The smallest balanced objective over all weight vectors on the grid 0, 1/steps, ..., 1 (small n)."""
    grid = np.array(list(itertools.product(np.linspace(0, 1, steps + 1), repeat=len(losses))))
    mass = np.stack([grid[:, groups == k].sum(1) for k in range(num_groups)], 1)
    return float(np.min(grid @ (losses - age) + gamma * np.sum(mass**2, 1)))


def best_subset(losses, groups, age, gamma, num_groups):
    """The smallest l2,1 diversity objective over all subsets (small n only)."""
    best = 0.0
    for chosen in itertools.product([False, True], repeat=len(losses)):
        chosen = np.array(chosen)
        bonus = sum(np.sqrt(np.sum(chosen & (groups == k))) for k in range(num_groups))
        best = min(best, float(np.sum((losses - age)[chosen]) - gamma * bonus))
    return best


def kkt_residual(v, losses, groups, age, gamma, num_groups, mask=None):
    """Largest violation of the KKT conditions of the balanced problem, relative to the size of its terms.

    Arrays may carry leading axes for many problems at once: v, losses, groups and mask [..., n], age and
    gamma [...].
    """
    v, losses = np.asarray(v, np.float64), np.asarray(losses, np.float64)
    mask = np.ones(v.shape, bool) if mask is None else mask
    age, gamma = np.asarray(age, np.float64)[..., None], np.asarray(gamma, np.float64)[..., None]
    member = (groups[..., None] == np.arange(num_groups)) & mask[..., None]
    mass = np.sum(member * v[..., None], -2)
    own_mass = np.take_along_axis(mass, groups, -1)
    slope = losses - age + 2 * gamma * own_mass
    violation = np.maximum(np.where(v < 1, -slope, 0), np.where(v > 0, slope, 0))
    violation = np.maximum(violation, np.where((v < 0) | (v > 1), np.inf, 0))
    scale = np.abs(losses) + np.abs(age) + 2 * gamma * own_mass
    return np.max(np.where(mask, violation / np.maximum(scale, np.finfo(np.float64).tiny), 0), axis=-1)
