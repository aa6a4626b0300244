"""The honest table: common clusterers beside those of this package, on the same samples, timed on one core.

    pip install -e ".[peers]"
    OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 taskset -c 0 python -m configs.records.peers \
        --usps=usps.npz --data_dir=$TFDS_DATA_DIR --output=configs/records/peers.json

Every cell is one set, one method, one seed. A cell that is in the output file is kept as it is, and the file is written
after every cell, so that the command goes on where it was stopped. Every method has one setting for all sets, none of
them chosen by accuracy:

- k-means: scikit-learn, best of 10 starts, on the columns as they are (pixels in [0, 1]).
- GMM: Gaussian mixture with full covariances, on the first 50 principal axes where there are more columns than 50.
- spectral: normalized Laplacian of the graph of 10 nearest neighbors, then k-means.
- UMAP + GMM, UMAP + HDBSCAN: what UMAP's documentation gives for clustering (30 neighbors, min_dist 0, 2 dimensions).
- HDBSCAN: min_samples 10, smallest cluster n/140 but at least 15 (its documentation's 500 of MNIST's 70,000). It finds
  the number of clusters itself; all other methods are told the number of classes.
- graph alone: `view_graph` or `vector_graph`, then `partition_graph`. View graph: `jaxcluster.ViewGraph`, defaults.

A sample that is not assigned counts as wrong in ACC, and all of them together as one cluster in NMI. Seconds are those
of the processor (all threads, and child processes). The median over the seeds is shown and, in parentheses, the largest
where it is more than twice that: the first cell of a process also pays for imports and compiling. What two cells share,
UMAP's embedding and the graph, is computed once and counted in both. Rows marked "recorded" are read from the summaries
in this folder: their seconds are of the wall clock, and stand in another column.
"""

import argparse
import importlib.metadata
import json
import pathlib
import resource
import time
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from configs.records.partition_study import environment
from configs.records.peers_table import METHODS, SETS, table
from jaxcluster import metrics


class Samples(NamedTuple):
    """One set."""

    points: np.ndarray  # [n, d] float32
    images: np.ndarray | None  # [n, h, w, c] in [0, 1]; None for feature vectors
    labels: np.ndarray  # [n], for scoring alone

    @property
    def n_clusters(self) -> int:
        """Number of classes, which all methods but HDBSCAN are told."""
        return len(np.unique(self.labels))


@lru_cache(maxsize=len(SETS))
def load(name: str, usps: str = "", data_dir: str = "") -> Samples:
    from jaxcluster import data

    if name == "breast_cancer":
        from sklearn.datasets import load_breast_cancer

        x, y = load_breast_cancer(return_X_y=True)
        return Samples(((x - x.mean(0)) / x.std(0)).astype(np.float32), None, y)
    if name == "usps":
        found = data.load(path=usps, progress=False)
    elif name in ("digits", "digits_vectors"):
        found = data.load(name="digits", progress=False)
    else:
        tfds = {"mnist_test": "mnist", "fashion_test": "fashion_mnist"}[name]
        found = data.load(name=tfds, split="test", data_dir=data_dir, progress=False)
    images = ((found.images - found.offset) * found.scale).astype(np.float32)
    points = images.reshape(len(images), -1)
    return Samples(points, None if name == "digits_vectors" else images, np.asarray(found.labels))


def cpu_seconds() -> float:
    """Seconds of the processor that this process and its finished children have used."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def shared(compute: Callable) -> Callable:
    """Keep the last results of a function, with their seconds, for other cells that need them."""

    @lru_cache(maxsize=len(SETS))
    def timed(*arguments):
        started = cpu_seconds()
        return compute(*arguments), cpu_seconds() - started

    return timed


def kmeans(samples: Samples, seed: int) -> tuple[np.ndarray, float]:
    from sklearn.cluster import KMeans

    return KMeans(samples.n_clusters, n_init=10, random_state=seed).fit_predict(samples.points), 0.0


def gmm(samples: Samples, seed: int) -> tuple[np.ndarray, float]:
    from sklearn.decomposition import PCA

    points = samples.points.astype(np.float64)
    if points.shape[1] > 50:
        points = PCA(50, random_state=seed).fit_transform(points)
    return _mixture(points, samples.n_clusters, seed), 0.0


def spectral(samples: Samples, seed: int) -> tuple[np.ndarray, float]:
    from sklearn.cluster import SpectralClustering

    method = SpectralClustering(
        samples.n_clusters, affinity="nearest_neighbors", n_neighbors=10, random_state=seed, n_jobs=1
    )
    return method.fit_predict(samples.points), 0.0


def umap_gmm(samples: Samples, seed: int) -> tuple[np.ndarray, float]:
    embedding, seconds = _umap(_Same(samples), seed)
    return _mixture(embedding.astype(np.float64), samples.n_clusters, seed), seconds


def umap_hdbscan(samples: Samples, seed: int) -> tuple[np.ndarray, float]:
    from hdbscan import HDBSCAN

    embedding, seconds = _umap(_Same(samples), seed)
    smallest = max(15, len(embedding) // 140)
    method = HDBSCAN(min_cluster_size=smallest, min_samples=10, prediction_data=True, core_dist_n_jobs=1)
    return method.fit_predict(embedding.astype(np.float64)), seconds


def graph(samples: Samples, seed: int) -> tuple[np.ndarray, float]:
    import jax

    from jaxcluster import clusterers

    found, seconds = _graph(_Same(samples))
    return clusterers.partition_graph(jax.random.key(seed), found, samples.n_clusters).labels, seconds


def viewgraph(samples: Samples, seed: int) -> tuple[np.ndarray, float]:
    from jaxcluster import ViewGraph

    data = samples.points if samples.images is None else samples.images
    return ViewGraph(n_clusters=samples.n_clusters, random_state=seed).fit_predict(data), 0.0


FUNCTIONS = {f.__name__: f for f in (kmeans, gmm, spectral, umap_gmm, umap_hdbscan, graph, viewgraph)}


class _Same:
    """Samples as an argument that a cache can compare: the same object is the same set."""

    def __init__(self, samples: Samples):
        self.samples = samples

    def __hash__(self):
        return id(self.samples.points)

    def __eq__(self, other):
        return self.samples.points is other.samples.points and self.samples.images is other.samples.images


@shared
def _umap(same: _Same, seed: int) -> np.ndarray:
    from umap import UMAP

    return UMAP(n_neighbors=30, min_dist=0.0, n_components=2, random_state=seed, n_jobs=1).fit_transform(
        same.samples.points
    )


@shared
def _graph(same: _Same):
    from jaxcluster import clusterers

    samples = same.samples
    if samples.images is None:
        return clusterers.vector_graph(samples.points)
    return clusterers.view_graph(samples.images)


def _mixture(points: np.ndarray, n_clusters: int, seed: int) -> np.ndarray:
    from sklearn.mixture import GaussianMixture

    return GaussianMixture(n_clusters, covariance_type="full", random_state=seed).fit_predict(points)


def score(labels_true: np.ndarray, labels: np.ndarray) -> dict[str, float | int]:
    """ACC and NMI over all samples, where −1 is "not assigned"; see the head of this file."""
    labels = np.asarray(labels)
    assigned = labels >= 0
    share = float(assigned.mean())
    acc = metrics.accuracy(labels_true[assigned], labels[assigned]) * share if assigned.any() else 0.0
    return {
        "acc": round(acc, 5),
        "nmi": round(metrics.nmi(labels_true, labels), 5),
        "assigned": round(share, 5),
        "clusters": len(np.unique(labels[assigned])),
    }


def measure(method: str, samples: Samples, seed: int) -> dict:
    """One cell: scores and seconds."""
    started, reused = cpu_seconds(), 0.0
    hits = [cache.cache_info().hits for cache in (_umap, _graph)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # graphs in several parts, a seed that makes UMAP use one thread
        labels, part = FUNCTIONS[method](samples, seed)
    if [cache.cache_info().hits for cache in (_umap, _graph)] != hits:
        reused = part
    seconds = cpu_seconds() - started + reused
    return score(samples.labels, labels) | {"cpu_seconds": round(seconds, 2)}


def _versions() -> dict[str, str]:
    found = {}
    for name in ("umap-learn", "hdbscan", "numba"):  # the commit says which jaxcluster
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _names(text: str, allowed) -> list[str]:
    names = text.split(",") if text else list(allowed)
    for name in names:
        if name not in allowed:
            raise SystemExit(f"{name!r} is none of {', '.join(allowed)}")
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--usps", default="usps.npz", help="file with the USPS digits, [n, 16, 16, 1] and labels")
    parser.add_argument("--data_dir", default="", help="where TensorFlow Datasets lie; $TFDS_DATA_DIR by default")
    parser.add_argument("--sets", default="", help=f"of {','.join(SETS)}; all by default")
    parser.add_argument("--methods", default="", help=f"of {','.join(METHODS)}; all by default; none: the table alone")
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--output", default=str(pathlib.Path(__file__).with_suffix(".json")))
    options = parser.parse_args()
    output = pathlib.Path(options.output)
    record = json.loads(output.read_text()) if output.exists() else {"cells": {}}
    methods = [] if options.methods == "none" else _names(options.methods, METHODS)
    made_by = environment()
    made_by["versions"] = made_by["versions"] | _versions()
    for seed in options.seeds.split(","):
        for name in _names(options.sets, SETS):
            for method in methods:
                cells = record["cells"].setdefault(name, {}).setdefault(method, {})
                if seed in cells:
                    continue
                samples = load(name, options.usps, options.data_dir)
                cells[seed] = measure(method, samples, int(seed)) | made_by
                output.write_text(json.dumps(record, indent=1) + "\n")
                print(name, seed, method, json.dumps(cells[seed])[:120], flush=True)
    print(table(record))


if __name__ == "__main__":
    main()
