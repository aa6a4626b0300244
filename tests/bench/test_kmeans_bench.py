"""k-means against scikit-learn's at 20 restarts: CPU time, ratios in one run.

OMP_NUM_THREADS=1 python -m pytest -m bench tests/bench/test_kmeans_bench.py -s
"""

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.cluster import KMeans

from jaxcluster import clusterers


def data(n, d, clusters=10):
    """Overlapping clusters in few directions, as embeddings and images have them."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(clusters, d))
    inner = rng.normal(size=(n, 8)) @ rng.normal(size=(8, d))
    return (centers[rng.integers(0, clusters, n)] + inner + 0.5 * rng.normal(size=(n, d))).astype(np.float32)


def seconds(call):
    start = time.process_time(), time.perf_counter()
    result = call()
    return time.process_time() - start[0], time.perf_counter() - start[1], result


@pytest.mark.bench
@pytest.mark.parametrize(("n", "d"), [(9298, 10), (10_000, 784)])
def test_k_means_against_scikit_learn(n, d):
    points = data(n, d)
    on_device = jnp.asarray(points)
    key = jax.random.key(0)

    def ours():
        return jax.block_until_ready(clusterers.kmeans(key, on_device, 10, slice_iterations=10))

    ours()  # compiles
    cpu, wall, found = seconds(ours)
    their_cpu, their_wall, theirs = seconds(lambda: KMeans(10, n_init=20, random_state=0).fit(points))
    print(
        f"\n{n} x {d}: CPU time {cpu / their_cpu:.2f} of scikit-learn's, wall time {wall / their_wall:.2f}, "
        f"sum of squares {float(found.inertia) / theirs.inertia_:.5f}"
    )
