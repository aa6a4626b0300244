"""How the view graph grows: seconds of each part and the largest memory, by the number of images.

    python -m configs.records.growth --data=mnist.npz --samples=2000,10000,70000,280000
        --out=configs/records/growth.json --picture=configs/records/pictures/growth.png

Every size is run in a process of its own, with compiled programs kept as the command line keeps them. A part of the
images is drawn at random; of more than there are, warped copies join them (rotated, shifted, stretched and sheared as
in training). Rows of an output file that exists are kept, so that several machines can write into one. Memory is the
largest resident set of the process, images included.
"""

import argparse
import functools
import importlib
import json
import pathlib
import resource
import subprocess
import sys
import time

import numpy as np

from configs.records.partition_study import environment
from configs.records.reading import three

__all__ = ["table"]

PARTS = {  # name -> function whose seconds are counted, and where it is looked up
    "graph": ("jaxcluster.clusterers", "view_neighbors"),
    "partition": ("jaxcluster.clusterers", "partition_graph"),
    "data and outputs": ("jaxcluster.workflow.fit", "_finish"),
}


def images(data: str, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images with their labels, n of them: drawn from a file, or all of it with warped copies."""
    import jax
    import jax.numpy as jnp

    from jaxcluster import augment
    from jaxcluster.data import load

    found = load(path=data, progress=False)
    x, y = np.asarray(found.images), np.asarray(found.labels)
    if n <= len(x):
        chosen = np.sort(np.random.default_rng(seed).permutation(len(x))[:n])
        return x[chosen], y[chosen]
    parts, warp = [x], jax.jit(functools.partial(augment.random_affine, rotation=10.0, shift=0.05, stretch=0.15))
    while sum(map(len, parts)) < n:
        for start in range(0, len(x), 10_000):
            part = x[start : start + 10_000]
            key = jax.random.fold_in(jax.random.key(seed), len(parts))
            warped = warp(key, jnp.asarray(part, jnp.float32), jnp.arange(len(part)))
            parts.append(np.asarray(warped).round().astype(x.dtype))
    return np.concatenate(parts)[:n], np.resize(y, n)


def measure(data: str, n: int) -> dict:
    """One row, in this process."""
    began = time.perf_counter()
    import jax

    from jaxcluster import ViewGraph, metrics
    from jaxcluster.runtime import compilation

    compilation.enable_compilation_cache(print)
    seconds = {"imports": time.perf_counter() - began}
    x, labels = images(data, n)
    for part, (module, name) in PARTS.items():
        _count(seconds, part, importlib.import_module(module), name)
    began = time.perf_counter()
    model = ViewGraph(10, random_state=0).fit(x)
    total = time.perf_counter() - began
    seconds["training"] = total - sum(seconds.get(part, 0.0) for part in PARTS)
    return {
        "samples": n,
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        "fit": round(total, 2),
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "acc": metrics.accuracy(labels, model.labels_),
        "device": jax.devices()[0].device_kind,
        **environment(),
    }


def _count(seconds: dict[str, float], part: str, module, name: str) -> None:
    function = getattr(module, name)

    @functools.wraps(function)
    def counted(*args, **options):
        began = time.perf_counter()
        try:
            return function(*args, **options)
        finally:
            seconds[part] = seconds.get(part, 0.0) + time.perf_counter() - began

    setattr(module, name, counted)


def table(rows: list[dict]) -> str:
    """The rows as README prints them."""
    lines = ["| images | device | graph s | partition s | training s | all s | memory | ACC |", "|---" * 8 + "|"]
    for row in rows:
        seconds = [f"{row['seconds'][name]:,.0f}" for name in ("graph", "partition", "training")]
        memory = f"{row['memory_mib'] / 1024:.1f} GiB" if row["memory_mib"] else "–"
        lines.append(
            f"| {row['samples']:,} | {row['device']} | {' | '.join(seconds)} | {row['fit']:,.0f} | "
            f"{memory} | {three(row['acc'])} |"
        )
    return "\n".join(lines)


def picture(rows: list[dict], file: pathlib.Path) -> None:
    """Seconds and memory over the number of images, both axes logarithmic."""
    from jaxcluster.plots import canvas

    figure = canvas.figure(6.4, 2.8)
    for place, (label, of) in enumerate(
        {"seconds": lambda row: row["fit"], "GiB": lambda row: row["memory_mib"] / 1024}.items(), start=1
    ):
        axes = figure.add_subplot(1, 2, place)
        for device in dict.fromkeys(row["device"] for row in rows):
            own = [row for row in rows if row["device"] == device and row["memory_mib"]]
            if not own:
                continue
            axes.loglog([row["samples"] for row in own], [of(row) for row in own], "o-", label=device)
        canvas.tidy(axes, xlabel="images", ylabel=label, title="")
        axes.legend(fontsize="small")
    canvas.finish(figure, file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="a file of images with labels")
    parser.add_argument("--samples", default="2000,10000,70000,280000", help="sizes, with commas between")
    parser.add_argument("--out", type=pathlib.Path, help="the .json file; rows of other sizes and devices in it stay")
    parser.add_argument("--picture", type=pathlib.Path)
    parser.add_argument("--one", action="store_true", help="measure one size in this process and print it")
    given = parser.parse_args()
    sizes = [int(word) for word in given.samples.split(",")]
    if given.one:
        print(json.dumps(measure(given.data, sizes[0])))
        return
    rows = json.loads(given.out.read_text()) if given.out and given.out.exists() else []
    for n in sizes:
        words = [sys.executable, "-m", "configs.records.growth", "--one", f"--data={given.data}", f"--samples={n}"]
        made = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        rows = [row for row in rows if (row["samples"], row["device"]) != (n, made["device"])] + [made]
        rows.sort(key=lambda row: (row["device"], row["samples"]))
        print(table([made]), flush=True)
        if given.out:
            given.out.write_text(json.dumps(rows, indent=1) + "\n")
    if given.picture:
        picture(rows, given.picture)


if __name__ == "__main__":
    main()
