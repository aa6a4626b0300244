"""What a gradient step of the convolutional clusterer costs, in both forms of convolution and in PyTorch.

    python -m pytest -m bench tests/bench/test_conv_bench.py -s

All are timed in turn within one run, in processor seconds as well as on the clock, since other work on the machine
changes the second more than the first. With CONV_BENCH=record the figures go to configs/records/conv_bench.json.
"""

import os
import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster.networks import Context, adversarial_networks
from tests.bench.recording import record

ROUNDS, STEPS = 7, 3
UNITS = 10


def timed(calls):
    """Median (seconds, processor seconds) of each call, all taken in turn."""
    taken = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(ROUNDS):
        for name, call in calls.items():
            began = time.perf_counter(), time.process_time()
            call()
            taken[name].append((time.perf_counter() - began[0], time.process_time() - began[1]))
    return {name: [statistics.median(column) for column in zip(*values)] for name, values in taken.items()}


def steps_call(shape, form, count):
    """`count` gradient steps inside one compiled loop, as in training, and the seconds of compiling it."""
    clusterer = adversarial_networks(
        "mnist", sample_shape=shape[1:], units=UNITS, inputs=UNITS, convolution=form
    ).clusterer
    variables = jax.jit(clusterer.init)(jax.random.key(0))
    position, valid = jnp.arange(shape[0]), jnp.ones(shape[0], bool)

    def step(i, carried):
        variables, x = carried
        context = Context(jax.random.fold_in(jax.random.key(1), i), position, valid)

        def loss(params):
            logits, _, stats = clusterer.apply(variables | {"params": params}, x, context)
            return jnp.mean(jnp.square(logits - 1)), stats

        gradient, stats = jax.grad(loss, has_aux=True)(variables["params"])
        params = jax.tree.map(lambda p, g: p - 1e-3 * g, variables["params"], gradient)
        return {"params": params, "stats": stats}, x

    def loop(variables, x):
        if count == 1:
            return step(0, (variables, x))[0]
        return jax.lax.fori_loop(0, count, step, (variables, x))[0]

    x = jnp.asarray(np.random.default_rng(0).random(shape, np.float32))
    began = time.process_time()
    compiled = jax.jit(loop).lower(variables, x).compile()
    return lambda: jax.block_until_ready(compiled(variables, x)), time.process_time() - began


def torch_call(torch, shape):
    """The same steps in PyTorch."""
    same, layers, before = min(shape[1:3]) < 16, [], shape[3]
    for width, size, padded, pooled in (
        (32, 5, same, True),
        (64, 3, True, False),
        (64, 3, same, True),
        (128, 3, True, False),
        (128, 3, True, False),
    ):
        layers.append(torch.nn.Conv2d(before, width, size, padding=size // 2 if padded else 0, bias=False))
        layers.append(torch.nn.BatchNorm2d(width, eps=1e-4))
        layers += [torch.nn.MaxPool2d(2)] if pooled else []
        layers.append(torch.nn.ReLU())
        layers += [torch.nn.Dropout(0.5)] if pooled else []
        before = width
    head = [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(before, UNITS)]
    net = torch.nn.Sequential(*layers, *head)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
    x = torch.rand(shape[0], shape[3], *shape[1:3])

    def call():
        for _ in range(STEPS):
            optimizer.zero_grad()
            torch.mean(torch.square(net(x) - 1)).backward()
            optimizer.step()

    return call


@pytest.mark.bench
@pytest.mark.parametrize("shape", [(100, 28, 28, 1), (200, 16, 16, 1)], ids=["100x28x28", "200x16x16"])
def test_a_step_of_the_clusterer(shape):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(os.cpu_count())  # as many as XLA takes
    calls, compiling = {"torch": torch_call(torch, shape)}, {}
    counts = {"torch": STEPS}
    for name, form, count in (("products", "products", STEPS), ("native, not in a loop", "native", 1)):
        calls[name], compiling[name] = steps_call(shape, form, count)
        counts[name] = count
    taken = timed(calls)
    print(f"\na gradient step on {'x'.join(map(str, shape))}; PyTorch {torch.__version__}")
    figures = {"torch": torch.__version__}
    for name, both in taken.items():
        clock, processor = (seconds / counts[name] for seconds in both)
        ratios = [clock / (taken["torch"][0] / STEPS), processor / (taken["torch"][1] / STEPS)]
        figures[name] = {"of torch, clock": round(ratios[0], 2), "of torch, processor": round(ratios[1], 2)}
        if name in compiling:
            figures[name]["compiling_processor_s"] = round(compiling[name], 1)
        print(
            f"  {name:22s} {clock * 1e3:8.1f} ms, processor {processor * 1e3:8.1f} ms;"
            f" of PyTorch {ratios[0]:.2f} and {ratios[1]:.2f}; compiled in {compiling.get(name, 0):.1f} s"
        )
    record("conv", "x".join(map(str, shape)), figures)


@pytest.mark.bench
def test_native_convolution_inside_a_loop():
    shape = (20, 16, 16, 1)
    calls, counts = {}, {"products": STEPS, "native in a loop": 2, "native": 1}
    for name, count in counts.items():
        calls[name], _ = steps_call(shape, "products" if name == "products" else "native", count)
    taken = timed(calls)
    per_step = {name: taken[name][0] / count for name, count in counts.items()}
    ratios = {f"{name} of products": round(per_step[name] / per_step["products"], 1) for name in counts}
    print(f"\n{'x'.join(map(str, shape))}: {ratios}")
    record("conv", f"loop {'x'.join(map(str, shape))}", ratios)
