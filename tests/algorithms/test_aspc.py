"""ASPC-DA: its steps against plain ones, its rules against the paper's equations, and one against many devices."""

import functools
import re
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster.algorithms import aspc
from jaxcluster.protocol import Batch
from jaxcluster.runtime import devices, epochs

KEY = jax.random.key(0)
NOISE_ONLY = {"augment__rotation": 0.0, "augment__shift": 0.0, "augment__noise": 0.1}
N, SHAPE = 50, (6, 5, 1)


def images(dtype=np.uint8):
    return np.random.default_rng(0).integers(0, 256, (N, *SHAPE)).astype(dtype)


def small(**changes):
    """Settings for three clusters of 50 small images; field__name=value changes one."""
    config = aspc.get_config()
    config.n_clusters = 3
    config.network.hidden = (16, 12)
    config.network.embedding = 4
    config.pretrain.batch_size = config.finetune.batch_size = 16
    for field, value in changes.items():
        room, name = field.split("__")
        config[room][name] = value
    aspc.check(config, N)
    return config


@functools.cache
def build(**changes):
    """A small ASPC-DA whose steps and updates are compiled, as the trainer compiles them."""
    algorithm = aspc.build(small(**changes), num_samples=N, sample_shape=SHAPE, offset=0.0, scale=1 / 255)
    return algorithm._replace(phases=tuple(compiled(phase) for phase in algorithm.phases))


def compiled(phase):
    update = None if phase.update is None else jax.jit(phase.update)
    step = jax.jit(phase.step, static_argnames="axis_name")
    return phase._replace(step=step, observe=jax.jit(phase.observe), update=update)


def batch_of(index, valid=None):
    index = np.asarray(index, np.int32)
    valid = np.ones(len(index), bool) if valid is None else np.asarray(valid)
    return Batch(images()[index], index, np.arange(len(index), dtype=np.int32), valid)


def plain(layers, x):
    for i in range(len(layers)):
        layer = layers[f"dense_{i}"]
        x = (x if i == 0 else jnp.maximum(x, 0)) @ layer["kernel"] + layer["bias"][None]
    return x


@functools.cache
def first_states():
    """Of both phases, by the defaults."""
    pretrain, finetune = build().phases
    state = pretrain.begin(None, None, None, KEY, None)
    rows = pretrain.observe(pretrain.model(state), images(), KEY, np.arange(N))
    return state, finetune.begin(pretrain.model(state), rows, None, KEY, lambda: None)


def close(a, b, rtol):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol * 1e-2), a, b)


def test_pretraining_is_momentum_descent_on_the_mean_square():
    phase = build(pretrain__augment=False, pretrain__learning_rate=0.5, pretrain__momentum=0.9).phases[0]
    state, _ = first_states()
    params, velocity = state.params, jax.tree.map(np.zeros_like, state.params)

    @jax.jit
    def gradient(params, x):
        return jax.grad(lambda p: jnp.mean((plain(p["decoder"], plain(p["encoder"], x)) - x) ** 2))(params)

    for index in ([0, 1, 2], [3, 4, 5]):
        slope = gradient(params, images().reshape(N, -1)[np.array(index)] / np.float32(255))
        velocity = jax.tree.map(lambda v, g: 0.9 * v - 0.5 * np.asarray(g), velocity, slope)
        params = jax.tree.map(np.add, params, velocity)
        # A fourth sample that is padding must change nothing.
        state, _ = phase.step(state, batch_of([*index, 9], [True, True, True, False]), KEY)
    close(state.params, params, 1e-4)


def test_reconstruction_target_is_the_augmented_image_itself():
    """A decoder that returns its input's bias: the loss is the variance of what it is compared with."""
    clean = build(pretrain__augment=False, pretrain__learning_rate=0.5, pretrain__momentum=0.9)
    losses = []
    for algorithm in (clean, build(**NOISE_ONLY)):
        state = jax.tree.map(np.zeros_like, first_states()[0])
        _, info = algorithm.phases[0].step(state, batch_of(range(4)), KEY)
        losses.append(float(info["loss"][0] / info["loss"][1]))
    x = images()[:4] / 255
    np.testing.assert_allclose(losses[0], (x**2).mean(), rtol=1e-5)
    assert losses[1] != losses[0]


def test_fine_tuning_moves_the_selected_samples_only():
    first = first_states()[1]._replace(weights=(np.arange(N) % 2).astype(np.float32))
    index = np.arange(6)
    x, targets = images().reshape(N, -1)[index] / np.float32(255), np.asarray(first.centers)[first.labels[index]]

    @jax.jit
    @jax.value_and_grad
    def loss(encoder):
        return jnp.sum(first.weights[index] * jnp.mean((plain(encoder, x) - targets) ** 2, axis=1))

    value, slope = loss(first.encoder)
    for mean_over, count in (("selected", 3), ("all", 6)):
        phase = build(finetune__augment=False, finetune__optimizer="sgd", finetune__momentum=0.0,
                      finetune__learning_rate=0.5, finetune__mean_over=mean_over).phases[1]  # fmt: skip
        state = first._replace(opt_state=phase.template().opt_state)  # plain descent keeps nothing
        expected = jax.tree.map(lambda p, g, n=count: p - 0.5 * np.asarray(g) / n, state.encoder, slope)
        after, info = phase.step(state, batch_of(index), KEY)
        close(after.encoder, expected, 1e-4)
        np.testing.assert_allclose(info["loss"][0] / info["loss"][1], value / count, rtol=1e-5)
        np.testing.assert_array_equal(after.centers, state.centers)


def test_the_first_epoch_trains_on_all_samples_with_the_initial_labels():
    _, state = first_states()
    np.testing.assert_array_equal(state.weights, 1)
    assert set(np.asarray(state.labels)) == {0, 1, 2}


@pytest.mark.parametrize("epoch", [0, 30, 99, 500])
def test_update_follows_equations_15_10_and_16(epoch):
    """NumPy in float64: nearest center, λ = mean + min(1, t/T) sd, weight 1 where the loss is below λ."""
    _, state = first_states()
    z = np.random.default_rng(epoch).normal(size=(N, 4))
    distances = ((z[:, None] - np.asarray(state.centers, np.float64)[None]) ** 2).sum(-1)
    losses = distances.min(1) / 4
    age = losses.mean() + min(1, epoch / 100) * losses.std()
    after, info = build().phases[1].update(state, {"embedding": z.astype(np.float32)}, epoch)
    np.testing.assert_array_equal(after.labels, distances.argmin(1))
    np.testing.assert_array_equal(after.weights, losses < age)
    np.testing.assert_allclose(info["age"], age, rtol=1e-5)
    np.testing.assert_allclose(info["cluster_loss"], losses.mean(), rtol=1e-5)
    np.testing.assert_allclose(info["feature_loss"], np.mean((losses - age) * (losses < age)), rtol=1e-4)
    np.testing.assert_allclose(info["change"], np.mean(distances.argmin(1) != np.asarray(state.labels)), rtol=1e-6)
    np.testing.assert_allclose(info["selected"], np.mean(losses < age), rtol=1e-6)


def test_weights_on_augmented_images_are_the_printed_equation_16():
    phase = build(finetune__weights_on="augmented", **NOISE_ONLY).phases[1]
    # The targets are those of the new labels.
    state = first_states()[1]._replace(labels=np.zeros(N, np.int32))
    rng = np.random.default_rng(1)
    z, augmented = (rng.normal(size=(N, 4)).astype(np.float32) for _ in range(2))
    after, _ = phase.update(state, {"embedding": z, "augmented": augmented}, 0)
    losses = ((augmented - np.asarray(state.centers)[np.asarray(after.labels)]) ** 2).mean(1)
    np.testing.assert_array_equal(after.weights, losses < losses.mean())
    rows = phase.observe(phase.model(state), images(), KEY, np.arange(N))
    assert not np.allclose(rows["augmented"], rows["embedding"])


def test_without_self_paced_learning_every_weight_is_one():
    state = first_states()[1]._replace(weights=np.zeros(N, np.float32))
    z = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
    after, info = build(finetune__self_paced=False).phases[1].update(state, {"embedding": z}, 5)
    np.testing.assert_array_equal(after.weights, 1)
    assert info["selected"] == 1


def test_stopping_rule_and_collapse():
    phase = build(finetune__tolerance=0.01).phases[1]
    assert phase.done({"change": 0.0100}) == ""
    assert "label change 0.9900% is below" in phase.done({"change": 0.0099})
    collapsed = phase.fault({"selected": 0.0, "age": 0.0, "cluster_loss": 0.0})
    assert "select no sample" in collapsed
    assert "collapsed" in collapsed
    assert phase.fault({"selected": 0.1}) == ""


def test_equal_losses_select_nothing_and_that_is_reported():
    phase, state = build().phases[1], first_states()[1]
    state = state._replace(centers=np.eye(3, 4, dtype=np.float32))  # whole numbers: distances of exactly zero
    _, info = phase.update(state, {"embedding": state.centers[np.asarray(state.labels)]}, 10)
    assert phase.fault({name: float(value) for name, value in info.items()}) != ""


def test_outputs_by_hand():
    centers = np.array([[0, 0], [4, 0], [0, 100]], np.float32)
    rows = {"embedding": np.array([[0, 0], [1, 0], [2, 0], [4, 3]], np.float32)}
    out = jax.jit(build().outputs)({"centers": centers}, rows)
    np.testing.assert_array_equal(out.labels, [0, 0, 0, 1])
    np.testing.assert_allclose(out.confidence, [1, 1 - 1 / 3, 0, 1 - 3 / 5], atol=1e-6)


@pytest.mark.parametrize("num_devices", [3, *(pytest.param(n, marks=pytest.mark.long) for n in (2, 4, 8))])
@pytest.mark.parametrize("phase_index", [0, 1])
def test_many_devices_agree_with_one_in_float64(phase_index, num_devices):
    """Two epochs of the same batches: 16 samples, which 3 does not divide, and a last one of 2."""
    with jax.enable_x64(True):
        close(on_one_device(phase_index), two_epochs(phase_index, num_devices), 1e-9)


@pytest.mark.parametrize("forgotten", [0, 1])  # the count of what is averaged over; the loss and its gradient
@pytest.mark.parametrize("phase_index", [pytest.param(0, marks=pytest.mark.long), 1])
def test_each_forgotten_reduction_is_found(phase_index, forgotten, monkeypatch):
    psum, places = jax.lax.psum, []

    def forgetful(x, axis_name):
        frame = sys._getframe(1)
        place = (frame.f_code.co_filename, frame.f_lineno)  # a step is traced several times
        if place not in places:
            places.append(place)
        return x if places.index(place) == forgotten else psum(x, axis_name)

    with jax.enable_x64(True):
        one = on_one_device(phase_index)
        monkeypatch.setattr(jax.lax, "psum", forgetful)
        with pytest.raises(AssertionError):
            close(one[:1], two_epochs(phase_index, 2, epochs_of=1), 1e-9)
    assert len(places) == 2, "a step that reduces more often wants a case more"


@functools.cache
def on_one_device(phase_index):
    return two_epochs(phase_index, 1)


def two_epochs(phase_index, num_devices, epochs_of=2):
    """The state after each epoch's steps, and what they told; all devices must hold the same state, bit for bit.

    Fine-tuning is without the warp, which takes long to compile.
    """
    # Anew: traced under another precision, or with a function replaced.
    phase = build.__wrapped__(**(NOISE_ONLY if phase_index == 1 else {})).phases[phase_index]
    state = jax.tree.map(
        lambda leaf: np.asarray(leaf, np.float64 if leaf.dtype == np.float32 else None), first_states()[phase_index]
    )
    loop = epochs.make_run(phase.step, batch_size=phase.batch_size, num_samples=N)
    run = devices.bind(loop, jax.local_devices()[:num_devices], [None] * 6)
    found = []
    for epoch in range(epochs_of):
        if epoch > 0 and phase.update is not None:
            rows = phase.observe(phase.model(state), images(), KEY, np.arange(N))
            state, _ = phase.update(state, rows, epoch - 1)
        steps = epochs.steps_per_epoch(N, phase.batch_size)
        state, info = run(state, images(), jax.random.fold_in(KEY, epoch), 0, 0, steps)
        replicas_are_equal(state, num_devices)
        state = jax.device_get(state)
        found.append((state, jax.device_get(info)))
    return found


def replicas_are_equal(state, num_devices):
    for leaf in jax.tree.leaves(state):
        held = [np.asarray(leaf.addressable_data(i)) for i in range(num_devices)]
        assert len(leaf.addressable_shards) == num_devices
        assert all(other.tobytes() == held[0].tobytes() for other in held), "devices hold different states"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("n_clusters", 0, "config.n_clusters must be a whole number between 1 and 1,000,000 (not 0, which is auto"),
        ("n_clusters", 51, "at most the number of samples, got 51 clusters for 50 samples"),
        ("seed", -1, "config.seed must be a whole number between 0 and 4,294,967,295, got -1"),
        ("network.hidden", (3, 0), "config.network.hidden must be a tuple of positive widths"),
        ("augment.rotation", 200.0, "config.augment.rotation must be a number between 0 and 180 degrees, got 200.0"),
        ("augment.shift", 1.5, "config.augment.shift must be a number between 0 and 1, got 1.5"),
        ("augment.noise", -0.1, "config.augment.noise must be a number between 0 and 1e+06, got -0.1"),
        ("pretrain.optimizer", "rmsprop", "config.pretrain.optimizer must be 'sgd' or 'adam', got 'rmsprop'"),
        (
            "pretrain.learning_rate",
            float("nan"),
            "config.pretrain.learning_rate must be a number between 0 and 1e+06, 0 excluded, got nan",
        ),
        ("pretrain.batch_size", 0, "config.pretrain.batch_size must be a whole number between 1 and 1,000,000, got 0"),
        ("finetune.epochs", -2, "config.finetune.epochs must be a whole number between -1 and 1,000,000, got -2"),
        ("finetune.weights_on", "both", "config.finetune.weights_on must be 'clean' or 'augmented'"),
        ("finetune.mean_over", "some", "config.finetune.mean_over must be 'selected' or 'all'"),
        ("finetune.momentum", 1.0, "config.finetune.momentum must be a number between 0 and 1, 1 excluded, got 1.0"),
        ("initial.method", "birch", "config.initial.method must be 'kmeans' or 'spectral' or 'block_model' or"),
    ],
)
def test_impossible_settings_are_refused_by_name(field, value, message):
    config = aspc.get_config()
    room = config
    for part in field.split(".")[:-1]:
        room = room[part]
    room[field.split(".")[-1]] = value
    with pytest.raises(ValueError, match=re.escape(message)):
        aspc.check(config, N)


def test_unbounded_training_needs_a_tolerance():
    config = aspc.get_config()
    config.finetune.epochs, config.finetune.tolerance = -1, 0.0
    with pytest.raises(ValueError, match=r"finetune\.tolerance must be above 0 when"):
        aspc.check(config, N)
