"""Nearest neighbors by blocks of matrix products, and the weights of the graph they make.

    d²(i, j) = min over versions v of   ‖x_i − r_vj‖²

Every sample j offers one or more versions r_vj of itself (an image under small warps; a feature vector as it is), and
every sample i looks for the nearest among them. All samples may be offered, or a random part of them, the anchors:
then time and memory are linear in n.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["Neighbors", "graph_of_neighbors", "jaccard_weights", "nearest_neighbors", "self_tuned_weights"]

Array = jax.Array


class Neighbors(NamedTuple):
    """The nearest neighbors of every sample, nearest first."""

    index: np.ndarray  # [n, k] int32, numbers of samples; only anchors, if there are any
    distances: np.ndarray  # [n, k] float32, squared
    weights: np.ndarray  # [n, k] float32 in [0, 1]
    anchors: np.ndarray | None = None  # [m] int32, ascending; None: every sample was offered as a neighbor


def nearest_neighbors(
    queries: np.ndarray,
    versions: Callable[[int, int], Array],
    offered: np.ndarray,
    n_neighbors: int,
    *,
    block: int = 2048,
    poll: Callable[[], None] | None = None,
    report: Callable[[int, int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest offered samples of every sample, never itself.

    Args:
        queries: [n, d] float, x; they should lie about the origin, as squared distances are taken from products.
        versions: (start, stop) -> [v, stop − start, d], the versions of the offered samples start to stop − 1; what
            stands behind them is left out.
        offered: [m] numbers of the offered samples in the order of `versions`.
        n_neighbors: k, below m.
        block: samples on each side of one device call; memory is 8 block² bytes and v · block · d · 4 of versions.
        poll: called between device calls; may raise.
        report: called after every call with how many are done and how many there are.

    Returns:
        (index [n, k] int32, squared distances [n, k] float32), nearest first; of equally near ones the one offered
        first.

    Raises:
        ValueError: there are not more offered samples than neighbors.
    """
    n, m = len(queries), len(offered)
    if not 1 <= n_neighbors < m:
        raise ValueError(f"n_neighbors must lie in 1..{m - 1}, below the {m} samples offered, got {n_neighbors}")
    size, wide = min(block, n), min(block, m)
    starts = range(0, n, size)
    best = [(jnp.full((size, n_neighbors), -jnp.inf), jnp.full((size, n_neighbors), -1, jnp.int32)) for _ in starts]
    calls = len(best) * -(-m // wide)
    done = 0
    for first in range(0, m, wide):
        stop = min(first + wide, m)
        candidates = versions(first, stop)
        if candidates.shape[1] < wide:  # one shape is compiled
            candidates = np.pad(candidates, ((0, 0), (0, wide - candidates.shape[1]), (0, 0)))
        numbers = np.full(candidates.shape[1], -1, np.int32)
        numbers[: stop - first] = offered[first:stop]
        for i, start in enumerate(starts):
            rows = np.minimum(np.arange(start, start + size), n - 1)  # the last block repeats the last sample
            best[i] = _improve(*best[i], queries[rows], candidates, numbers, rows.astype(np.int32))
            jax.block_until_ready(best[i])  # one call at a time: else all polls are over before the first is done
            done += 1
            if poll is not None:
                poll()
            if report is not None:
                report(done, calls)
    scores, index = (np.concatenate([np.asarray(part[j]) for part in best])[:n] for j in (0, 1))
    squares = np.einsum("nd,nd->n", queries, queries, dtype=np.float64)[:, None]
    return index, np.maximum(squares - 2 * scores, 0).astype(np.float32)


@partial(jax.jit, donate_argnums=(0, 1))
def _improve(scores: Array, index: Array, queries: Array, candidates: Array, numbers: Array, own: Array):
    """Merge one block of candidates into the best so far; a score is x·r − ‖r‖²/2, largest where d² is smallest."""

    def one(best, version):
        half = jnp.sum(version**2, axis=1)[None] / 2
        return jnp.maximum(best, jnp.matmul(queries, version.T, precision=jax.lax.Precision.HIGHEST) - half), None

    start = jnp.full((len(queries), candidates.shape[1]), -jnp.inf, queries.dtype)
    score, _ = jax.lax.scan(one, start, candidates)
    score = jnp.where((numbers[None] == own[:, None]) | (numbers < 0)[None], -jnp.inf, score)
    top, place = jax.lax.top_k(score, min(scores.shape[1], score.shape[1]))
    scores = jnp.concatenate([scores, top], axis=1)
    index = jnp.concatenate([index, numbers[place]], axis=1)
    scores, place = jax.lax.top_k(scores, scores.shape[1] - top.shape[1])
    return scores, jnp.take_along_axis(index, place, axis=1)


def self_tuned_weights(index: np.ndarray, distances: np.ndarray, *, scale_at: int) -> np.ndarray:
    """Weights that fall with the distance, measured by how far the neighbors of both samples lie.

        w_ij = exp(−d²(i, j) / (s_i s_j)),     s_i the distance from i to its neighbor number `scale_at`

    Args:
        index: [n, k] int, numbers of samples.
        distances: [n, k], squared.
        scale_at: counted from 1, at most k.

    Returns:
        [n, k] float32 in [0, 1]; 1 where the distance is 0.

    Reference: Zelnik-Manor & Perona, "Self-tuning spectral clustering", NIPS 2004.
    """
    if not 1 <= scale_at <= distances.shape[1]:
        raise ValueError(f"scale_at must lie in 1..{distances.shape[1]}, the number of neighbors, got {scale_at}")
    distances = np.asarray(distances, np.float64)
    scale = np.sqrt(distances[:, scale_at - 1])
    product = scale[:, None] * scale[index]
    ratio = np.where(distances > 0, distances / np.maximum(product, 1e-300), 0)
    return np.exp(-ratio).astype(np.float32)


def jaccard_weights(index: np.ndarray, *, block: int = 4096) -> np.ndarray:
    """Share of neighbors that two samples have in common, each counted among its own neighbors.

        w_ij = |N_i ∩ N_j| / |N_i ∪ N_j|,     N_i = {i and its k neighbors}

    Args:
        index: [n, k] int, numbers of samples.
        block: samples whose neighborhoods are compared at once; memory is about block · k³ bytes.

    Returns:
        [n, k] float32 in (0, 1]; symmetric in i and j.

    Reference: Jarvis & Patrick, 1973 (shared neighbors).
    """
    n, k = index.shape
    sets = np.sort(np.concatenate([np.arange(n)[:, None], index], axis=1), axis=1)
    weights = np.empty((n, k), np.float32)
    for start in range(0, n, block):
        mine = sets[start : start + block]
        for j in range(k):
            theirs = sets[index[start : start + block, j]]
            shared = (mine[:, :, None] == theirs[:, None, :]).sum(axis=(1, 2))
            weights[start : start + block, j] = shared / (2 * (k + 1) - shared)
    return weights


def graph_of_neighbors(neighbors: Neighbors, *, symmetric: str = "mean"):
    """The weighted graph that neighbors make, symmetric and without self-loops.

    Args:
        neighbors: of n samples.
        symmetric: how the two directions of an edge are joined: "mean", (W + Wᵀ)/2, or "larger", max(W, Wᵀ).

    Returns:
        [n, n] scipy CSR matrix in float64.

    Raises:
        ValueError: `symmetric` is unknown.
    """
    from scipy.sparse import csr_matrix

    if symmetric not in ("mean", "larger"):
        raise ValueError(f"symmetric must be 'mean' or 'larger', got {symmetric!r}")
    n, k = neighbors.index.shape
    starts = np.arange(n + 1, dtype=np.int64) * k
    directed = csr_matrix((neighbors.weights.astype(np.float64).ravel(), neighbors.index.ravel(), starts), shape=(n, n))
    turned = directed.T.tocsr()
    graph = (directed + turned) * 0.5 if symmetric == "mean" else directed.maximum(turned)
    graph.sort_indices()
    return graph
