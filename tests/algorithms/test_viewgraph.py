"""The view graph method: new labels and selection by hand, and small trainings as a whole."""

import functools
import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster import algorithms, clusterers
from jaxcluster.algorithms import viewgraph
from jaxcluster.algorithms.viewgraph import train as train_module
from jaxcluster.algorithms.viewgraph.algorithm import length_of_training
from jaxcluster.algorithms.viewgraph.inputs import Neighborhood, make_inputs
from jaxcluster.algorithms.viewgraph.relabel import select, smooth
from jaxcluster.metrics import clustering
from jaxcluster.protocol import Batch
from jaxcluster.runtime import trainer
from jaxcluster.runtime.progress import Reporter
from jaxcluster.runtime.signals import Interrupted

KEY = jax.random.key(0)
N, K = 60, 3
TRUTH = np.arange(N) % K
TOUCHING, APART = 2.0, 12.0  # distances of the middles of clusters, in standard deviations


def images(side=8):
    """Three blobs in different places, and noise."""
    rng = np.random.default_rng(0)
    middles = np.zeros((K, side, side))
    for i, place in enumerate(((1, 1), (1, side - 3), (side - 3, 2))):
        middles[i, place[0] : place[0] + 2, place[1] : place[1] + 2] = 200
    return (middles[TRUTH] + rng.integers(0, 50, (N, side, side))).astype(np.uint8)[..., None]


def vectors(gap, columns=4):
    rng = np.random.default_rng(1)
    return (gap * np.eye(K, columns)[TRUTH] + rng.standard_normal((N, columns))).astype(np.float32)


def settings(**changes):
    config = viewgraph.get_config()
    config.n_clusters, config.network.hidden = K, (16,)
    config.graph.views, config.graph.n_vector_neighbors = 1, 10
    config.train.epochs, config.train.batch_size, config.partition.n_init = 12, 16, 1
    for name, value in changes.items():
        group, _, field = name.rpartition("__")
        (config[group] if group else config)[field] = value
    viewgraph.check(config, N)
    return config


def build(config, shape):
    scale = 1 / 255 if len(shape) == 3 else 1.0
    return viewgraph.build(config, num_samples=N, sample_shape=shape, offset=0.0, scale=scale)


def train(config, samples, **options):
    algorithm = build(config, samples.shape[1:])
    reporter = options.pop("reporter", Reporter(io.StringIO()))
    return algorithm, trainer.train(algorithm, samples, seed=0, reporter=reporter, **options)


@functools.cache
def begun(gap=TOUCHING, **changes):
    """The phase for two members, and its first state: of vectors, or of images for a gap of None."""
    samples = images() if gap is None else vectors(gap)
    phase = build(settings(ensemble=2, **changes), samples.shape[1:]).phases[0]
    return phase, phase.begin(None, None, samples, KEY, lambda: None)


@functools.cache
def compiled_step():
    return jax.jit(begun()[0].step)


def begun_apart():
    return begun(APART, n_clusters=0, partition__most_clusters=5)


def test_smoothing_by_hand():
    probabilities = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    index = np.array([[1, 2], [0, 2], [0, 1]])
    weights = np.array([[0.25, 0.75], [1.0, 0.0], [0.0, 0.0]])
    found = jax.jit(smooth)(probabilities, index, weights)
    # Sample 0: half of (1, 0), half of .25 (0, 1) + .75 (.5, .5); sample 2 has no neighbors.
    np.testing.assert_allclose(found, [[0.6875, 0.3125], [0.5, 0.5], [0.5, 0.5]], rtol=1e-6)


def test_selection_takes_the_surest_of_each_cluster():
    losses = np.array([0.1, 0.4, 0.2, 0.3, 9.0, 7.0, 8.0, 6.0, 5.0, 1.0])
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 3])
    selected = jax.jit(select, static_argnums=3)
    found = selected(losses, labels, 0.75, 5)
    # Three of four of both large clusters, though all of the second have larger losses; clusters of one stay whole.
    np.testing.assert_array_equal(found, [1, 0, 1, 1, 0, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(selected(losses, labels, 1.0, 5), 1)
    np.testing.assert_array_equal(selected(np.ones(10), labels, 0.5, 5), 1)


@pytest.mark.parametrize(
    ("num_samples", "wanted"),
    [
        (100, (72, 16)),
        (1797, (24, 32)),
        (9298, (24, 256)),
        (10_000, (24, 256)),
        (70_000, (9, 256)),
        (280_000, (8, 256)),
    ],
)
def test_length_of_training(num_samples, wanted):
    assert length_of_training(viewgraph.get_config().train, num_samples) == wanted


def test_images_are_clustered_and_new_ones_are_predicted():
    algorithm, trained = train(settings(ensemble=2), images())
    outputs = algorithm.outputs(trained.model, trained.rows)
    assert clustering.accuracy(TRUTH, outputs.labels) == 1
    assert clustering.accuracy(TRUTH, trained.start["labels"]) == 1
    np.testing.assert_allclose(outputs.probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(outputs.probabilities.argmax(axis=1), outputs.labels)
    np.testing.assert_allclose(outputs.confidence, outputs.probabilities.max(axis=1), rtol=1e-6)
    assert outputs.centers.shape == (K, outputs.embedding.shape[1])
    # Prediction needs the model alone, and each row its own image.
    phase = algorithm.phases[0]
    other = jax.jit(phase.observe)(trained.model, images()[7:9], KEY, np.arange(2))
    np.testing.assert_allclose(other["probabilities"].mean(axis=1), outputs.probabilities[7:9], atol=1e-5)
    assert len(trained.history) == 12
    assert {"loss", "change", "moved", "view_agreement", "selected"} <= set(trained.history[0])


def test_labels_are_kept_until_it_is_time_to_renew_them():
    phase = build(settings(ensemble=2, train__relabel_vectors_after=0.5), (4,)).phases[0]
    _, state = begun()
    partition = np.asarray(state.partition)
    probabilities = np.repeat(np.eye(K, dtype=np.float32)[(partition + 1) % K][:, None], 2, axis=1)
    rows = {"probabilities": probabilities, "view": probabilities, "embedding": np.ones((N, 16), np.float32)}
    update = jax.jit(phase.update)
    early, info = update(state, rows, 4)
    np.testing.assert_array_equal(early.targets, state.targets)
    assert info["change"] == 0
    assert info["network_agreement"] == 0
    late, info = update(state, rows, 5)
    np.testing.assert_array_equal(late.labels, (partition + 1) % K)
    assert info["change"] == info["moved"] == 1
    assert "100% of the samples have left" in phase.warning({name: float(value) for name, value in info.items()})
    fixed = build(settings(ensemble=2, train__relabel_vectors_after=1.0), (4,)).phases[0]
    never, _ = jax.jit(fixed.update)(state, rows, 11)
    np.testing.assert_array_equal(never.labels, partition)
    _, apart = begun_apart()
    kept, info = update(apart, rows, 5)  # where clusters lie apart, views and new labels cannot help
    np.testing.assert_array_equal(kept.labels, apart.partition)
    np.testing.assert_array_equal(kept.targets, apart.targets)
    assert info["moved"] == 0
    assert info["selected"] == 1


def test_the_running_mean_forgets_the_first_weights_fast():
    """w̄ ← c w̄ + (1 − c) w with c = (1 + t) / (10 + t) at first: .1, then 2 / 11."""
    _, state = begun()
    index = np.arange(8, dtype=np.int32)
    batch = Batch(vectors(TOUCHING)[:8], index, index, np.ones(8, bool))
    expected = np.asarray(state.average["head"]["kernel"])
    for share in (0.1, 2 / 11):
        state, _ = compiled_step()(state, batch, KEY)
        expected = share * expected + (1 - share) * np.asarray(state.params["head"]["kernel"])
        np.testing.assert_allclose(state.average["head"]["kernel"], expected, rtol=1e-5)


def test_padding_and_unselected_samples_count_nowhere():
    _, state = begun()
    index = np.arange(8, dtype=np.int32)
    state = state._replace(weights=np.where(np.arange(N) == 2, 0, np.ones((2, N), np.float32)).T)

    def run(samples, valid):
        return compiled_step()(state, Batch(samples, index, index, valid), KEY)

    samples, some = vectors(TOUCHING)[:8], np.arange(8) != 4
    after, info = run(samples, some)
    samples[4], samples[2] = np.nan, 0
    other, _ = run(samples, some)
    for one, two in zip(jax.tree.leaves(after.params), jax.tree.leaves(other.params), strict=True):
        np.testing.assert_array_equal(one, two)
    assert info["loss"][1] == 2 * 6  # two members, six samples each
    kernels = np.asarray(after.params["head"]["kernel"])
    assert (kernels[0] != kernels[1]).any()


def test_the_first_state_has_the_shapes_of_the_template():
    for phase, state in (begun(None), begun()):
        kinds = [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(phase.template(K))]
        assert kinds == [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(state)]
        assert jax.tree.structure(phase.template(K)) == jax.tree.structure(state)


def test_a_number_of_clusters_that_the_graph_suggests():
    phase, state = begun_apart()
    assert phase.n_clusters(state) == K
    assert clustering.accuracy(TRUTH, state.partition) == 1


def test_views_help_where_clusters_touch():
    _, touching = begun()
    assert touching.strength == 1
    points = np.asarray(touching.points)
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(points.std(axis=0), 1, rtol=1e-4)
    assert begun_apart()[1].strength == 0


@pytest.mark.long
def test_vectors_whose_clusters_lie_apart_keep_their_partition():
    algorithm, trained = train(settings(train__epochs=0), vectors(APART))
    np.testing.assert_array_equal(algorithm.outputs(trained.model, trained.rows).labels, trained.start["labels"])
    assert all(record["moved"] == 0 and record["selected"] == 1 for record in trained.history)


def test_views_of_vectors():
    config = viewgraph.get_config().augment
    inputs = make_inputs(config, (40,), 0.0, 1.0)
    points = np.random.default_rng(0).standard_normal((500, 40)).astype(np.float32) * 3 + 1
    frame = inputs.fit(points)
    clean = np.asarray(jax.jit(inputs.clean)(frame, points))
    far = np.stack([np.full(40, 1000, np.float32), np.full(40, -500, np.float32)])
    near = Neighborhood(np.tile(np.array([1, 0], np.int32), (500, 1)), np.tile(np.float32([0.25, 0.75]), (500, 1)), far)

    @jax.jit
    def view_of(strength):
        return inputs.view(frame, KEY, points, np.arange(500), strength, jax.tree.map(jnp.asarray, near))

    view = np.asarray(view_of(1.0))
    hidden = view == 0
    assert abs(hidden.mean() - config.masked) < 0.01
    up = np.sum(np.where(hidden, 0, view - clean), axis=1, keepdims=True) > 0  # towards 1000; else towards -500
    assert abs(up.mean() - 0.75) < 0.06
    step = (view - clean) / (np.where(up, 1000.0, -500.0) - clean)
    step = np.where(hidden, np.nan, step)
    assert np.nanmax(np.nanmax(step, axis=1) - np.nanmin(step, axis=1)) < 1e-4  # one length for all features
    assert np.nanmin(step) >= 0
    assert 0.45 < np.nanmax(step) <= config.step
    np.testing.assert_array_equal(view_of(0.0), clean)


def test_many_columns_are_reduced_for_the_network():
    inputs = make_inputs(viewgraph.get_config().augment, (310,), 0.0, 1.0)
    points = np.random.default_rng(0).standard_normal((70, 310)).astype(np.float32)
    frame = inputs.fit(points)
    assert jax.eval_shape(inputs.clean, frame, points).shape == (70, 50) == (70, *inputs.shape)
    assert {name: leaf.shape for name, leaf in frame.items()} == {
        name: kind.shape for name, kind in inputs.frame.items()
    }


def test_the_partition_is_that_of_the_graph():
    _, state = begun(None)
    found = clusterers.view_neighbors(images(), views=1)
    np.testing.assert_array_equal(state.index, found.index)
    np.testing.assert_allclose(np.sum(state.edges, axis=1), 1, rtol=1e-5)


def test_settings_are_refused_by_name():
    config = viewgraph.get_config()
    config.graph.views = 12
    with pytest.raises(ValueError, match=r"config.graph.views must be 1, 13, 25 or 73, got 12"):
        viewgraph.check(config, N)
    config = viewgraph.get_config()
    config.n_clusters = -1
    with pytest.raises(ValueError, match=r"config.n_clusters must be a whole number between 0 and .*, got -1"):
        viewgraph.check(config, N)
    for name in viewgraph.VARIANTS:
        viewgraph.check(viewgraph.apply_variant(viewgraph.get_config(), name), N)
    with pytest.raises(ValueError, match=r"the variant must be one of default, .*, got 'deflaut'"):
        viewgraph.apply_variant(viewgraph.get_config(), "deflaut")
    assert algorithms.get("viewgraph") is viewgraph.METHOD


class Stopping(Reporter):
    """Asks for the end in the middle of the third epoch."""

    def __init__(self):
        self.epoch = 0.0
        super().__init__(io.StringIO())

    def update(self, epoch, figures):
        self.epoch = epoch
        super().update(epoch, figures)

    def poll(self):
        if self.epoch > 2:
            raise Interrupted(2)


@pytest.mark.long
def test_an_interrupted_training_goes_on_bit_for_bit_without_the_graph(tmp_path, monkeypatch):
    config = settings(n_clusters=0, partition__most_clusters=4, train__epochs=4, ensemble=2)
    _, whole = train(config, vectors(TOUCHING))
    reporter = Stopping()
    with pytest.raises(Interrupted):
        train(config, vectors(TOUCHING), workdir=tmp_path, reporter=reporter, poll=reporter.poll)
    monkeypatch.setattr(train_module, "make_start", None)  # the graph comes from the checkpoint
    _, resumed = train(config, vectors(TOUCHING), workdir=tmp_path)
    for one, two in zip(jax.tree.leaves(whole.model), jax.tree.leaves(resumed.model), strict=True):
        np.testing.assert_array_equal(one, two)
    assert [record["loss"] for record in whole.history] == [record["loss"] for record in resumed.history]


@pytest.mark.long
def test_two_devices_train_as_one():
    # The mean loss is that of the global batch, so that a short run differs by rounding alone.
    config = settings(train__epochs=1, ensemble=2)
    _, one = train(config, vectors(TOUCHING))
    _, two = train(config, vectors(TOUCHING), device_list=jax.devices()[:2])
    for alone, shared in zip(jax.tree.leaves(one.model), jax.tree.leaves(two.model), strict=True):
        np.testing.assert_allclose(alone, shared, atol=1e-4)
