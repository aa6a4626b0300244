"""Which preprocessing of feature vectors shows clusters: chosen without labels.

For every candidate, samples are joined with their nearest neighbors and the graph is cut into clusters. A preprocessing
is good if the cut is small beside the cuts of data without structure, made from the same values, and if subsamples are
cut alike:

    score = stability * log[(cut_a + e) (cut_b + e) / (cut + e)^2],    e = 0.03,

where cut is the mean conductance of the clusters; cut_a is that of data whose columns are shuffled each for itself,
which keeps every column's values; cut_b that of data whose principal components are, which keeps the covariances; and
stability is the mean adjusted Rand index between the clusters of all samples and those of subsamples of 70 %. The cut
alone would reward whatever stretches the data into one dimension: one column in large units.
"""

import warnings
from collections.abc import Callable

import numpy as np

from jaxcluster.data import features

__all__ = ["CANDIDATES", "choose", "scores"]

CANDIDATES = ("none", "feature", "row", "both")
FEWEST = 100  # samples; below it, cuts say little and columns get the same weight
MOST = 1500  # samples looked at
NEIGHBORS = 15
WIDE = 300  # columns; of more, the leading principal components are looked at
COMPONENTS = 50
NUMBERS = (4, 8, 16)  # of clusters, where the number is not known
OFFSET = 0.03
DRAWS = 2


def choose(x: np.ndarray, n_clusters: int | None, where: str, report: Callable[[str], None]) -> str:
    """Choose one of `CANDIDATES` by the score above, and report it.

    Args:
        x: [n, d] finite numbers.
        n_clusters: how many clusters are looked for; None: the mean score over 4, 8 and 16 decides.
        where: field and value, as errors name them.
        report: takes a sentence for the user.

    Returns:
        The name of the preprocessing. Fewer than 100 samples, or one column, get "feature"; where columns differ in
        unit, only "feature" and "both" are considered, as the others would let the largest unit decide.
    """
    if len(x) < FEWEST or x.shape[1] == 1 or (x == x[:1]).all():
        return "feature"
    found = scores(x, n_clusters)
    if features.differ_in_unit(x, features.moments(x)[1]):
        found = {name: found[name] for name in ("feature", "both")}
    best = max(found, key=found.get)
    listed = ", ".join(f"{name} {score:.2f}" for name, score in found.items())
    report(f"{where}: data.scaling=auto chose '{best}' (scores without labels: {listed})")
    return best


def scores(x: np.ndarray, n_clusters: int | None = None) -> dict[str, float]:
    """The score of every candidate.

    Args:
        x: [n, d] finite numbers.
        n_clusters: how many clusters are looked for; None: see `NUMBERS`.

    Returns:
        Scores by name; higher is better, 0 is what data without structure have.
    """
    rng = np.random.default_rng(0)
    if len(x) > MOST:
        x = x[np.sort(rng.choice(len(x), MOST, replace=False))]
    x = x.astype(np.float64)
    x = x[:, (x != x[:1]).any(0)]
    if x.shape[1] > WIDE:
        x = _principal(x)[:, :COMPONENTS]
    most = max(2, len(x) // (2 * NEIGHBORS))
    numbers = [k for k in ([n_clusters] if n_clusters else NUMBERS) if 2 <= k <= most] or [min(most, n_clusters or 4)]
    return {name: float(np.mean(_score(x, name, numbers, rng))) for name in CANDIDATES}


def _score(x: np.ndarray, scaling: str, numbers: list[int], rng: np.random.Generator) -> np.ndarray:
    """[len(numbers)] scores of one preprocessing."""
    z = _preprocessed(x, scaling)
    cuts, labels = zip(*_clusters(z, numbers))
    shuffled = [_clusters(_preprocessed(rng.permuted(x, axis=0), scaling), numbers) for _ in range(DRAWS)]
    scores_of_axes = _principal(z)
    rotated = [_clusters(rng.permuted(scores_of_axes, axis=0), numbers) for _ in range(DRAWS)]
    cut_a, cut_b = (np.mean([[cut for cut, _ in draw] for draw in draws], axis=0) for draws in (shuffled, rotated))
    gain = np.log((cut_a + OFFSET) * (cut_b + OFFSET) / (np.array(cuts) + OFFSET) ** 2)
    return np.array(_stability(z, labels, numbers, rng)) * gain


def _preprocessed(x: np.ndarray, scaling: str) -> np.ndarray:
    fitted = features.fit(x, scaling, "", lambda sentence: None)
    return features.apply(fitted, x - x.mean(0) if scaling == "none" else x)


def _principal(x: np.ndarray) -> np.ndarray:
    centered = x.astype(np.float64) - x.mean(0, dtype=np.float64)
    _, axes = np.linalg.eigh(centered.T @ centered)
    return centered @ axes[:, ::-1]


def _stability(z, labels, numbers: list[int], rng: np.random.Generator) -> list[float]:
    from sklearn.metrics import adjusted_rand_score

    agreement = []
    for _ in range(DRAWS):
        rows = np.sort(rng.choice(len(z), int(0.7 * len(z)), replace=False))
        part = _clusters(z[rows], numbers)
        agreement.append([adjusted_rand_score(whole[rows], own) for whole, (_, own) in zip(labels, part)])
    return np.maximum(np.mean(agreement, 0), 0).tolist()


def _clusters(z: np.ndarray, numbers: list[int]) -> list[tuple[float, np.ndarray]]:
    """For each number of clusters, the mean conductance of a spectral partition and its labels."""
    from sklearn.cluster import KMeans

    graph = _graph(z)
    vectors = _eigenvectors(graph, max(numbers))
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer distinct points than clusters
        for k in numbers:
            directions = vectors[:, :k]
            length = np.linalg.norm(directions, axis=1, keepdims=True)
            labels = KMeans(k, n_init=3, random_state=0).fit_predict(directions / np.where(length > 0, length, 1))
            found.append((_conductance(graph, labels), labels))
    return found


def _graph(z: np.ndarray):
    """Samples joined with their nearest neighbors; the weight is the share of neighbors that two have in common."""
    from scipy import sparse
    from sklearn.neighbors import NearestNeighbors

    n, k = len(z), min(NEIGHBORS, len(z) - 1)
    near = NearestNeighbors(n_neighbors=k + 1).fit(z).kneighbors(z, return_distance=False)
    near[:, 0] = np.where((near == np.arange(n)[:, None]).any(1), near[:, 0], np.arange(n))  # self among duplicates
    members = sparse.csr_array((np.ones(near.size), near.ravel(), np.arange(0, near.size + 1, k + 1)), shape=(n, n))
    joined = ((members + members.T) > 0).astype(np.float64)
    common = (members @ members.T).multiply(joined).tocsr()
    common.data /= 2 * (k + 1) - common.data
    common.setdiag(0)
    common.eliminate_zeros()
    return common


def _eigenvectors(graph, k: int) -> np.ndarray:
    """[n, k] leading eigenvectors of the graph's normalized adjacency matrix."""
    from scipy import sparse

    degree = np.asarray(graph.sum(1)).ravel()
    scale = sparse.diags_array(1 / np.sqrt(np.maximum(degree, 1e-12)))
    matrix = scale @ graph @ scale
    if graph.shape[0] <= 5 * k:
        return np.linalg.eigh(matrix.toarray())[1][:, ::-1][:, :k]
    start = np.random.default_rng(0).random(graph.shape[0])
    values, vectors = sparse.linalg.eigsh(matrix + sparse.eye_array(graph.shape[0]), k, which="LA", v0=start, tol=1e-4)
    return vectors[:, np.argsort(-values)]


def _conductance(graph, labels: np.ndarray) -> float:
    ones = np.eye(labels.max() + 1)[labels]
    volume = np.asarray(graph.sum(1)).ravel() @ ones
    inside = np.einsum("ij,ij->j", ones, graph @ ones)
    return float(np.mean(1 - inside[volume > 0] / volume[volume > 0]))
