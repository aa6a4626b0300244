"""One epoch over a data set that lies on the device: shuffled steps in one loop, and passes over all samples.

The loop's bounds are arguments, so that an epoch may be cut anywhere: into calls short enough to hear a signal, and
at any step to resume from. The cuts change no result, because the body is compiled once, whatever the bounds.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxcluster.protocol import Batch

__all__ = ["make_run", "observe_all", "steps_per_epoch"]

Array = jax.Array
SLICE = 4096  # samples per device call of a full pass: tens of MB of activations, well under 5 seconds


def steps_per_epoch(num_samples: int, batch_size: int) -> int:
    """Batches that cover the data set once; the last one may be partly empty."""
    return -(-num_samples // batch_size)


def make_run(step: Callable, *, batch_size: int, num_samples: int) -> Callable:
    """Build the loop over the steps `start` to `stop` of an epoch.

    Args:
        step: `jaxcluster.protocol.Phase.step`.
        batch_size: global, over all devices.
        num_samples: n.

    Returns:
        (state, images, key, start, stop, *, device, num_devices, axis_name) -> (state, info), for `devices.bind`;
        `key` is the epoch's and decides the order of the samples and every draw; `info` has a leading axis of all the
        epoch's steps, 0 where they were not run: a sum taken here would be rounded by where the calls are cut.
    """

    def run(state, images, key, start, stop, *, device, num_devices: int, axis_name: str | None):
        order_key, steps_key = jax.random.split(key)
        order = jax.random.permutation(order_key, num_samples).astype(jnp.int32)
        rows = -(-batch_size // num_devices)  # on each device; positions beyond the batch are padding
        position = device * rows + jnp.arange(rows, dtype=jnp.int32)

        def one(state, i):
            place = i * batch_size + position
            index = order[jnp.minimum(place, num_samples - 1)]
            valid = (position < batch_size) & (place < num_samples)
            batch = Batch(images[index], index, position, valid)
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


def observe_all(observe: Callable, model, images: Array, key: Array, *, poll: Callable[[], None]):
    """Apply `observe` to every sample, a slice per device call.

    Args:
        observe: compiled `jaxcluster.protocol.Phase.observe`.
        model: what it takes.
        images: [n, ...].
        key: for what is random in it.
        poll: called between the slices; may raise.

    Returns:
        Rows of all n samples.
    """
    n = images.shape[0]
    size = min(n, SLICE)
    parts = []
    for start in range(0, n, size):
        first = min(start, n - size)  # every slice has the same shape: the last one overlaps the one before
        index = jnp.arange(first, first + size, dtype=jnp.int32)
        rows = observe(model, jax.lax.dynamic_slice_in_dim(images, first, size), key, index)
        parts.append(jax.tree.map(lambda row, skip=start - first: row[skip:], rows))
        poll()
    return parts[0] if len(parts) == 1 else jax.tree.map(lambda *slices: jnp.concatenate(slices), *parts)
