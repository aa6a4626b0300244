"""DEC and IDEC: assignments and targets by hand, the gradient of the divergence, a step, and a whole training."""

import functools
import io
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster import algorithms
from jaxcluster.algorithms.dec.assignment import divergence, log_assignment, target_distribution
from jaxcluster.protocol import Batch
from jaxcluster.runtime import trainer
from jaxcluster.runtime.progress import Reporter

KEY = jax.random.key(0)
N, SHAPE = 40, (4, 5, 1)
target = jax.jit(target_distribution)


def images():
    """Three groups of pictures, and noise."""
    rng = np.random.default_rng(0)
    middles = rng.integers(40, 216, (3, *SHAPE))
    return (middles[np.arange(N) % 3] + rng.integers(-30, 30, (N, *SHAPE))).astype(np.uint8)


def settings(name, **changes):
    config = algorithms.get(name).defaults()
    config.n_clusters = 3
    config.network.hidden, config.network.embedding = (8,), 4
    config.pretrain.batch_size = config.finetune.batch_size = 16
    config.pretrain.epochs, config.finetune.epochs, config.initial.n_init = 2, 3, 3
    config.finetune.tolerance = 0.0
    config.augment.rotation, config.augment.shift, config.augment.noise = 0.0, 0.0, 0.1  # a warp is slow to compile
    for field, value in changes.items():
        group, last = field.split("__")
        config[group][last] = value
    algorithms.get(name).check(config, N)
    return config


def build(name, **changes):
    config = settings(name, **changes)
    return algorithms.get(name).build(config, num_samples=N, sample_shape=SHAPE, offset=0.0, scale=1 / 255)


def student(z, centers, degrees):
    """The density of [DEC] Eq. 1 in its general form, by Python's numbers."""
    kernel = [
        [(1 + sum((a - b) ** 2 for a, b in zip(x, m, strict=True)) / degrees) ** (-(degrees + 1) / 2) for m in centers]
        for x in z
    ]
    return np.array([[each / math.fsum(row) for each in row] for row in kernel])


def test_assignments_are_students_t_kernel():
    rng = np.random.default_rng(0)
    z, centers = rng.normal(size=(7, 3)), rng.normal(size=(4, 3))
    q = np.exp(jax.jit(log_assignment)(z.astype(np.float32), centers.astype(np.float32)))
    np.testing.assert_allclose(q, student(z, centers, 1), rtol=1e-5)


def test_assignments_far_away_are_finite():
    """At a distance of 1e8 the kernel is 1e-16; its logarithm is exact, and so is the gradient."""
    z, centers = np.float32([[1e8, 0], [0, 0]]), np.float32([[0, 0], [0, 1]])

    @jax.jit
    def both(z):
        return log_assignment(z, centers), jax.grad(lambda z: -jnp.sum(log_assignment(z, centers)[:, 0]))(z)

    log_q, gradient = both(z)
    np.testing.assert_allclose(log_q[0], math.log(0.5), rtol=1e-6)
    np.testing.assert_allclose(np.exp(log_q[1]), [2 / 3, 1 / 3], rtol=1e-6)
    assert np.isfinite(gradient).all()


def test_the_target_by_hand():
    """Sizes 1.5 and 0.5: q²/f is (0.54, 0.02) for the first sample, (0.24, 0.32) for the second."""
    np.testing.assert_allclose(
        target(np.float32([[0.9, 0.1], [0.6, 0.4]])), [[27 / 28, 1 / 28], [3 / 7, 4 / 7]], rtol=1e-6
    )


def test_the_target_is_one_of_the_whole_set():
    """Sharper than q where clusters are equally large; a part of the data has another target than the whole."""
    q = np.random.default_rng(1).dirichlet(np.ones(4), 500).astype(np.float32)
    p = target(q)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)
    balanced = np.concatenate([np.roll(q[:125], shift, axis=1) for shift in range(4)])
    sharp = np.asarray(target(balanced))
    np.testing.assert_array_equal(sharp.argmax(1), balanced.argmax(1))
    assert (sharp.max(1) >= balanced.max(1) - 1e-6).all()
    assert not np.allclose(p[:2], target(q[:2]), atol=1e-3)
    empty = target(np.float32([[1, 0], [1, 0]]))  # a cluster without any share
    np.testing.assert_array_equal(empty, [[1, 0], [1, 0]])


def test_the_gradient_is_the_published_one():
    """[DEC] Eq. 4 and 5 with one degree of freedom; they hold for a target that is a constant."""
    rng = np.random.default_rng(2)
    z, centers = rng.normal(size=(9, 3)), rng.normal(size=(4, 3))
    p = rng.dirichlet(np.ones(4), 9)
    with jax.enable_x64(True):
        found = jax.jit(jax.grad(lambda z, m: jnp.sum(divergence(p, log_assignment(z, m))), argnums=(0, 1)))(z, centers)
    apart = z[:, None] - centers[None]
    pull = 2 * ((p - student(z, centers, 1)) / (1 + (apart**2).sum(-1)))[:, :, None] * apart
    np.testing.assert_allclose(found[0], pull.sum(1), rtol=1e-9)
    np.testing.assert_allclose(found[1], -pull.sum(0), rtol=1e-9)
    q, of = np.float32([[0.5, 0.5]]), jax.jit(divergence)
    np.testing.assert_allclose(of(np.float32([[1, 0]]), np.log(q)), math.log(2), rtol=1e-6)
    np.testing.assert_allclose(of(q, np.log(q)), 0, atol=1e-7)
    through_target = jax.jit(jax.grad(lambda q: jnp.sum(divergence(target_distribution(q), jnp.log(q)))))(q)
    np.testing.assert_allclose(through_target, -1, rtol=1e-6)  # -p/q alone


@functools.cache
def started(name, **changes):
    """The fine-tuning phase, and a state of random numbers in its template's shapes, the same for both methods."""
    algorithm = build(name, **changes)
    template = algorithm.phases[1].template()
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: np.asarray(0.3 * rng.normal(size=leaf.shape), leaf.dtype), template.params)
    return algorithm.phases[1], template._replace(
        params=params,
        opt_state=jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), template.opt_state),
        target=rng.dirichlet(np.ones(3), N).astype(np.float32),
        labels=np.arange(N, dtype=np.int32) % 3,
    )


def batch(valid=7):
    """Samples 9 to 16, the last one as padding."""
    position = np.arange(8, dtype=np.int32)
    index = position + 9
    return Batch(images()[index], index, position, position < valid)


def test_a_step_of_each_method():
    """DEC leaves the decoder alone; IDEC's loss is DEC's and the weighted reconstruction. Both move the centers."""
    found = {}
    for name in ("dec", "idec"):
        phase, state = started(name)
        after, info = jax.jit(phase.step)(state, batch(), KEY)
        moved = {
            part: any(
                np.any(np.asarray(a) != np.asarray(b))
                for a, b in zip(*map(jax.tree.leaves, (state.params[part], after.params[part])), strict=True)
            )
            for part in ("encoder", "decoder", "centers")
        }
        assert moved == {"encoder": True, "decoder": name == "idec", "centers": True}
        np.testing.assert_array_equal(after.target, state.target)
        found[name] = float(info["loss"][0] / info["loss"][1])
    _, state = started("dec")
    x = images()[9:16].reshape(7, -1) / np.float32(255)

    def layers(part, x):
        for i in range(len(part)):
            x = (np.maximum(x, 0) if i else x) @ np.asarray(part[f"dense_{i}"]["kernel"])
            x = x + np.asarray(part[f"dense_{i}"]["bias"])
        return x

    z = layers(state.params["encoder"], x)
    q, p = student(z, np.asarray(state.params["centers"]), 1), np.asarray(state.target[9:16])
    expected = (p * np.log(p / q)).sum(1).mean()
    np.testing.assert_allclose(found["dec"], expected, rtol=1e-3, atol=1e-6)
    errors = ((layers(state.params["decoder"], z) - x) ** 2).mean()
    np.testing.assert_allclose(found["idec"], expected + 10 * errors, rtol=1e-4)


def test_the_update_takes_the_target_from_all_samples():
    phase, state = started("dec")
    z = np.random.default_rng(3).normal(size=(N, 4))
    after, info = jax.jit(phase.update)(state, {"embedding": z.astype(np.float32)}, 0)
    q = student(z, np.asarray(state.params["centers"]), 1)
    sharp = q**2 / q.sum(0)
    np.testing.assert_allclose(after.target, sharp / sharp.sum(1, keepdims=True), rtol=1e-4)
    np.testing.assert_array_equal(after.labels, q.argmax(1))
    np.testing.assert_allclose(info["change"], np.mean(q.argmax(1) != np.asarray(state.labels)), rtol=1e-6)
    phase = build("dec", finetune__tolerance=0.01).phases[1]
    assert phase.done({"change": 0.01}) == ""
    assert "label change 0.9900% is below finetune.tolerance 1.0000%" in phase.done({"change": 0.0099})


def test_a_target_of_several_epochs():
    """With three: epochs 0 and 1 keep target and labels and end nothing; epoch 2 is as if there had been no others."""
    _, state = started("dec")
    phase = build("dec", finetune__target_epochs=3, finetune__tolerance=0.9).phases[1]
    features = {"embedding": np.random.default_rng(3).normal(size=(N, 4)).astype(np.float32)}
    every_epoch, update = (jax.jit(each.update) for each in (build("dec").phases[1], phase))
    renewed, info = every_epoch(state, features, 0)
    for epoch in (0, 1):
        kept, early = update(state, features, epoch)
        np.testing.assert_array_equal(kept.target, state.target)
        np.testing.assert_array_equal(kept.labels, state.labels)
        assert phase.done({name: float(value) for name, value in early.items()}) == ""
    after, last = update(state, features, 2)
    np.testing.assert_array_equal(after.target, renewed.target)
    np.testing.assert_array_equal(after.labels, renewed.labels)
    assert early["change"] == last["change"] == info["change"] < 0.9
    assert "label change" in phase.done({name: float(value) for name, value in last.items()})


def test_augmented_images_are_assigned_towards_targets_of_clean_ones():
    _, state = started("dec")
    losses = []
    for augment in (False, True):
        phase = build("dec", finetune__augment=augment).phases[1]
        _, info = jax.jit(phase.step)(state, batch(), KEY)
        losses.append(float(info["loss"][0]))
    assert losses[0] != losses[1]
    observe = jax.jit(phase.observe)
    one, other = (observe(phase.model(state), images(), key, np.arange(N)) for key in (KEY, jax.random.key(1)))
    np.testing.assert_array_equal(one["embedding"], other["embedding"])


def test_outputs_by_hand():
    """Squared distances of 0 and 2, and of 1 and 1."""
    out = jax.jit(build("dec").outputs)(
        {"centers": np.float32([[0, 1], [1, 0]])}, {"embedding": np.float32([[0, 1], [0, 0]])}
    )
    np.testing.assert_allclose(out.probabilities, [[3 / 4, 1 / 4], [1 / 2, 1 / 2]], rtol=1e-6)
    np.testing.assert_array_equal(out.labels, [0, 0])
    np.testing.assert_allclose(out.confidence, [3 / 4, 1 / 2], rtol=1e-6)


@pytest.mark.long
def test_a_whole_training(tmp_path):
    """On two devices, as the command line runs it; what comes out are assignments with probabilities."""
    algorithm = build("idec", pretrain__augment=True, finetune__augment=True)
    trained = trainer.train(
        algorithm,
        images(),
        seed=0,
        workdir=tmp_path,
        reporter=Reporter(io.StringIO()),
        poll=lambda: None,
        checkpoint_seconds=1e9,
        device_list=jax.local_devices()[:2],
    )
    assert [record["phase"] for record in trained.history] == ["pretrain"] * 2 + ["finetune"] * 3
    out = algorithm.outputs(trained.model, trained.rows)
    np.testing.assert_allclose(out.probabilities.sum(1), 1, rtol=1e-5)
    np.testing.assert_array_equal(out.labels, out.probabilities.argmax(1))
    np.testing.assert_array_equal(out.confidence, out.probabilities.max(1))
    assert out.centers.shape == (3, 4)
