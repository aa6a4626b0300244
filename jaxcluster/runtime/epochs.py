"""One epoch over a data set: shuffled steps in one loop, and passes over all samples.

The loop's bounds are arguments, so that an epoch may be cut anywhere: into calls short enough to hear a signal, and
at any step to resume from. The cuts change no result, because the body is compiled once, whatever the bounds.

Functions made here are for `devices.bind`: they take the images as `feed.Feed` gives them, all of the data set where
it lies on the devices, else just those that this device is about to see.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jaxcluster.protocol import Batch
from jaxcluster.runtime import devices

__all__ = ["bind_observe", "bind_run", "make_observe", "make_run", "observe_all", "order", "share", "steps_per_epoch"]

Array = jax.Array
SLICE = 4096  # samples per device call of a full pass: tens of MB of activations, well under 5 seconds


def steps_per_epoch(num_samples: int, batch_size: int) -> int:
    """Batches that cover the data set once; the last one may be partly empty."""
    return -(-num_samples // batch_size)


def share(batch_size: int, num_devices: int) -> int:
    """Rows of a batch on each device; positions beyond the batch are padding."""
    return -(-batch_size // num_devices)


def order(key: Array, num_samples: int) -> Array:
    """Order of the samples in the epoch of this key, [n] int32."""
    return jax.random.permutation(jax.random.split(key)[0], num_samples).astype(jnp.int32)


def make_run(step: Callable, *, batch_size: int, num_samples: int, resident: bool = True) -> Callable:
    """Build the loop over the steps `start` to `stop` of an epoch.

    Args:
        step: `jaxcluster.protocol.Phase.step`.
        batch_size: global, over all devices.
        num_samples: n.
        resident: whether the images are the whole data set, or [steps, rows, ...] of this device from step `first` on.

    Returns:
        (state, images, key, first, start, stop, *, device, num_devices, axis_name) -> (state, info); `key` is the
        epoch's and decides the order of the samples and every draw; `info` has a leading axis of all the epoch's
        steps, 0 where they were not run: a sum taken here would be rounded by where the calls are cut.
    """

    def run(state, images, key, first, start, stop, *, device, num_devices: int, axis_name: str | None):
        steps_key = jax.random.split(key)[1]
        indices = order(key, num_samples)
        rows = share(batch_size, num_devices)
        position = device * rows + jnp.arange(rows, dtype=jnp.int32)

        @functools.partial(jax.jit, inline=True)  # traced once, for its shapes and for the loop
        def one(state, i):
            place = i * batch_size + position
            index = indices[jnp.minimum(place, num_samples - 1)]
            valid = (position < batch_size) & (place < num_samples)
            batch = Batch(images[index] if resident else images[i - first], index, position, valid)
            return step(state, batch, jax.random.fold_in(steps_key, i), axis_name=axis_name)

        def body(i, carry):
            state, infos = carry
            state, info = one(state, i)
            return state, jax.tree.map(lambda steps, value: steps.at[i].set(value), infos, info)

        steps = steps_per_epoch(num_samples, batch_size)
        _, info = jax.eval_shape(one, state, start)
        zeros = jax.tree.map(lambda leaf: jnp.zeros((steps, *leaf.shape), leaf.dtype), info)
        return jax.lax.fori_loop(start, stop, body, (state, zeros))

    return run


def make_observe(observe: Callable, *, size: int, num_samples: int, resident: bool = True) -> Callable:
    """Build one slice of a full pass, each device with `size` samples of it.

    Args:
        observe: `jaxcluster.protocol.Phase.observe`.
        size: samples on each device.
        num_samples: n.
        resident: whether the images are the whole data set, or [size, ...] of this device.

    Returns:
        (model, images, key, start, *, device, num_devices, axis_name) -> rows of size * num_devices samples from
        `start` on; those beyond the last sample repeat it.
    """

    def run(model, images, key, start, *, device, num_devices: int, axis_name: str | None):
        del num_devices
        index = jnp.minimum(start + device * size + jnp.arange(size, dtype=jnp.int32), num_samples - 1)
        rows = observe(model, images[index] if resident else images, key, index)
        if axis_name is None:
            return rows
        return jax.tree.map(lambda row: jax.lax.all_gather(row, axis_name, tiled=True), rows)

    return run


def observe_all(observe: Callable, feed, model, key: Array, *, poll: Callable[[], None]):
    """Apply `observe` to every sample, a slice per device call.

    Args:
        observe: from `bind_observe`.
        feed: `jaxcluster.runtime.feed.Feed`.
        model: what `observe` takes.
        key: for what is random in it.
        poll: called between the slices; may raise.

    Returns:
        Rows of all n samples, on the first device.
    """
    n, size = len(feed), slice_size(feed)
    parts = []
    rows = None
    for start in range(0, n, size * len(feed.devices)):
        # One slice at a time: else all would be asked for, and all polls be over, before the first is done.
        jax.block_until_ready(rows)
        rows = observe(model, feed.rows(start, size), key, np.int32(start))
        parts.append(jax.tree.map(lambda row, left=n - start: row.addressable_data(0)[:left], rows))
        poll()
    return parts[0] if len(parts) == 1 else jax.tree.map(lambda *slices: jnp.concatenate(slices), *parts)


def slice_size(feed) -> int:
    """Samples on each device in a call of a full pass."""
    return min(share(len(feed), len(feed.devices)), SLICE)


def bind_run(step: Callable, feed, batch_size: int, *, engine: str = "auto") -> Callable:
    """Compile `make_run` for the devices of a feed; the same function again if all that it depends on is the same."""
    return _bound_run(step, batch_size, len(feed), feed.kind, tuple(feed.devices), engine)


def bind_observe(observe: Callable, feed, *, engine: str = "auto") -> Callable:
    """Compile `make_observe` for the devices of a feed, for `observe_all`; the same one again, as in `bind_run`."""
    return _bound_observe(observe, slice_size(feed), len(feed), feed.kind, tuple(feed.devices), engine)


# A second training of the same algorithm on data of the same shape (another seed, a grid) compiles nothing.
@functools.lru_cache(maxsize=64)
def _bound_run(step, batch_size, num_samples, kind, device_list, engine):
    run = make_run(step, batch_size=batch_size, num_samples=num_samples, resident=kind is None)
    return devices.bind(run, device_list, (None, kind, None, None, None, None), engine=engine, donate=True)


@functools.lru_cache(maxsize=64)
def _bound_observe(observe, size, num_samples, kind, device_list, engine):
    run = make_observe(observe, size=size, num_samples=num_samples, resident=kind is None)
    return devices.bind(run, device_list, (None, kind, None, None), engine=engine)
