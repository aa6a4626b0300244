"""Where a pure step meets devices; the only file that says `pmap`.

State and data are never stacked or replicated by hand: `in_axes=None` gives every device the whole of them, each
takes its rows of the global batch by its own number (the one argument that is mapped), and `out_axes=None` returns
the state, equal on all devices because every step sums its gradient over the axis.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

__all__ = ["AXIS", "bind"]

AXIS = "devices"


def bind(run: Callable, devices: Sequence[jax.Device]) -> Callable:
    """Compile an epoch's loop for one device (jit, the state is donated) or several (pmap).

    Args:
        run: (state, images, key, start, stop, *, device, num_devices, axis_name) -> (state, sums).
        devices: the local devices to use.

    Returns:
        (state, images, key, start, stop) -> (state, sums).
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
