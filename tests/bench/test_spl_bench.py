"""Balanced weights against a sort of the same data, from 10^4 to 10^7 samples: ratios in one run, and memory.

    python -m pytest -m bench tests/bench/test_spl_bench.py -s

prints the table; with SPL_BENCH=record in the environment it also writes configs/records/spl_bench.json
and the plot jaxcluster/spl/speed.png.
"""

import functools
import json
import os
import pathlib
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxcluster import spl

ROOT = pathlib.Path(__file__).parents[2]
COMMAND = "SPL_BENCH=record python -m pytest -m bench tests/bench/test_spl_bench.py -s"
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
GROUPS = 1000


def data(n, num_groups=GROUPS):
    rng = np.random.default_rng(0)
    return rng.gamma(2, 1, n).astype(np.float32), rng.integers(0, num_groups, n).astype(np.int32)


def seconds(call, repeats):
    """The best of several runs after one that compiles."""
    jax.block_until_ready(call())
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(call())
        best = min(best, time.perf_counter() - start)
    return best


def measure(n):
    losses, groups = data(n)
    x, g = jnp.asarray(losses), jnp.asarray(groups)
    gamma = spl.gamma_for_quota(x, num_groups=GROUPS)
    age = spl.age_for_fraction(x, 0.5, groups=g, gamma=gamma, num_groups=GROUPS)
    options = {"gamma": gamma, "num_groups": GROUPS}
    sort = jax.jit(lambda groups, losses: lax.sort((groups, losses), num_keys=2))
    repeats = 5 if n < 10**7 else 2
    row = {
        "n": n,
        "balanced_weights": seconds(lambda: spl.balanced_weights(x, g, age=age, **options), repeats + 2),
        "balanced_weights_sorted": seconds(lambda: spl.balanced_weights_sorted(x, g, age=age, **options), repeats),
        "age_for_fraction": seconds(lambda: spl.age_for_fraction(x, 0.5, groups=g, **options), repeats),
        "np.lexsort": seconds(lambda: np.lexsort((losses, groups)), repeats - 1),
        "lax.sort": seconds(lambda: sort(g, x), repeats),
    }
    row["ratio"] = row["balanced_weights"] / min(row["np.lexsort"], row["lax.sort"])
    return row


def compiled_memory(n):
    """What the compiled program asks for beyond its inputs, in float32 arrays of n."""
    solve = jax.jit(functools.partial(spl.balanced_weights, num_groups=GROUPS))
    x, g, s = jnp.zeros(n), jnp.zeros(n, jnp.int32), jnp.float32(1)
    stats = solve.lower(x, g, age=s, gamma=s).compile().memory_analysis()
    return (stats.temp_size_in_bytes + stats.output_size_in_bytes) / (4 * n)


def resident_memory(n):
    """Growth of a fresh process's peak memory over a run, in float32 arrays of n, inputs apart."""
    out = subprocess.run([sys.executable, __file__, str(n)], capture_output=True, text=True, check=True, cwd=ROOT)
    return float(out.stdout.split()[-1])


def status(field):
    """Bytes of a field of the process's status, such as VmRSS (resident now) or VmHWM (its peak)."""
    text = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(next(line.split()[1] for line in text.splitlines() if line.startswith(field)))


def report_growth_of_peak(n):
    losses, groups = data(n)
    x, g, s = jnp.asarray(losses), jnp.asarray(groups), jnp.float32(1)
    solve = jax.jit(functools.partial(spl.balanced_weights, num_groups=GROUPS))
    compiled = solve.lower(x, g, age=s, gamma=s).compile()
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew here
    before = status("VmRSS")
    jax.block_until_ready(compiled(x, g, age=s, gamma=s))
    print((status("VmHWM") - before) / (4 * n))


def plot(rows, path):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    sizes = [row["n"] for row in rows]
    for name, style in [
        ("lax.sort", "s--"),
        ("np.lexsort", "^--"),
        ("balanced_weights_sorted", "v-"),
        ("age_for_fraction", "D-"),
        ("balanced_weights", "o-"),
    ]:
        axes.loglog(sizes, [row[name] for row in rows], style, label=name, ms=5)
    axes.set(xlabel="samples", ylabel="seconds", title=f"{GROUPS:,} groups, float32, 2-core x86-64 CPU")
    axes.grid(which="major", alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


@pytest.mark.bench
def test_balanced_weights_against_sorting():
    rows, names, load = [], None, os.getloadavg()[0]
    for n in SIZES:
        row = measure(n)
        if names is None:
            names = list(row)
            print("\n" + "  ".join(f"{name:>23}" for name in names))
        rows.append(row)
        print("  ".join(f"{row[name]:>23.4g}" for name in names))
    memory = {"compiled": compiled_memory(SIZES[-1]), "resident": resident_memory(SIZES[-1])}
    print(f"memory beyond the inputs at n = {SIZES[-1]}, in float32 arrays of n: {memory}")
    if os.environ.get("SPL_BENCH") == "record":
        record = {
            "command": COMMAND,
            "hardware": "2-core x86-64 CPU",
            "versions": {"jax": jax.__version__, "numpy": np.__version__},
            "load_average_before": round(load, 1),
            "groups": GROUPS,
            "unit": "seconds, best of several; ratio = balanced_weights / the faster sort",
            "rows": rows,
            "memory_in_float32_arrays_of_n_beyond_inputs": memory,
        }
        text = json.dumps(record, indent=2) + "\n"
        (ROOT / "tests" / "records" / "spl_bench.json").write_text(text)
        plot(rows, ROOT / "jaxcluster" / "spl" / "speed.png")


if __name__ == "__main__":
    report_growth_of_peak(int(sys.argv[1]))
