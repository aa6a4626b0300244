"""ASPC-DA's full protocol on an accelerator: seconds of each phase against their matrix products, kernels of a step.

    python -m pytest -m bench tests/bench/test_accelerator_bench.py -s

Random images of MNIST's number and size, which take as long as real ones. With ACCELERATOR_BENCH=record the figures go
to configs/records/accelerator_bench.json; BENCH_SAMPLES and BENCH_EPOCHS make it small enough to try on a CPU. What the
matrix products are computed in is JAX's own setting: JAX_DEFAULT_MATMUL_PRECISION=float32, tensorfloat32 or bfloat16.
"""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster.algorithms import aspc
from jaxcluster.runtime import devices, epochs
from tests.bench.test_aspc_bench import operations

ROOT = pathlib.Path(__file__).parents[2]
RECORD = ROOT / "tests" / "records" / "accelerator_bench.json"
SAMPLES = int(os.environ.get("BENCH_SAMPLES", "70000"))
EPOCHS = {"pretrain": 500, "finetune": 100}
if "BENCH_EPOCHS" in os.environ:
    EPOCHS = {phase: int(os.environ["BENCH_EPOCHS"]) for phase in EPOCHS}
SIDE, BATCH, ROUNDS = 28, 256, 20
ENCODER = [SIDE * SIDE, 500, 500, 2000, 10]
WIDTHS = {"pretrain": [*ENCODER, *ENCODER[-2::-1]], "finetune": ENCODER}
KERNEL = re.compile(
    r" = \S+ (?:fusion|custom-call|dot|convolution|sort|copy|reduce|scatter|gather|select-and-scatter)\("
)

accelerator_only = pytest.mark.skipif(
    jax.default_backend() == "cpu" and "BENCH_SAMPLES" not in os.environ, reason="for an accelerator"
)


@pytest.mark.bench
@accelerator_only
def test_the_full_protocol_against_its_matrix_products(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.random.default_rng(0).integers(0, 256, (SAMPLES, SIDE, SIDE)).astype(np.uint8))
    command = [sys.executable, "-m", "jaxcluster.main", "--config=configs/aspc_mnist.py", "--config.data.name="]
    command += [f"--config.data.path={tmp_path / 'x.npz'}", f"--workdir={tmp_path / 'run'}", "--devices=1"]
    command += [f"--config.{phase}.epochs={number}" for phase, number in EPOCHS.items()]
    # Labels of noise hardly settle, and a stopping rule would end the phase at another epoch each time.
    subprocess.run([*command, "--config.finetune.tolerance=0"], check=True, cwd=ROOT)
    seconds = json.loads((tmp_path / "run" / "summary.json").read_text())["seconds"]
    rate = matmul_rate()
    figures = {"samples": SAMPLES, "tflop_per_s": round(rate / 1e12, 1), "kernels a step": kernels()}
    print(f"\n{SAMPLES:,} images on {jax.devices()[0].device_kind}; {figures['tflop_per_s']} TFLOP/s in products")
    for phase, number in EPOCHS.items():
        floor = number * operations(WIDTHS[phase], SAMPLES) / rate
        figures[phase] = {"epochs": number, "seconds": seconds[phase], "over its products": seconds[phase] / floor}
        print(
            f"  {phase:9} {number} epochs {seconds[phase]:7.1f} s, {seconds[phase] / floor:6.2f} times its products, "
            f"{figures['kernels a step'][phase]} kernels a step"
        )
    if os.environ.get("ACCELERATOR_BENCH") == "record":
        precision = os.environ.get("JAX_DEFAULT_MATMUL_PRECISION", "default")
        known = json.loads(RECORD.read_text()) if RECORD.exists() else {}
        known[f"{jax.devices()[0].device_kind}, {precision} products"] = figures
        RECORD.write_text(json.dumps(known, indent=2) + "\n")


def matmul_rate() -> float:
    """Operations a second of a large product, in the precision that training uses."""
    size = 8192 if jax.default_backend() != "cpu" else 1024
    a = jnp.ones((size, size))
    product = jax.jit(lambda x: x @ x)
    product(a).block_until_ready()
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        product(a).block_until_ready()
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / statistics.median(seconds)


def kernels() -> dict[str, int]:
    """How many kernels a step of each phase launches: instructions in the body of the compiled loop."""
    algorithm = aspc.build(
        aspc.get_config(), num_samples=SAMPLES, sample_shape=(SIDE, SIDE, 1), offset=0.0, scale=1 / 255
    )
    images = jax.ShapeDtypeStruct((SAMPLES, SIDE, SIDE, 1), jnp.uint8)
    found = {}
    for phase in algorithm.phases:
        loop = epochs.make_run(phase.step, batch_size=BATCH, num_samples=SAMPLES)
        run = devices.bind(loop, jax.local_devices()[:1], [None] * 6)
        arguments = (phase.template(), images, jax.random.key(0), 0, 0, 10)
        found[phase.name] = in_loop(run.lower(*arguments).compile().as_text())
    return found


def in_loop(program: str) -> int:
    """Kernels in the body of the largest loop of a compiled program."""
    bodies = set(re.findall(r"body=%?([\w.\-]+)", program))
    computations = re.split(r"\n(?=%|ENTRY)", program)
    sizes = [len(KERNEL.findall(text)) for text in computations if text.lstrip("%").split(" ")[0] in bodies]
    return max(sizes)
