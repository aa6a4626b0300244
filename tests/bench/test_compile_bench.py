"""What compiling each step costs, and what is left of it at a second start, whose programs lie in the cache.

    python -m pytest -m bench tests/bench/test_compile_bench.py -s

Each start is a process of its own: the first with an empty cache, the others with what it has left there. Processor
seconds are printed beside those of the clock, since other work on the machine changes them less. With
COMPILE_BENCH=record the figures go to configs/records/compile_bench.json.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys

import pytest

from tests.bench.recording import record

ROOT = pathlib.Path(__file__).parents[2]
WARM_STARTS = 3
STEPS = [("aspc", "pretrain"), ("aspc", "finetune"), ("clustergan", "pretrain"), ("clustergan", "adversarial")]

START = """
import importlib, json, sys, time
began = time.perf_counter(), time.process_time()

def since(mark):
    return [time.perf_counter() - mark[0], time.process_time() - mark[1]]

def now():
    return time.perf_counter(), time.process_time()

import jax, jax.numpy as jnp, numpy as np
from jaxcluster.runtime import compilation, devices, epochs

compilation.enable_compilation_cache(print)
room = importlib.import_module("jaxcluster.algorithms." + sys.argv[1])
n = 1000
algorithm = room.build(room.get_config(), num_samples=n, sample_shape=(16, 16, 1), offset=0.0, scale=1.0)
phase = next(phase for phase in algorithm.phases if phase.name == sys.argv[2])
state = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), phase.template())
images = jnp.asarray(np.random.default_rng(0).random((n, 16, 16, 1), np.float32))
loop = epochs.make_run(phase.step, batch_size=phase.batch_size, num_samples=n)
run = devices.bind(loop, jax.local_devices()[:1], [None] * 6, donate=True)
times, mark = {"imports and data": since(began)}, now()
lowered = run.lower(state, images, jax.random.key(0), 0, 0, 1)
times["tracing"], mark = since(mark), now()
lowered.compile()
times["compiling or loading"] = since(mark)
times["start"] = since(began)
print(json.dumps(times))
"""


def started(algorithm, phase, folder):
    """Seconds and processor seconds of each part of one start."""
    environment = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
    environment |= {"XDG_CACHE_HOME": str(folder), "XLA_FLAGS": ""}
    command = [sys.executable, "-c", START, algorithm, phase]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.bench
@pytest.mark.parametrize(("algorithm", "phase"), STEPS, ids=[f"{a}-{p}" for a, p in STEPS])
def test_compiling_a_step(algorithm, phase, tmp_path):
    cold = started(algorithm, phase, tmp_path)
    starts = [started(algorithm, phase, tmp_path) for _ in range(WARM_STARTS)]
    warm = {part: [statistics.median(values) for values in zip(*(start[part] for start in starts))] for part in cold}
    print(f"\n{algorithm}, {phase}: one loop over steps on 1000 images of 16x16, default settings")
    for part in cold:
        print(
            f"  {part:22s} cold {cold[part][0]:6.2f} s, processor {cold[part][1]:6.2f} s;"
            f" warm {warm[part][0]:6.2f} s, processor {warm[part][1]:6.2f} s"
        )
    size = sum(file.stat().st_size for file in tmp_path.rglob("*-cache"))
    figures = {
        "compiling_s": round(cold["compiling or loading"][0], 1),
        "compiling_processor_s": round(cold["compiling or loading"][1], 1),
        "tracing_processor_s": round(warm["tracing"][1], 1),
        "loading of compiling, processor": ratio(warm, cold, "compiling or loading"),
        "second start of first, clock": ratio(warm, cold, "start", 0),
        "second start of first, processor": ratio(warm, cold, "start"),
        "cache_kb": round(size / 1e3),
    }
    print(f"  {figures}")
    record("compile", f"{algorithm} {phase}", figures)


def ratio(warm, cold, part, column=1):
    return round(warm[part][column] / cold[part][column], 3)
