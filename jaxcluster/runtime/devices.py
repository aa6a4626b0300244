"""Where a pure step meets devices; the only file that says `pmap`.

State and data are never stacked or replicated by hand: `in_axes=None` gives every device the whole of them, each
takes its rows of the global batch by its own number (the one argument that is mapped), and `out_axes=None` returns
the state, equal on all devices because every step sums its gradient over the axis.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

__all__ = ["AXIS", "bind", "choose", "on_all", "on_first"]

AXIS = "devices"


def choose(count: int) -> list[jax.Device]:
    """Choose local devices.

    Args:
        count: how many; 0 for all accelerators, or one CPU where there are none.

    Raises:
        ValueError: there are not so many.
    """
    local = jax.local_devices()
    if count == 0:
        return local[:1] if local[0].platform == "cpu" else local
    if not 1 <= count <= len(local):
        kind = local[0].platform
        raise ValueError(f"must lie between 0 (all) and {len(local)}, the local {kind} devices, got {count}")
    return local[:count]


def on_all(tree, devices: Sequence[jax.Device]):
    """Put the whole of an array, or of a tree of them, on each device, once, so that no step has to."""
    if len(devices) == 1:
        return jax.device_put(tree, devices[0])
    return jax.device_put(tree, NamedSharding(Mesh(np.asarray(devices), (AXIS,)), PartitionSpec()))


def on_first(tree):
    """The copy on the first device, for work on the whole data set between the steps."""
    return jax.tree.map(lambda leaf: leaf.addressable_data(0) if isinstance(leaf, jax.Array) else leaf, tree)


def bind(run: Callable, devices: Sequence[jax.Device]) -> Callable:
    """Compile an epoch's loop for one device (jit, the state is donated) or several (pmap).

    Args:
        run: (state, images, key, start, stop, *, device, num_devices, axis_name) -> (state, info).
        devices: the local devices to use.

    Returns:
        (state, images, key, start, stop) -> (state, info).
    """
    if len(devices) == 1:

        def on_one(state, images, key, start, stop):
            return run(state, images, key, start, stop, device=0, num_devices=1, axis_name=None)

        return jax.jit(on_one, donate_argnums=0)

    def on_each(state, images, key, start, stop, device):
        return run(state, images, key, start, stop, device=device, num_devices=len(devices), axis_name=AXIS)

    mapped = jax.pmap(
        on_each, axis_name=AXIS, in_axes=(None, None, None, None, None, 0), out_axes=None, devices=list(devices)
    )
    return lambda *arguments: mapped(*arguments, jnp.arange(len(devices), dtype=jnp.int32))
