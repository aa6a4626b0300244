"""The loop over an epoch: every sample once, cuts change nothing, devices change nothing."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster.runtime import devices, epochs
from tests.runtime import toy

KEY = jax.random.key(0)


def run_epoch(n, batch_size, cuts, num_devices=1):
    phase = toy.algorithm(n, batch_size=batch_size).phases[0]
    loop = epochs.make_run(phase.step, batch_size=batch_size, num_samples=n)
    run = devices.bind(loop, jax.local_devices()[:num_devices])
    images = jnp.asarray(np.random.default_rng(0).normal(size=(n, 1)), jnp.float32)
    state, total = phase.begin(None, None, None, KEY, None), np.zeros(2)
    for start, stop in itertools.pairwise(cuts):
        state, info = run(state, images, KEY, start, stop)
        total += np.sum(jax.device_get(info["loss"]), axis=1)
    return jax.device_get(state), total


@pytest.mark.parametrize(("n", "batch_size"), [(32, 8), (30, 8), (5, 8), (1, 1), (9, 1)])
def test_every_sample_is_seen_once_and_padding_never(n, batch_size):
    steps = epochs.steps_per_epoch(n, batch_size)
    state, total = run_epoch(n, batch_size, [0, steps])
    np.testing.assert_array_equal(state["seen"], 1)
    assert total[1] == n


@pytest.mark.parametrize("cuts", [[0, 1, 4], [0, 1, 2, 3, 4], [0, 3, 4]])
def test_cuts_change_no_bit(cuts):
    whole, _ = run_epoch(30, 8, [0, 4])
    cut, total = run_epoch(30, 8, cuts)
    assert whole["x"] == cut["x"]
    assert total[1] == 30


def test_epochs_shuffle_anew():
    def order(key):
        def step(state, batch, key, *, axis_name=None):
            del key, axis_name
            return state.at[batch.index].set(state.max() + 1), {"loss": (jnp.zeros(()), jnp.ones(()))}

        run = devices.bind(epochs.make_run(step, batch_size=1, num_samples=20), jax.local_devices()[:1])
        return np.asarray(run(jnp.zeros(20, jnp.int32), jnp.zeros((20, 1)), key, 0, 20)[0])

    first, second = order(KEY), order(jax.random.key(1))
    assert sorted(first) == list(range(1, 21))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, order(KEY))


@pytest.mark.parametrize("num_devices", [2, 3, 8])
def test_several_devices_see_what_one_sees(num_devices):
    """Batch of 8 over 3 devices: it does not divide, and the last batch is partial."""
    one, total = run_epoch(30, 8, [0, 4])
    several, total_several = run_epoch(30, 8, [0, 4], num_devices)
    np.testing.assert_allclose(one["x"], several["x"], rtol=1e-5)
    np.testing.assert_allclose(total, total_several, rtol=1e-4)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 20])
def test_observe_all_covers_every_sample_in_order(n, monkeypatch):
    monkeypatch.setattr(epochs, "SLICE", 8)
    images = jnp.arange(n, dtype=jnp.float32)[:, None]
    rows = epochs.observe_all(
        jax.jit(lambda model, x, key, index: {"x": x * model, "index": index}),
        2.0,
        images,
        KEY,
        poll=lambda: None,
    )
    np.testing.assert_array_equal(rows["x"][:, 0], 2 * np.arange(n))
    np.testing.assert_array_equal(rows["index"], np.arange(n))
