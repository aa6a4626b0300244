"""Where a pure step meets devices; the only file that says `pmap`.

The devices are those of all processes, the same list in each. State and data are never stacked or replicated by hand:
every device is given the whole of them, takes its rows of the global batch by its own number, and returns the state,
which is equal on all devices because every step sums its gradient over the axis. Two engines do the same: `pmap`, and
`jax.shard_map`, which is what JAX develops further.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

__all__ = ["AXIS", "ENGINES", "Sharded", "bind", "choose", "on_first", "replicate", "spread"]

AXIS = "devices"
ENGINES = ("auto", "jit", "pmap", "shard_map")
WHOLE, SHARED = PartitionSpec(), PartitionSpec(AXIS)


class Sharded:
    """Marks an argument whose leading axis is the devices: each is given its own part, and nothing of the others."""


def choose(count: int) -> list[jax.Device]:
    """Choose devices: so many of each process, in the order of the processes.

    Args:
        count: how many of each process; 0 for all accelerators, or one CPU where there are none.

    Raises:
        ValueError: there are not so many.
    """
    local = jax.local_devices()
    if count == 0:
        count = 1 if local[0].platform == "cpu" else len(local)
    if not 1 <= count <= len(local):
        kind = local[0].platform
        more = f"; JAX_NUM_CPU_DEVICES={count} makes so many" if kind == "cpu" and count > 1 else ""
        raise ValueError(f"must lie between 0 (all) and {len(local)}, the local {kind} devices, got {count}{more}")
    chosen = []
    for process in range(jax.process_count()):
        chosen += [device for device in jax.devices() if device.process_index == process][:count]
    return chosen


def replicate(tree, devices: Sequence[jax.Device]):
    """Put the whole of an array, or of a tree of them, on each device, once, so that no step has to."""
    if len(devices) == 1:
        return jax.device_put(tree, devices[0])
    return jax.tree.map(lambda leaf: _whole(leaf, devices), tree)


def spread(shape: tuple[int, ...], part: Callable[[tuple], np.ndarray], devices: Sequence[jax.Device]) -> jax.Array:
    """Put row i of an array on device i, for an argument that `bind` was told is `Sharded`.

    Args:
        shape: of the array, [devices, ...].
        part: index, a tuple of slices -> that part of the array; asked for the rows of this process only.
        devices: of all processes.
    """
    if len(devices) == 1:
        return jax.device_put(part((slice(None),) * len(shape)), devices[0])
    return _placed(shape, part, devices, SHARED)


def _placed(shape, part, devices, spec: PartitionSpec) -> jax.Array:
    # Not device_put: between processes it would send the array around, to compare.
    return jax.make_array_from_callback(shape, NamedSharding(Mesh(np.asarray(devices), (AXIS,)), spec), part)


def _whole(leaf, devices) -> jax.Array:
    array = np.asarray(leaf)
    return _placed(array.shape, lambda index: array[index], devices, WHOLE)


def on_first(tree):
    """The copy on the first device of this process, for work on the whole data set between the steps."""
    return jax.tree.map(lambda leaf: leaf.addressable_data(0) if isinstance(leaf, jax.Array) else leaf, tree)


def bind(
    run: Callable,
    devices: Sequence[jax.Device],
    arguments: Sequence[type[Sharded] | None],
    *,
    engine: str = "auto",
    donate: bool = False,
) -> Callable:
    """Compile a function for one device (jit) or several (pmap or shard_map).

    Args:
        run: (*arguments, device, num_devices, axis_name) -> a tree that is equal on all devices.
        devices: those to use, of all processes.
        arguments: for each argument None, or `Sharded`.
        engine: one of ENGINES; "auto" is jit for one device and pmap for several.
        donate: whether the first argument's memory may be reused for the result; with several devices it is not,
            because what lies on one device at first would be copied to the others all the same.

    Returns:
        (*arguments) -> the tree.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}")
    if engine == "auto":
        engine = "jit" if len(devices) == 1 else "pmap"
    if engine == "jit":
        return _jit(run, devices, arguments, donate)
    return {"pmap": _pmap, "shard_map": _shard_map}[engine](run, devices, arguments)


def _jit(run, devices, arguments, donate):
    if len(devices) != 1:
        raise ValueError(f"engine jit takes one device, got {len(devices)}")

    def on_one(*values):
        mine = [value if kind is None else value[0] for value, kind in zip(values, arguments, strict=True)]
        return run(*mine, device=0, num_devices=1, axis_name=None)

    return jax.jit(on_one, donate_argnums=(0,) if donate else ())


def _pmap(run, devices, arguments):
    def on_each(device, *values):
        return run(*values, device=device, num_devices=len(devices), axis_name=AXIS)

    mapped = jax.pmap(
        on_each,
        axis_name=AXIS,
        in_axes=(0, *(None if kind is None else 0 for kind in arguments)),
        out_axes=None,
        devices=list(devices),
    )
    everyone = np.arange(len(devices), dtype=np.int32)
    numbers = spread(everyone.shape, lambda index: everyone[index], devices)
    return lambda *values: mapped(numbers, *values)


def _shard_map(run, devices, arguments):
    mesh = Mesh(np.asarray(devices), (AXIS,))
    specs = tuple(WHOLE if kind is None else SHARED for kind in arguments)

    def on_each(*values):
        mine = [value if kind is None else value[0] for value, kind in zip(values, arguments, strict=True)]
        return run(*mine, device=jax.lax.axis_index(AXIS), num_devices=len(devices), axis_name=AXIS)

    # check_vma would have every scalar of a step cast to "varying over devices"; that replicas stay equal is tested.
    mapped = jax.shard_map(on_each, mesh=mesh, in_specs=specs, out_specs=WHOLE, check_vma=False)
    compiled = jax.jit(mapped)

    def call(*values):
        placed = [
            jax.tree.map(lambda leaf: _global(leaf, devices), value) if kind is None else value
            for value, kind in zip(values, arguments, strict=True)
        ]
        return compiled(*placed)

    return call


def _global(leaf, devices):
    """What lies on one device of this process, or on none, is put on all; what lies on all stays."""
    if isinstance(leaf, jax.Array) and len(leaf.sharding.device_set) == len(devices):
        return leaf
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(_global(jax.random.key_data(leaf), devices), impl=jax.random.key_impl(leaf))
    return _whole(leaf, devices)
