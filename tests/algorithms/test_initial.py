"""The clustering that ASPC-DA's fine-tuning begins with, by any clusterer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster import clusterers, metrics
from jaxcluster.algorithms import aspc
from jaxcluster.algorithms.initial import initial_clustering
from tests.algorithms.test_aspc import KEY, SHAPE, N, first_states, small


@pytest.mark.parametrize(
    "method",
    [
        "kmeans",
        *(pytest.param(m, marks=pytest.mark.long) for m in ("spectral", "block_model")),
        "ward",
        "mixture",
        "rcc",
    ],
)
def test_training_begins_with_the_clusters_of_any_method(method):
    """Three groups that lie apart; each center is the mean of its cluster. RCC finds their number."""
    truth = np.arange(N) % 3
    points = (9 * np.eye(4)[truth] + 0.1 * np.random.default_rng(0).normal(size=(N, 4))).astype(np.float32)
    config = small(initial__method=method)
    config.n_clusters = 5 if method == "rcc" else 3
    phase = aspc.build(config, num_samples=N, sample_shape=SHAPE, offset=0.0, scale=1.0).phases[1]
    model = first_states()[0].params
    state = phase.begin(model, {"embedding": jnp.asarray(points)}, None, KEY, lambda: None)
    assert metrics.nmi(truth, state.labels) == 1
    for k in range(3):
        np.testing.assert_allclose(state.centers[k], points[np.asarray(state.labels) == k].mean(0), rtol=1e-4)
    np.testing.assert_array_equal(state.weights, 1)
    template = phase.template() if phase.n_clusters is None else phase.template(phase.n_clusters(state))
    assert jax.tree.map(jnp.shape, state) == jax.tree.map(jnp.shape, template)


def test_what_rcc_leaves_unassigned_has_no_weight_at_first(monkeypatch):
    points = jnp.asarray([[0.0, 0.0], [0.0, 1.0], [9.0, 0.0], [5.0, 0.0]])
    found = clusterers.METHODS["rcc"](KEY, np.asarray(points), None)._replace(
        labels=np.array([0, 0, 1, -1], np.int32), centers=np.array([[0, 0.5], [9, 0]])
    )
    monkeypatch.setitem(clusterers.METHODS, "rcc", lambda *_, **__: found)
    settings = small(initial__method="rcc").initial
    start = initial_clustering(settings, KEY, points, 7, lambda: None)
    np.testing.assert_array_equal(start.labels, [0, 0, 1, 1])
    np.testing.assert_array_equal(start.weights, [1, 1, 1, 0])
    nothing = found._replace(labels=np.full(4, -1, np.int32), centers=np.zeros((0, 2)))
    monkeypatch.setitem(clusterers.METHODS, "rcc", lambda *_, **__: nothing)
    start = initial_clustering(settings, KEY, points, 7, lambda: None)
    np.testing.assert_array_equal(start.centers, [[3.5, 0.25]])
    np.testing.assert_array_equal(start.labels, 0)
