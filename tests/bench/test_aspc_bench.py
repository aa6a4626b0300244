"""What an epoch of ASPC-DA costs beyond its matrix products, and what the whole needs in memory.

    python -m pytest -m bench tests/bench/test_aspc_bench.py -s

Everything is timed in turn within one run, and printed as ratios of medians; with ASPC_BENCH=record the figures are
written to configs/records/aspc_bench.json.
"""

import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxcluster import networks
from jaxcluster.algorithms import aspc
from jaxcluster.algorithms.aspc.finetune import finetune_phase
from jaxcluster.algorithms.inputs import flat_inputs
from jaxcluster.algorithms.pretraining import pretrain_phase
from jaxcluster.runtime import devices, epochs
from tests.bench.recording import record

ROOT = pathlib.Path(__file__).parents[2]

ROUNDS = 7
BATCH = 256


def without_optimizer():
    """Reads every gradient, so that none is optimized away, and changes nothing."""

    def update(gradient, state, params=None):
        total = sum(leaf.sum() for leaf in jax.tree.leaves(gradient))
        return jax.tree.map(jnp.zeros_like, gradient), state + total

    return optax.GradientTransformation(lambda params: jnp.zeros(()), update)


def timed(calls):
    """Median seconds of each call, all taken in turn so that drift of the machine hits all alike."""
    seconds = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(ROUNDS):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in seconds.items()}


def matmul_rate_call():
    a = jnp.ones((2048, 2048))
    product = jax.jit(lambda x: x @ x)
    return lambda: product(a).block_until_ready(), 2 * 2048**3


def epoch_call(phase, images):
    n = len(images)
    loop = epochs.make_run(phase.step, batch_size=BATCH, num_samples=n)
    run = devices.bind(loop, jax.local_devices()[:1], [None] * 6, donate=True)
    key = jax.random.key(0)
    if phase.name == "pretrain":
        holder = [phase.begin(None, None, None, key, None)]
    else:
        rows = {"embedding": jax.random.normal(key, (n, 10))}
        encoder = networks.autoencoder(int(np.prod(images.shape[1:]))).init(key)["encoder"]
        holder = [phase.begin({"encoder": encoder}, rows, None, key, lambda: None)]

    def call():
        holder[0], _ = run(holder[0], images, key, 0, 0, epochs.steps_per_epoch(n, BATCH))
        jax.block_until_ready(holder[0])

    return call


def products_call(widths, n):
    """The products of forward pass and gradient and nothing else: no bias, no ReLU, no optimizer."""
    keys = jax.random.split(jax.random.key(0), len(widths))
    weights = [jax.random.normal(key, shape) / shape[0] ** 0.5 for key, shape in zip(keys, itertools.pairwise(widths))]
    x = jax.random.uniform(keys[-1], (BATCH, widths[0]))

    def loss(weights, x):
        for matrix in weights:
            x = x @ matrix
        return jnp.mean(x)

    @jax.jit
    def epoch(weights):
        def step(_, weights):  # gradients take the weights' place, so that all are needed
            return [0.9 + 0.1 * gradient for gradient in jax.grad(loss)(weights, x)]

        return jax.lax.fori_loop(0, epochs.steps_per_epoch(n, BATCH), step, weights)

    return lambda: jax.block_until_ready(epoch(weights))


def operations(widths, n):
    """Multiply-adds of forward pass and gradient, twice; the first layer needs no gradient of its input."""
    weights = [a * b for a, b in itertools.pairwise(widths)]
    return 2 * n * (3 * sum(weights) - weights[0])


def phases(side, n, **changes):
    config = aspc.get_config()
    for field, value in changes.items():
        config.pretrain[field] = config.finetune[field] = value
    inputs = flat_inputs(config.augment, (side, side, 1), 0.0, 1 / 255)
    network = networks.autoencoder(side * side)
    return config, network, inputs


@pytest.mark.bench
@pytest.mark.parametrize(("side", "n"), [(16, 9298), (28, 10_000)], ids=["usps", "mnist_test"])
def test_an_epoch_against_its_matrix_products(side, n):
    images = jnp.asarray(np.random.default_rng(0).integers(0, 256, (n, side, side, 1)), jnp.uint8)
    rate_call, rate_operations = matmul_rate_call()
    calls = {"rate": rate_call}
    for name, changes, optimizer in (
        ("whole", {}, None),
        ("without augmentation", {"augment": False}, None),
        ("without optimizer", {}, without_optimizer()),
    ):
        config, network, inputs = phases(side, n, **changes)
        sgd = optimizer or optax.sgd(1e-3, momentum=0.9)
        adam = optimizer or optax.adam(1e-4)
        calls[f"pretrain, {name}"] = epoch_call(pretrain_phase(config.pretrain, network, inputs, sgd), images)
        calls[f"finetune, {name}"] = epoch_call(finetune_phase(config, network, inputs, adam, n), images)
    encoder = [side * side, 500, 500, 2000, 10]
    widths = {"pretrain": [*encoder, *encoder[-2::-1]], "finetune": encoder}
    for phase in widths:
        calls[f"{phase}, products alone"] = products_call(widths[phase], n)
    seconds = timed(calls)
    needed = {phase: operations(widths[phase], n) * seconds["rate"] / rate_operations for phase in widths}
    print(f"\n{n} images of {side}x{side}; matmul rate {rate_operations / seconds['rate'] / 1e9:.0f} GFLOP/s")
    figures = {"gflop_per_s": round(rate_operations / seconds["rate"] / 1e9)}
    for name in calls:
        if name != "rate":
            ratio = seconds[name] / needed[name.split(",")[0]]
            figures[name] = round(ratio, 2)
            print(f"  {name:32s} {seconds[name]:6.3f} s   {ratio:5.2f} of its matrix products")
    record("aspc", f"epoch {side}x{side}", figures)


@pytest.mark.bench
def test_an_epoch_against_pytorch():
    torch = pytest.importorskip("torch")
    side, n = 16, 9298
    images = np.random.default_rng(0).integers(0, 256, (n, side, side, 1)).astype(np.uint8)
    config, network, inputs = phases(side, n)
    ours = epoch_call(
        pretrain_phase(config.pretrain, network, inputs, optax.sgd(1e-3, momentum=0.9)), jnp.asarray(images)
    )
    seconds = timed({"ours": ours, "torch": torch_epoch(torch, images)})
    ratio = seconds["ours"] / seconds["torch"]
    print(f"\nan augmented epoch: ours {seconds['ours']:.3f} s, PyTorch {seconds['torch']:.3f} s, ratio {ratio:.2f}")
    record("aspc", "epoch against PyTorch 16x16", {"ratio": round(ratio, 2), "torch": torch.__version__})


def torch_epoch(torch, images):
    """The same epoch in PyTorch: shuffled batches, bilinear warp with clamped edges, SGD with momentum."""
    n, side = images.shape[:2]
    x = torch.tensor(images.transpose(0, 3, 1, 2)).float() / 255
    widths = [side * side, 500, 500, 2000, 10, 2000, 500, 500, side * side]
    layers = []
    for i, (a, b) in enumerate(itertools.pairwise(widths)):
        layers += [torch.nn.Linear(a, b)] + ([torch.nn.ReLU()] if i not in (3, 7) else [])
    net = torch.nn.Sequential(*layers)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9)

    def call():
        order = torch.randperm(n)
        for start in range(0, n, BATCH):
            batch = x[order[start : start + BATCH]]
            theta = (torch.rand(len(batch)) * 2 - 1) * np.pi / 18
            shift = (torch.rand(len(batch), 2) * 2 - 1) * 0.2  # grid_sample's width is 2
            cos, sin = theta.cos(), theta.sin()
            matrix = torch.stack([torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], 1)
            grid = torch.nn.functional.affine_grid(matrix, batch.shape, align_corners=True)
            warped = torch.nn.functional.grid_sample(batch, grid, padding_mode="border", align_corners=True)
            flat = warped.flatten(1)
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(net(flat), flat).backward()
            optimizer.step()

    return call


@pytest.mark.bench
def test_peak_memory_on_70000_images(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.random.default_rng(0).integers(0, 256, (70_000, 28, 28)).astype(np.uint8))
    command = [sys.executable, "-m", "jaxcluster.main", "--config=configs/aspc_mnist.py", "--config.data.name="]
    command += [f"--config.data.path={tmp_path / 'x.npz'}", f"--workdir={tmp_path / 'w'}"]
    command += ["--config.pretrain.epochs=1", "--config.finetune.epochs=1"]
    subprocess.run(command, check=True, cwd=ROOT, env=os.environ | {"XLA_FLAGS": ""})
    peak = json.loads((tmp_path / "w" / "summary.json").read_text())["device"]["peak_memory_mib"]
    print(f"\npeak resident memory, 70,000 images of 28x28, pictures included: {peak} MiB")
    record("aspc", "memory 70000x28x28", {"peak_memory_mib": peak})
