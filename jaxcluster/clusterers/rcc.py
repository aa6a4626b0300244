"""Robust continuous clustering: representatives of the points contract, and find the number of clusters themselves.

    min over U of   ½ Σ_i ‖x_i − u_i‖² + λ/2 Σ_{(p,q) ∈ E} w_pq ρ(‖u_p − u_q‖),     ρ(y) = μ y² / (μ + y²)

over a sparse graph E of mutual nearest neighbors. With line variables l_pq = (μ / (μ + ‖u_p − u_q‖²))² it alternates
closed-form weights and a linear system, (I + λ A) U = X, solved by conjugate gradients; μ falls from where the
objective is convex. Representatives that meet are one cluster.

Reference: Shah & Koltun, "Robust continuous clustering", PNAS 114(37), 2017; [P2] Table 6.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcluster.clusterers.kmeans import check_points
from jaxcluster.clusterers.ward import by_size, means_of

__all__ = ["RCC", "mutual_graph", "rcc"]

Array = jax.Array
PER_LEVEL, IN_ALL = 4, 100  # iterations at one μ, and together
SHORTEST = 0.01  # share of the edges whose mean length says when representatives have met
NEAR_DUPLICATE = 0.01  # edges below it, per root of d, do not count in that mean


class RCC(NamedTuple):
    """Clusters that were found; their number is a result."""

    labels: np.ndarray  # [n] int32 by falling size; -1: in a component that is too small
    centers: np.ndarray  # [k, d] means of the members, in the points' own units
    representatives: np.ndarray  # [n, d] U, in scaled units
    components: int  # connected components, small ones included
    iterations: int


def rcc(points: np.ndarray, *, neighbors: int = 10, min_share: float = 0.005, scale: bool = True) -> RCC:
    """Cluster points by robust continuous clustering.

    Args:
        points: [n, d] float, finite.
        neighbors: of each point in the graph, by cosine distance.
        min_share: components with a smaller share of the points are left unassigned.
        scale: map the points to [0, 1], all features by one shift and one factor; else they are taken as they are.

    Returns:
        `RCC`. Points of small components have the label -1; there may be no cluster at all.

    Raises:
        ValueError: a shape is wrong, a point is not finite, or an option is out of range.

    The graph costs O(n² d) in time; each of at most 100 systems O(n d neighbors) for an iteration of conjugate
    gradients, with as many iterations as its condition asks for (at most 100). Memory grows as n (d + neighbors).
    There is no chance in it.

    Differs from the paper in: the smallest 1 % of the lengths is at least one edge where the graph is small; duplicates
    keep their edges in the spanning forest; conjugate gradients are preconditioned by the diagonal; components are
    numbered by size, and those below `min_share` are unassigned.
    """
    points = np.asarray(points)
    check_points(points, 1)
    if neighbors < 1:
        raise ValueError(f"neighbors must be at least 1, got {neighbors}")
    if not 0 <= min_share <= 1:
        raise ValueError(f"min_share must lie in 0..1, got {min_share}")
    scaled = _scaled(points) if scale else points.astype(np.float64)
    edges = mutual_graph(scaled, neighbors=min(neighbors, len(points) - 1))
    moved, met, iterations = _contract(scaled, edges)
    components = _components(len(points), edges[met])
    counts = np.bincount(components)
    labels = by_size(np.where(counts[components] >= min_share * len(points), components, -1))
    return RCC(labels, means_of(points, labels, int(labels.max()) + 1), moved, len(counts), iterations)


def _scaled(points: np.ndarray) -> np.ndarray:
    away = points.astype(np.float64) - float(points.min())
    return away / max(away.max(), np.finfo(np.float64).tiny)


def mutual_graph(points: np.ndarray, *, neighbors: int) -> np.ndarray:
    """Pairs i < j of mutual nearest neighbors by cosine distance, and a spanning forest so that none is alone.

    Args:
        points: [n, d].
        neighbors: of each point, itself not counted.

    Returns:
        [m, 2] int64.
    """
    from scipy.sparse import csr_matrix, triu
    from scipy.sparse.csgraph import minimum_spanning_tree
    from sklearn.neighbors import NearestNeighbors

    n = len(points)
    if n == 1:
        return np.zeros((0, 2), np.int64)
    distances, index = NearestNeighbors(n_neighbors=neighbors, metric="cosine").fit(points).kneighbors()
    rows = np.repeat(np.arange(n), neighbors)
    # SciPy takes a stored 0 for no edge: duplicates lie at a tiny distance.
    near = csr_matrix((np.maximum(distances, 1e-12).ravel(), (rows, index.ravel())), shape=(n, n))
    mutual = (near > 0).multiply((near > 0).T)
    forest = minimum_spanning_tree(near.maximum(near.T)) > 0
    joined = triu(mutual + forest + forest.T, k=1).tocoo()
    return np.stack([joined.row, joined.col], axis=1).astype(np.int64)


def _contract(points: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Representatives, which edges have met, and the number of iterations."""
    n, d = points.shape
    lengths = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    apart = np.sort(lengths[lengths >= NEAR_DUPLICATE * np.sqrt(d)])
    if not len(apart):
        return points.astype(np.float32), np.ones(len(edges), bool), 0
    few = int(np.ceil(SHORTEST * len(apart)))
    met_below, last = apart[:few].mean(), apart[: min(few, 250)].mean()
    degrees = np.bincount(edges.ravel(), minlength=n)
    weights = degrees.mean() / np.sqrt(degrees[edges[:, 0]] * degrees[edges[:, 1]])
    norm = np.sqrt(np.linalg.eigvalsh(points.T @ points)[-1])
    mu, bound = 3 * apart[-1] ** 2, norm / _largest(n, edges, weights)
    x, pairs, w = jnp.asarray(points, jnp.float32), jnp.asarray(edges), jnp.asarray(weights, jnp.float32)
    u, before, inner, iterations = x, np.inf, 0, 0
    for _ in range(IN_ALL):
        u, lines, value = _step(x, u, pairs, w, mu, bound)
        inner, iterations = inner + 1, iterations + 1
        if abs(before - float(value)) >= 0.1 and inner < PER_LEVEL:
            before = float(value)
            continue
        if mu < last and inner < PER_LEVEL:
            break
        mu = mu / 2 if mu >= last else last / 2
        bound = norm / _largest(n, edges, weights * np.asarray(lines, np.float64))
        before, inner = np.inf, 0
    u = np.asarray(u)
    return u, np.linalg.norm(u[edges[:, 0]] - u[edges[:, 1]], axis=1) < met_below, iterations


@jax.jit
def _step(x: Array, u: Array, pairs: Array, weights: Array, mu: Array, bound: Array) -> tuple[Array, Array, Array]:
    """One alternation: (new U, line variables, objective)."""
    squares = jnp.sum((u[pairs[:, 0]] - u[pairs[:, 1]]) ** 2, axis=1)
    lines = (mu / (mu + squares)) ** 2
    u = _solve(x, u, pairs, bound * weights * lines)
    squares = jnp.sum((u[pairs[:, 0]] - u[pairs[:, 1]]) ** 2, axis=1)
    penalty = lines * squares + mu * (jnp.sqrt(lines) - 1) ** 2
    return u, lines, 0.5 * jnp.sum((x - u) ** 2) + 0.5 * bound * jnp.sum(weights * penalty)


def _solve(x: Array, u: Array, pairs: Array, strengths: Array, tolerance: float = 1e-3, iterations: int = 100) -> Array:
    """(I + L) U = X for the Laplacian L of weighted edges, all columns side by side."""
    degree = 1 + jnp.zeros(len(x), x.dtype).at[pairs[:, 0]].add(strengths).at[pairs[:, 1]].add(strengths)

    def product(u: Array) -> Array:
        flow = strengths[:, None] * (u[pairs[:, 0]] - u[pairs[:, 1]])
        return u + jnp.zeros_like(u).at[pairs[:, 0]].add(flow).at[pairs[:, 1]].add(-flow)

    solve = partial(jax.scipy.sparse.linalg.cg, tol=tolerance, maxiter=iterations)
    return solve(product, x, x0=u, M=lambda r: r / degree[:, None])[0]


def _largest(n: int, edges: np.ndarray, strengths: np.ndarray) -> float:
    """Largest eigenvalue of the Laplacian of weighted edges."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import laplacian
    from scipy.sparse.linalg import eigsh

    graph = coo_matrix((strengths, edges.T), shape=(n, n))
    matrix = laplacian((graph + graph.T).tocsr())
    if n < 10:
        return float(np.linalg.eigvalsh(matrix.toarray())[-1])
    start = np.random.default_rng(0).normal(size=n)
    return float(eigsh(matrix, k=1, which="LA", return_eigenvectors=False, v0=start, tol=1e-4)[0])


def _components(n: int, edges: np.ndarray) -> np.ndarray:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(edges)), edges.T), shape=(n, n))
    return connected_components(graph, directed=False)[1]
