"""What the engines cost: a step under pmap and shard_map against plain jit, and what devices tell each other in a step.

    python -m pytest -m bench tests/bench/test_devices_bench.py -s

The engines are timed in turn on one device, so that only their own work differs. Bytes are counted in the traced step,
whatever the devices are. With DEVICES_BENCH=record the figures go to configs/records/devices_bench.json.
"""

import statistics
import time

import jax
import numpy as np
import pytest

from jaxcluster.algorithms import aspc, clustergan
from jaxcluster.runtime import devices, epochs
from jaxcluster.runtime.feed import Feed
from tests.bench.recording import record

N, SIDE, ROUNDS = 1024, 16, 15
COLLECTIVES = (
    *("psum", "psum_invariant", "pmax", "pmin", "all_gather", "all_to_all", "ppermute"),
    "reduce_scatter",  # also what the gradient of an all_gather is
)
STEPS = {
    "aspc pretrain": (aspc, "pretrain", 4),
    "aspc finetune": (aspc, "finetune", 4),
    "clustergan adversarial": (clustergan, "adversarial", 2),
}


def loop_of(room, name):
    config = room.get_config()
    if room is clustergan:
        config.network.family = "mlp"
    algorithm = room.build(config, num_samples=N, sample_shape=(SIDE, SIDE, 1), offset=0.0, scale=1.0)
    phase = next(phase for phase in algorithm.phases if phase.name == name)
    state = jax.tree.map(
        lambda leaf: np.full(leaf.shape, 0.01 if leaf.dtype.kind == "f" else 0, leaf.dtype), phase.template()
    )
    return phase, state, epochs.make_run(phase.step, batch_size=phase.batch_size, num_samples=N)


def images():
    return np.random.default_rng(0).random((N, SIDE, SIDE, 1), np.float32)


def call_of(engine, loop, state, steps):
    feed = Feed(images(), jax.local_devices()[:1])
    run = devices.bind(loop, feed.devices, [None] * 6, engine=engine)
    held = [devices.replicate(state, feed.devices)]

    def call():
        held[0], _ = run(held[0], feed.images, jax.random.key(0), 0, 0, steps)
        jax.block_until_ready(held[0])

    return call


@pytest.mark.bench
@pytest.mark.parametrize("step", STEPS)
def test_engines_on_one_device(step):
    room, name, steps = STEPS[step]
    _, state, loop = loop_of(room, name)
    calls = {engine: call_of(engine, loop, state, steps) for engine in ("jit", "pmap", "shard_map")}
    taken = {engine: [] for engine in calls}
    for call in calls.values():
        call()
    for _ in range(ROUNDS):
        for engine, call in calls.items():
            began = time.perf_counter()
            call()
            taken[engine].append((time.perf_counter() - began) / steps)
    print(f"\n{step}: a step on {N} images of {SIDE}x{SIDE}, one device, median of {ROUNDS}")
    for engine, seconds in taken.items():
        print(f"  {engine:10s} {1e3 * statistics.median(seconds):8.2f} ms")
    ratios = {
        f"{engine} of jit": round(statistics.median(a / b for a, b in zip(taken[engine], taken["jit"])), 3)
        for engine in ("pmap", "shard_map")
    }
    print(f"  {step}: {ratios}")
    record("devices", step, ratios, add=True)


@pytest.mark.bench
@pytest.mark.parametrize("step", STEPS)
def test_bytes_exchanged_in_a_step(step):
    room, name, _ = STEPS[step]
    phase, state, loop = loop_of(room, name)

    def on_each(*values):
        return loop(*values, device=0, num_devices=2, axis_name=devices.AXIS)

    traced = jax.make_jaxpr(on_each, axis_env=[(devices.AXIS, 2)])(state, images(), jax.random.key(0), 0, 0, 1)
    exchanged = sum(exchanges(traced.jaxpr))
    parameters = sum(leaf.nbytes for leaf in jax.tree.leaves(phase.model(state)))
    figures = {
        "exchanged_kb": round(exchanged / 1e3, 1),
        "model_kb": round(parameters / 1e3, 1),
        "exchanged of model": round(exchanged / parameters, 2),
    }
    print(f"  {step}: {figures}")
    record("devices", step, figures, add=True)


def exchanges(jaxpr):
    """Bytes that each collective of a program hands to every device, those of the loop's body once."""
    for equation in jaxpr.eqns:
        if equation.primitive.name in COLLECTIVES:
            yield sum(out.aval.size * out.aval.dtype.itemsize for out in equation.outvars)
        for value in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda v: hasattr(v, "jaxpr")):
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from exchanges(inner)


def test_gathering_and_its_gradient_are_counted():
    """Three rows on each of two devices: all six are gathered, and three rows of the gradient come back."""

    def step(x):
        loss, gradient = jax.value_and_grad(lambda x: jax.lax.all_gather(x, "axis", tiled=True).sum())(x)
        return jax.lax.psum(loss, "axis"), gradient

    traced = jax.make_jaxpr(step, axis_env=[("axis", 2)])(np.zeros((3, 5), np.float32))
    assert sorted(exchanges(traced.jaxpr)) == [4, 3 * 5 * 4, 6 * 5 * 4]
