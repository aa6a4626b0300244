"""How well a clustering agrees with given labels: accuracy, mutual information, Rand index.

Everything is read off one table n_jk = #{i : class of i is j, cluster of i is k}, so the names of classes and
clusters never matter: any integers or strings do, negative and not contiguous ones too. In particular -1 is a
group like the others; whoever means "noise" by it drops those samples first. The number of clusters need not
be that of classes.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["accuracy", "ari", "contingency", "evenness", "match", "matched_table", "nmi"]

DENSE_CELLS = 10_000_000  # largest table that is assigned as a whole; memory of a larger one follows n instead

_MEANS = {
    "arithmetic": lambda a, b: (a + b) / 2,
    "geometric": lambda a, b: float(np.sqrt(a * b)),
    "max": max,
    "min": min,
}


def contingency(labels_true, labels_pred) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count how often each class meets each cluster.

    n_jk = sum_i 1[labels_true_i = classes_j] 1[labels_pred_i = clusters_k]

    Args:
      labels_true: [n] the given labels; integers, booleans or strings.
      labels_pred: [n] the clusters.

    Returns:
      (table [classes, clusters] int64, classes [classes], clusters [clusters]); the names are sorted and only
      those that occur are listed, so no row or column is empty.
    """
    counts = _count(labels_true, labels_pred)
    return counts.table(), counts.classes, counts.clusters


def match(labels_true, labels_pred) -> dict:
    """Give each cluster a class of its own so that as many samples as possible keep their label.

    maximize sum_k n_{m(k), k} over one-to-one maps m (the assignment problem, solved by the Hungarian method)

    Args:
      labels_true: [n] the given labels.
      labels_pred: [n] the clusters.

    Returns:
      A dict {cluster: class} with min(#clusters, #classes) entries, in the order of the clusters. With more
      clusters than classes the clusters left over are absent. Several maps can be best; which of them is
      returned is unspecified.

    Reference: ASPC-DA (TKDE 2019), Eq. 19.
    """
    counts = _count(labels_true, labels_pred)
    rows, columns = _assignment(counts)
    pairs = sorted(zip(columns.tolist(), rows.tolist(), strict=True))
    return {counts.clusters[k].item(): counts.classes[j].item() for k, j in pairs}


def matched_table(labels_true, labels_pred) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the contingency table with its columns ordered so that matched pairs lie on the diagonal.

    Args:
      labels_true: [n] the given labels.
      labels_pred: [n] the clusters.

    Returns:
      (table [classes, clusters] int64, classes [classes], clusters [clusters]). Matched classes come first,
      in sorted order; a class without a cluster of its own and a cluster without a class come last, sorted as
      well.
    """
    counts = _count(labels_true, labels_pred)
    table, classes, clusters = counts.table(), counts.classes, counts.clusters
    rows, columns = _assignment(counts)
    rows = np.concatenate([rows, np.setdiff1d(np.arange(len(classes)), rows)])
    columns = np.concatenate([columns, np.setdiff1d(np.arange(len(clusters)), columns)])
    return table[np.ix_(rows, columns)], classes[rows], clusters[columns]


def accuracy(labels_true, labels_pred) -> float:
    """Share of samples whose cluster is matched with their class (ACC).

    ACC = max_m (1/n) sum_i 1[labels_true_i = m(labels_pred_i)],   m one-to-one

    Args:
      labels_true: [n] the given labels.
      labels_pred: [n] the clusters; their number may differ from that of the classes.

    Returns:
      A float in (0, 1]. It is the same with the two arguments exchanged. Clusters beyond the number of
      classes count as wrong, so splitting a class costs accuracy.

    Reference: ASPC-DA (TKDE 2019), Eq. 19.
    """
    counts = _count(labels_true, labels_pred)
    best = np.full(len(counts.classes), -1)
    rows, columns = _assignment(counts)
    best[rows] = columns
    return float(counts.n[best[counts.row] == counts.column].sum() / counts.n.sum())


def nmi(labels_true, labels_pred, *, average: str = "arithmetic") -> float:
    """Mutual information of classes and clusters, divided by a mean of their entropies (NMI).

    NMI = I(c; s) / mean(H(c), H(s)),   I = sum_jk p_jk log(p_jk / (p_j p_k))

    Args:
      labels_true: [n] the given labels.
      labels_pred: [n] the clusters.
      average: 'arithmetic', 'geometric', 'max' or 'min': which mean of the two entropies divides.

    Returns:
      A float in [0, 1], the same with the two arguments exchanged. If each side is one single group the
      partitions are equal and the value is 1; if only one side is, it is 0.

    Reference: ASPC-DA (TKDE 2019), Eq. 20 (arithmetic; scores published before 2019 often used the geometric
      mean).
    """
    if average not in _MEANS:
        raise ValueError(f"average must be one of {', '.join(_MEANS)}, got {average!r}")
    counts = _count(labels_true, labels_pred)
    j, k, shape = counts.row, counts.column, counts.shape
    if len(j) == shape[0] == shape[1]:  # the same partition: 1 exactly, not up to rounding
        return 1.0
    if 1 in shape:
        return 0.0
    n, joint = counts.n.sum(), counts.n.astype(np.float64)
    row, column = (sums.astype(np.float64) for sums in counts.sums())
    information = np.sum(joint / n * (np.log(joint) + np.log(n) - np.log(row[j]) - np.log(column[k])))
    value = information / _MEANS[average](_entropy(row), _entropy(column))
    return float(np.clip(value, 0.0, 1.0))


def ari(labels_true, labels_pred) -> float:
    """Agreement over pairs of samples, corrected for chance (adjusted Rand index, ARI).

    ARI = (S - A B / T) / ((A + B) / 2 - A B / T), with S = sum_jk C(n_jk, 2), A = sum_j C(n_j., 2),
    B = sum_k C(n_.k, 2), T = C(n, 2)

    Args:
      labels_true: [n] the given labels.
      labels_pred: [n] the clusters.

    Returns:
      A float at most 1 (equal partitions), 0 on average for random ones, possibly negative; the same with the
      two arguments exchanged. Two equal partitions score 1 also where the quotient is 0/0 (n = 1, one group,
      all groups of size one). The sums are exact integers: nothing overflows at any n.

    Reference: Hubert and Arabie (1985), Comparing partitions.
    """
    counts = _count(labels_true, labels_pred)
    both, row, column = (_pairs(each.tolist()) for each in (counts.n, *counts.sums()))
    total = _pairs([int(counts.n.sum())])
    if row == column == both:
        return 1.0
    return 2 * (total * both - row * column) / (total * (row + column) - 2 * row * column)


def evenness(labels_pred, *, n_clusters: int | None = None) -> float:
    """Tell how even the cluster sizes are; needs no labels.

    evenness = -(1 / log K) sum_k (n_k / n) log(n_k / n)

    Args:
      labels_pred: [n] the clusters.
      n_clusters: K, how many clusters there could be; by default the number that occurs. Empty ones lower the
        value.

    Returns:
      A float in [0, 1]: 1 if all K clusters have the same size, 0 if all samples are in one of several. With
      K = 1 it is 1.
    """
    counts = np.unique(_names("labels_pred", labels_pred), return_counts=True)[1]
    size = len(counts) if n_clusters is None else n_clusters
    if size < len(counts):
        raise ValueError(f"n_clusters must be at least the {len(counts)} clusters that occur, got {n_clusters}")
    return 1.0 if size == 1 else float(np.clip(_entropy(counts) / np.log(size), 0.0, 1.0))


class _Counts(NamedTuple):
    """The cells of a contingency table that are not 0, row by row."""

    classes: np.ndarray  # [classes] names
    clusters: np.ndarray  # [clusters] names
    row: np.ndarray  # [cells] class of each cell
    column: np.ndarray  # [cells] cluster
    n: np.ndarray  # [cells] samples, int64

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.classes), len(self.clusters)

    def table(self) -> np.ndarray:
        table = np.zeros(self.shape, np.int64)
        table[self.row, self.column] = self.n
        return table

    def sums(self) -> tuple[np.ndarray, np.ndarray]:
        """(samples of each class, samples of each cluster), int64."""
        sums = np.zeros(self.shape[0], np.int64), np.zeros(self.shape[1], np.int64)
        np.add.at(sums[0], self.row, self.n)
        np.add.at(sums[1], self.column, self.n)
        return sums


def _count(labels_true, labels_pred) -> _Counts:
    true, pred = _names("labels_true", labels_true), _names("labels_pred", labels_pred)
    if len(true) != len(pred):
        raise ValueError(f"labels_true and labels_pred must have the same length, got {len(true)} and {len(pred)}")
    classes, rows = np.unique(true, return_inverse=True)
    clusters, columns = np.unique(pred, return_inverse=True)
    cells, counts = np.unique(rows.astype(np.int64) * len(clusters) + columns, return_counts=True)
    return _Counts(classes, clusters, cells // len(clusters), cells % len(clusters), counts.astype(np.int64))


def _names(argument: str, values) -> np.ndarray:
    if np.ma.is_masked(values):
        raise ValueError(
            f"{argument} must be known for all samples, got {np.ma.getmaskarray(values).sum()} masked ones"
        )
    values = np.asarray(values)
    if values.ndim != 1:
        raise ValueError(f"{argument} must have shape [n], got {values.shape}")
    if len(values) == 0:
        raise ValueError(f"{argument} must not be empty")
    if values.dtype.kind in "OT":  # as pandas keeps text, and numbers beside missing ones
        values = _plain(argument, values)
    if values.dtype.kind == "f":
        whole = np.isfinite(values) & (values == np.floor(values))
        if not whole.all():
            raise ValueError(f"{argument} must hold names of groups, got {values[~whole][0]} among them")
    elif values.dtype.kind not in "biuUS":
        raise ValueError(f"{argument} must hold integers or strings, got dtype {values.dtype}")
    return values


def _plain(argument: str, values: np.ndarray) -> np.ndarray:
    names = values.tolist()
    for kinds in (str, bool | np.bool_, int | np.integer, int | float | np.integer | np.floating):
        if all(isinstance(name, kinds) for name in names):
            return np.array(names)
    types = ", ".join(sorted({type(name).__name__ for name in names}))
    raise ValueError(f"{argument} must hold integers or strings, got objects of types {types}")


def _assignment(counts: _Counts) -> tuple[np.ndarray, np.ndarray]:
    """(classes, clusters) that are matched, as positions."""
    n_classes, n_clusters = counts.shape
    if n_classes * n_clusters <= DENSE_CELLS:
        from scipy.optimize import linear_sum_assignment

        return linear_sum_assignment(counts.table(), maximize=True)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    # Each class has a column of its own to be left over with, at no gain: a matching of all classes always exists. One
    # is added to all weights, as a weight of 0 would be no edge; all matchings have as many edges, so none gains by it.
    left_over = np.arange(n_classes)
    weights = np.concatenate([counts.n + 1, np.ones(n_classes)])
    columns = np.concatenate([counts.column, n_clusters + left_over])
    edges = (np.concatenate([counts.row, left_over]), columns)
    graph = coo_array((weights, edges), shape=(n_classes, n_clusters + n_classes)).tocsr()
    rows, columns = min_weight_full_bipartite_matching(graph, maximize=True)
    matched = columns < n_clusters
    return rows[matched], columns[matched]


def _entropy(counts: np.ndarray) -> float:
    share = counts / counts.sum()
    return float(-np.sum(share * np.log(share)))


def _pairs(counts: list[int]) -> int:
    return sum(count * (count - 1) // 2 for count in counts)
