"""The loop over an epoch: every sample once, cuts change nothing, devices change nothing."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster.runtime import devices, epochs
from jaxcluster.runtime import feed as feed_module
from jaxcluster.runtime.feed import Epoch, Feed, choose_images_on
from tests.runtime import toy

KEY = jax.random.key(0)


def run_epoch(n, batch_size, cuts, num_devices=1, engine="auto", place="device"):
    phase = toy.algorithm(n, batch_size=batch_size).phases[0]
    images = np.random.default_rng(0).normal(size=(n, 1)).astype(np.float32)
    feed = Feed(images, jax.local_devices()[:num_devices], place)
    epoch = Epoch(feed, KEY, batch_size)
    run = epochs.bind_run(phase.step, feed, batch_size, engine=engine)
    state, total = phase.begin(None, None, None, KEY, None), np.zeros(2)
    for start, stop in itertools.pairwise(cuts):
        while start < stop:
            images, first, last = epoch.at(start)
            state, info = run(state, images, KEY, first, start, min(stop, last))
            epoch.prepare(min(stop, last))
            total += np.sum(jax.device_get(info["loss"]), axis=1)
            start = min(stop, last)
    return jax.device_get(state), total


@pytest.mark.parametrize(("n", "batch_size"), [(32, 8), (30, 8), (5, 8), (1, 1)])
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
    def step(state, batch, key, *, axis_name=None):
        del key, axis_name
        return state.at[batch.index].set(state.max() + 1), {"loss": (jnp.zeros(()), jnp.ones(()))}

    run = devices.bind(epochs.make_run(step, batch_size=1, num_samples=20), jax.local_devices()[:1], [None] * 6)

    def order(key):
        return np.asarray(run(np.zeros(20, np.int32), np.zeros((20, 1)), key, 0, 0, 20)[0])

    first, second = order(KEY), order(jax.random.key(1))
    assert sorted(first) == list(range(1, 21))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, order(KEY))


def test_every_step_has_a_key_of_its_own():
    def step(state, batch, key, *, axis_name=None):
        return state, {"loss": (jax.random.uniform(key), jnp.ones(()))}

    run = devices.bind(epochs.make_run(step, batch_size=4, num_samples=20), jax.local_devices()[:1], [None] * 6)
    draws = np.asarray(run(np.zeros(()), np.zeros((20, 1)), KEY, 0, 0, 5)[1]["loss"][0])
    assert len(set(draws.tolist())) == 5


@pytest.mark.parametrize("engine", ["pmap", "shard_map"])
@pytest.mark.parametrize("num_devices", [3, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 8))])
def test_several_devices_see_what_one_sees(num_devices, engine):
    """Batch of 8 over 3 devices: it does not divide, and the last batch is partial."""
    one, total = run_epoch(30, 8, [0, 4])
    several, total_several = run_epoch(30, 8, [0, 4], num_devices, engine)
    np.testing.assert_allclose(one["x"], several["x"], rtol=1e-5)
    np.testing.assert_allclose(total, total_several, rtol=1e-4)


def twice(model, x, key, index):
    return {"x": x * model, "index": index}


@pytest.mark.parametrize("n", [1, 8, 9])
@pytest.mark.parametrize(("num_devices", "place"), [(1, "device"), (1, "host"), (3, "device"), (3, "host")])
def test_observe_all_covers_every_sample_in_order(n, num_devices, place, monkeypatch):
    monkeypatch.setattr(epochs, "SLICE", 4)
    images = np.arange(n, dtype=np.float32)[:, None]
    feed = Feed(images, jax.local_devices()[:num_devices], place)
    observe = epochs.bind_observe(twice, feed)
    rows = epochs.observe_all(observe, feed, 2.0, KEY, poll=lambda: None)
    np.testing.assert_array_equal(rows["x"][:, 0], 2 * np.arange(n))
    np.testing.assert_array_equal(rows["index"], np.arange(n))


@pytest.mark.parametrize("engine", ["jit", "pmap", "shard_map"])
@pytest.mark.parametrize("num_devices", [1, 3])
@pytest.mark.parametrize("cuts", [pytest.param([0, 4], marks=pytest.mark.long), [0, 1, 3, 4]])
def test_from_the_host_come_the_same_images(engine, num_devices, cuts, monkeypatch):
    """Windows of two steps, cut across; with every engine not a bit of the state differs from resident data."""
    if engine == "jit" and num_devices > 1:
        pytest.skip("one device only")
    whole, _ = run_epoch(30, 8, [0, 4], num_devices, engine)
    monkeypatch.setattr(feed_module, "WINDOW_BYTES", 2 * 8 * 4)
    streamed, _ = run_epoch(30, 8, cuts, num_devices, engine, place="host")
    jax.tree.map(np.testing.assert_array_equal, whole, streamed)


def test_windows_are_sent_ahead_once_and_forgotten(monkeypatch):
    monkeypatch.setattr(feed_module, "WINDOW_BYTES", 2 * 8 * 4)
    feed = Feed(np.zeros((70, 1), np.float32), jax.local_devices()[:1], "host")
    epoch = Epoch(feed, KEY, 8)  # nine steps, so windows 0 to 4
    sent = []
    make = epoch._window
    monkeypatch.setattr(epoch, "_window", lambda number: sent.append(number) or make(number))
    for step in range(9):
        images, first, last = epoch.at(step)
        assert first <= step < last
        assert images.shape == (1, 2, 8, 1)  # the last window too: another shape would compile again
        epoch.prepare(step + 1)
        assert len(epoch._sent) <= 2
    assert sent == [0, 1, 2, 3, 4]


def test_data_lie_on_the_host_if_they_fill_half_of_a_device():
    class Device:
        process_index, memory_stats = 0, staticmethod(lambda: {"bytes_limit": 1000})

    assert choose_images_on("auto", 500, [Device()]) == "device"
    assert choose_images_on("auto", 501, [Device()]) == "host"
    assert choose_images_on("host", 1, [Device()]) == "host"
    assert choose_images_on("auto", 10**15, jax.local_devices()[:1]) == "device"  # a CPU's memory is the host's
    with pytest.raises(ValueError, match="must be one of auto, device, host, got 'disk'"):
        choose_images_on("disk", 1, [Device()])


def test_engines_are_named():
    with pytest.raises(ValueError, match="engine must be one of auto, jit, pmap, shard_map, got 'xmap'"):
        devices.bind(lambda: 0, jax.local_devices()[:1], [], engine="xmap")
    with pytest.raises(ValueError, match="engine jit takes one device, got 2"):
        devices.bind(lambda: 0, jax.local_devices()[:2], [], engine="jit")


@pytest.mark.parametrize("engine", ["pmap", "shard_map"])
def test_data_on_the_devices_are_not_sent_again(engine):
    """Not a byte goes from the host to a device in a call whose arguments lie there, the whole data set included."""
    phase = toy.algorithm(30, batch_size=8).phases[0]
    feed = Feed(np.ones((30, 1), np.float32), jax.local_devices()[:2])
    run = epochs.bind_run(phase.step, feed, 8, engine=engine)
    start, stop = devices.replicate((np.int32(0), np.int32(4)), feed.devices)
    key = jax.random.wrap_key_data(devices.replicate(jax.random.key_data(KEY), feed.devices))
    state, _ = run(phase.begin(None, None, None, KEY, None), feed.images, key, start, start, stop)
    with jax.transfer_guard_host_to_device("disallow_explicit"):
        jax.block_until_ready(run(state, feed.images, key, start, start, stop))
    disallowed = jax.transfer_guard_host_to_device("disallow_explicit")
    with pytest.raises(Exception, match="Disallowed host-to-device transfer"), disallowed:  # the guard does guard
        run(state, np.ones((30, 1), np.float32), key, start, start, stop)
