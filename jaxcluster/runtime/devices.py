"""Where a pure step meets devices; the only file that says `pmap`.

State and data are never stacked or replicated by hand: `in_axes=None` gives every device the whole of them, each
takes its rows of the global batch by its own index, and `out_axes=None` returns the state, equal on all devices
because every step sums its gradient over the axis.
"""

from collections.abc import Callable, Sequence

import jax

__all__ = ["AXIS", "bind"]

AXIS = "devices"


def bind(run: Callable, devices: Sequence[jax.Device]) -> Callable:
    """Compile an epoch's loop for one device (jit) or several (pmap); its first argument, the state, is donated.

    Args:
        run: (state, images, key, start, stop, *, axis_name, num_devices) -> (state, sums).
        devices: the local devices to use.

    Returns:
        (state, images, key, start, stop) -> (state, sums).
    """
    if len(devices) == 1:

        def on_one(state, images, key, start, stop):
            return run(state, images, key, start, stop, axis_name=None, num_devices=1)

        return jax.jit(on_one, donate_argnums=0)

    def on_each(state, images, key, start, stop):
        return run(state, images, key, start, stop, axis_name=AXIS, num_devices=len(devices))

    return jax.pmap(
        on_each, axis_name=AXIS, in_axes=None, out_axes=None, axis_size=len(devices), devices=list(devices)
    )
