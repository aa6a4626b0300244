"""The degree-corrected stochastic block model: how well a partition explains a weighted graph, with no labels.

    L(z) = Σ_rs p_rs log ( p_rs / (p_r p_s) ),     p_rs = m_rs / Σ m,   p_r = Σ_s p_rs

where m_rs is the weight of the edges from part r to part s (edges within a part count from both ends) and z the
partition. L is the mutual information between the parts at the two ends of an edge drawn by weight: 0 for one part or
for edges that ignore the parts, log K for K separate parts of equal weight.

Reference: Karrer & Newman, "Stochastic blockmodels and community structure in networks", Physical Review E 83, 2011.
"""

import numpy as np

__all__ = [
    "as_graph",
    "block_likelihood",
    "block_shares",
    "checked",
    "description_length",
    "length_from_likelihood",
    "likelihood_of_shares",
    "modularity",
    "xlogx",
]


def block_likelihood(graph, labels, *, n_clusters: int | None = None) -> float:
    """Profile log-likelihood of the degree-corrected block model, per edge weight and up to a constant.

        L = Σ_rs p_rs log ( p_rs / (p_r p_s) )

    Derivation. The model draws the weight between nodes i and j from a Poisson distribution with mean
    θ_i θ_j ω_{z_i z_j}; a node's θ lets it have any degree, so that the parts explain who is joined to whom and not who
    has many edges. With Σ_{i in r} θ_i = 1, D_i the degree of node i, and what depends on the graph alone left out,

        2 log P = 2 Σ_i D_i log θ_i + Σ_rs ( m_rs log ω_rs − ω_rs ).

    It is largest at θ_i = D_i / d_{z_i} and ω_rs = m_rs, with d_r = Σ_s m_rs. There Σ_rs ω_rs is the graph's total
    2E, the same for every partition, and the first sum is a constant minus 2 Σ_r d_r log d_r. What depends on the
    partition is Σ_rs m_rs log m_rs / (d_r d_s). Divided by 2E, with log 2E added, it is L; hence log P = E L + constant
    for a graph of E edges.

    It compares partitions of one graph. More parts never lower it: see `description_length`.

    Args:
        graph: [n, n] symmetric sparse (or dense) matrix of weights that are not negative. Loops count once.
        labels: [n] integers from 0 on, each node's part.
        n_clusters: K, for the check of the labels; None: their maximum plus 1. Empty parts change nothing.

    Returns:
        Nats per unit of edge weight, from 0 to log K. Every graph without edges gets 0.

    Raises:
        ValueError: the graph is not square, symmetric, finite and non-negative, or the labels do not fit it.

    Reference: Karrer & Newman (2011), Section III.
    """
    graph, labels, n_clusters = checked(graph, labels, n_clusters)
    return likelihood_of_shares(block_shares(graph, labels, n_clusters))


def modularity(graph, labels) -> float:
    """Modularity: the share of the weight within parts, beyond what the degrees alone would put there.

        Q = Σ_r ( p_rr − p_r² )

    Args:
        graph: as for `block_likelihood`.
        labels: [n] integers from 0 on.

    Returns:
        From -1/2 to 1; 0 for one part or a graph without edges.

    Reference: Newman & Girvan, "Finding and evaluating community structure in networks", Physical Review E 69, 2004.
    """
    graph, labels, n_clusters = checked(graph, labels, None)
    shares = block_shares(graph, labels, n_clusters)
    return float(np.trace(shares) - np.sum(shares.sum(axis=1) ** 2))


def description_length(graph, labels, *, n_clusters: int | None = None) -> float:
    """Length of the graph's shortest description with the help of a partition, up to a constant of the graph.

        −E L(z) + n log K + K (K + 1) / 2 log E

    The first term is the log-likelihood's, the second names the part of every node, the third states the K (K + 1) / 2
    weights between parts, each to within one edge. More parts shorten the first and lengthen the others: the K with the
    smallest sum is the one that the edges support.

    E is half the sum of the matrix: a weight of 1 counts as one edge, one of .3 as .3 edges. Unlike the likelihood it
    depends on the unit of the weights, which should therefore not exceed 1.

    Args:
        graph: as for `block_likelihood`.
        labels: [n] integers from 0 on.
        n_clusters: K; None: the number of parts that are not empty.

    Returns:
        Nats. Only differences between partitions of the same graph have a meaning. The edges of a neighbor graph are
        not independent draws as in the model: even points without any clusters give parts with few edges between
        them, so the K with the smallest sum is rather too large than too small.
    """
    if n_clusters is None:
        labels = np.unique(labels, return_inverse=True)[1]
    graph, labels, n_clusters = checked(graph, labels, n_clusters)
    likelihood = likelihood_of_shares(block_shares(graph, labels, n_clusters))
    return float(length_from_likelihood(likelihood, graph.sum() / 2, len(labels), n_clusters))


def length_from_likelihood(likelihood, edges: float, n: int, n_clusters):
    """Description length of partitions with these likelihoods and numbers of parts (numbers or arrays)."""
    parameters = n_clusters * (n_clusters + 1) / 2
    return -edges * likelihood + n * np.log(n_clusters) + parameters * np.log(max(edges, 1.0))


def block_shares(graph, labels: np.ndarray, n_clusters: int) -> np.ndarray:
    """Share of the graph's weight between each two parts, [K, K]; zeros for a graph without edges."""
    edges = graph.tocoo()
    pairs = labels[edges.row].astype(np.int64) * n_clusters + labels[edges.col]
    sums = np.bincount(pairs, edges.data, minlength=n_clusters**2).reshape(n_clusters, n_clusters)
    total = sums.sum()
    return sums / total if total > 0 else sums


def likelihood_of_shares(shares: np.ndarray) -> float:
    """L of the shares of weight [K, K] between the parts, see the top of this file."""
    return float(xlogx(shares).sum() - 2 * xlogx(shares.sum(axis=1)).sum())


def xlogx(x: np.ndarray) -> np.ndarray:
    """Return x log x, and 0 where rounding has left nothing or less."""
    x = np.maximum(x, 1e-300)  # adds nothing that double precision could hold
    return x * np.log(x)


def as_graph(graph):
    """Return the graph as a float64 CSR matrix, or raise an error that says what is wrong with it."""
    from scipy.sparse import csr_matrix

    graph = csr_matrix(graph, dtype=np.float64)
    if graph.shape[0] != graph.shape[1] or graph.shape[0] == 0:
        raise ValueError(f"graph must be [n, n] with n > 0, got {graph.shape}")
    graph.sum_duplicates()
    if not np.isfinite(graph.data).all() or (graph.data < 0).any():
        raise ValueError("graph must have finite weights that are not negative")
    difference = abs(graph - graph.T)
    if difference.nnz and difference.max() > 1e-6 * graph.data.max():
        raise ValueError(f"graph must be symmetric, got entries that differ by {difference.max():.3g}")
    return graph


def checked(graph, labels, n_clusters: int | None):
    """(graph as float64 CSR matrix, labels as integers, number of parts), or an error that names the argument."""
    graph = as_graph(graph)
    labels = np.asarray(labels)
    if labels.shape != (graph.shape[0],) or labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be [{graph.shape[0]}] integers, got {labels.dtype} {labels.shape}")
    parts = int(labels.max()) + 1 if n_clusters is None else n_clusters
    if labels.min() < 0 or labels.max() >= parts:
        raise ValueError(f"labels must lie in 0..{parts - 1}, got {labels.min()}..{labels.max()}")
    return graph, labels.astype(np.intp), parts
