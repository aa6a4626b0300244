"""Whole trainings on one and on many devices: rows, k-means, self-paced weights and records come out the same.

In float64 over all phases, as in float32 rounding grows from step to step; in float32 over one step.
"""

import functools
import io
import pathlib
import tempfile

import jax
import numpy as np
import pytest

from jaxcluster.algorithms import aspc, clustergan
from jaxcluster.runtime import devices, epochs, trainer
from jaxcluster.runtime.progress import Reporter
from jaxcluster.runtime.signals import Interrupted

KEY = jax.random.key(0)
N, SHAPE = 42, (4, 5, 1)  # batches of 16, 16 and 10: the last one is partly padding


def images():
    """Three groups, so that k-means has something to find, and noise."""
    rng = np.random.default_rng(0)
    middles = rng.integers(40, 216, (3, *SHAPE))
    return (middles[np.arange(N) % 3] + rng.integers(-40, 40, (N, *SHAPE))).astype(np.uint8)


def settings(room):
    """Two epochs a phase of a tiny network.

    Images vary by noise alone: the warp takes long to compile, and meets many devices in the tests of the steps.
    """
    config = room.get_config()
    config.n_clusters = 3
    config.augment.noise, config.augment.rotation, config.augment.shift = 0.05, 0.0, 0.0
    config.pretrain.batch_size, config.pretrain.epochs = 16, 2
    if room is aspc:
        config.network.hidden, config.network.embedding = (8,), 4
        config.finetune.batch_size, config.finetune.epochs, config.finetune.tolerance = 16, 2, 0.0
        config.initial.n_init = 3
    else:
        config.m = 6
        config.network.clusterer_hidden = config.network.generator_hidden = config.network.discriminator_hidden = (8,)
        config.prior.style = 2
        config.initial.method, config.initial.hidden, config.initial.embedding = "kmeans", (8,), 4
        config.initial.n_init = config.cluster.n_init = 3
        config.adversarial.batch_size, config.adversarial.epochs = 16, 2
    room.check(config, N)
    return config


def build(room):
    return room.build(settings(room), num_samples=N, sample_shape=SHAPE, offset=0.0, scale=1 / 255)


class Stopping(Reporter):
    """Keeps what is said, and asks for the end after a step in the middle of a phase's second epoch."""

    def __init__(self, phase):
        self.said, self.at, self.wanted = io.StringIO(), None, phase
        super().__init__(self.said)

    def start(self, phase, **options):
        self.at = (phase, 0.0)
        super().start(phase, **options)

    def update(self, epoch, figures):
        self.at = (self.at[0], epoch)
        super().update(epoch, figures)

    def poll(self):
        if self.at is not None and self.at[0] == self.wanted and 1 < self.at[1] < 2:
            raise Interrupted(2)


def train(room, num_devices, workdir, *, reporter=None, engine="auto"):
    reporter = reporter or Stopping("")
    with jax.enable_x64(True):
        return trainer.train(
            build(room),
            images(),
            seed=0,
            workdir=workdir,
            reporter=reporter,
            poll=reporter.poll,
            checkpoint_seconds=1e9,
            device_list=jax.local_devices()[:num_devices],
            engine=engine,
        )


@functools.cache
def on_one_device(room):
    with tempfile.TemporaryDirectory() as folder:
        return train(room, 1, pathlib.Path(folder))


def agree(many, one, rtol=1e-9):
    """Models, rows and records: numbers to a share of the largest of their array, all else exactly."""
    history = [[{k: v for k, v in record.items() if k != "seconds"} for record in t.history] for t in (many, one)]
    found, expected = (
        jax.device_get((t.model, t.rows, t.start, records)) for t, records in zip((many, one), history, strict=True)
    )
    assert len(expected[3]) == 4
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(lambda a, b: near(a, b, rtol), found, expected)


def near(found, expected, rtol):
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=0, atol=rtol * np.abs(expected).max(initial=0))


LONG = pytest.mark.long
CASES = [
    pytest.param(aspc, 2, "auto", id="aspc-2", marks=LONG),  # where the interrupted one ends
    pytest.param(aspc, 4, "auto", id="aspc-4", marks=LONG),  # where it begins
    pytest.param(aspc, 8, "auto", id="aspc-8", marks=LONG),
    pytest.param(aspc, 4, "shard_map", id="aspc-4-shard_map", marks=LONG),
    *(pytest.param(clustergan, count, "auto", id=f"clustergan-{count}", marks=LONG) for count in (2, 4, 8)),
    pytest.param(clustergan, 4, "shard_map", id="clustergan-4-shard_map", marks=LONG),
]


@pytest.mark.parametrize(("room", "num_devices", "engine"), CASES)
def test_a_training_on_many_devices_is_that_on_one(room, num_devices, engine, tmp_path):
    agree(train(room, num_devices, tmp_path, engine=engine), on_one_device(room))


@pytest.mark.parametrize(
    ("room", "phase"),
    [
        pytest.param(aspc, "finetune", id="aspc-finetune", marks=LONG),
        pytest.param(aspc, "pretrain", id="aspc-pretrain", marks=LONG),
        pytest.param(clustergan, "adversarial", id="clustergan", marks=LONG),
    ],
)
def test_interrupted_on_four_devices_it_goes_on_on_two(room, phase, tmp_path, monkeypatch):
    """In the middle of an epoch; the weights of fine-tuning's come from rows that four devices computed."""
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "CALL_SECONDS", 0.0)  # a step a call: there is a middle to stop in
        with pytest.raises(Interrupted):
            train(room, 4, tmp_path, reporter=Stopping(phase))
    going_on = Stopping("")
    resumed = train(room, 2, tmp_path, reporter=going_on)
    assert f"continuing in {phase} at epoch 1" in going_on.said.getvalue()
    agree(resumed, on_one_device(room))


@pytest.mark.parametrize("num_devices", [4, *(pytest.param(n, marks=LONG) for n in (2, 8))])
@pytest.mark.parametrize(
    ("room", "name"),
    [
        pytest.param(aspc, "pretrain", id="aspc-pretrain", marks=LONG),
        pytest.param(aspc, "finetune", id="aspc-finetune"),
        pytest.param(clustergan, "adversarial", id="clustergan", marks=LONG),
    ],
)
def test_one_step_in_float32(room, name, num_devices):
    """Loss and parameters to 1e-5 of the largest of their array."""
    phase, rng = next(phase for phase in build(room).phases if phase.name == name), np.random.default_rng(0)
    if name == "finetune":  # any numbers will do
        state = jax.tree.map(lambda leaf: rng.uniform(0, 0.3, leaf.shape).astype(leaf.dtype), phase.template())
    else:
        state = jax.device_get(phase.begin(None, None, jax.numpy.asarray(images()), KEY, lambda: None))
    loop = epochs.make_run(phase.step, batch_size=phase.batch_size, num_samples=N)

    def step(num_devices):
        after, told = devices.bind(loop, jax.local_devices()[:num_devices], [None] * 6)(state, images(), KEY, 0, 0, 1)
        return jax.device_get((phase.model(after), told))

    one = step(1)
    moved = [np.any(a != b) for a, b in zip(*map(jax.tree.leaves, (one[0], phase.model(state))), strict=True)]
    assert any(moved)
    jax.tree.map(lambda a, b: near(a, b, 1e-5), step(num_devices), one)
