"""Table 6 of ASPC-DA's paper, its first rows: shallow clusterers on the pixels of USPS and of MNIST's test images.

    python -m configs.records.shallow --usps=usps.npz --mnist=mnist.npz --out=configs/records/shallow.json

Three seeds each, one of what leaves nothing to chance; pixels in [0, 1]; each clusterer as
`jaxcluster.clusterers.cluster` calls it by its name, with its defaults. Cells that the output file has are kept. Of
mnist.npz the last 10,000 images are taken.
"""

import argparse
import json
import pathlib
import time

import jax
import numpy as np

from configs.records.partition_study import environment
from jaxcluster import clusterers, metrics
from jaxcluster.data import load

METHODS = ("kmeans", "spectral", "ward", "mixture", "rcc")
SEEDS, CERTAIN = 3, ("ward", "rcc")


def pixels(file: str, last: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Samples [n, d] float32 and classes [n]; the last ones alone if their number is given."""
    found = load(path=file, progress=False)
    x = ((np.asarray(found.images, np.float32) - found.offset) * found.scale).reshape(len(found.images), -1)
    start = 0 if last is None else len(x) - last
    return x[start:].astype(np.float32), np.asarray(found.labels)[start:]


def measure(x: np.ndarray, y: np.ndarray, method: str, seed: int) -> dict:
    """Scores of one clusterer; unassigned samples count as wrong in ACC, and as one cluster in NMI."""
    began = time.perf_counter()
    labels = np.asarray(clusterers.cluster(method, jax.random.key(seed), x, 10).labels)
    seconds = time.perf_counter() - began
    assigned = labels >= 0
    return {
        "acc": metrics.accuracy(y[assigned], labels[assigned]) * float(assigned.mean()) if assigned.any() else 0.0,
        "nmi": metrics.nmi(y, np.where(assigned, labels, labels.max() + 1)),
        "clusters": len(np.unique(labels[assigned])),
        "assigned": float(assigned.mean()),
        "seconds": round(seconds, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--usps", required=True)
    parser.add_argument("--mnist", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    given = parser.parse_args()
    sets = {"usps": (given.usps, None), "mnist_test": (given.mnist, 10_000)}
    made = json.loads(given.out.read_text()) if given.out.exists() else {"cells": {}}
    for name, (file, last) in sets.items():
        x, y = pixels(file, last)
        for method in METHODS:
            cells = made["cells"].setdefault(name, {}).setdefault(method, {})
            for seed in map(str, range(1 if method in CERTAIN else SEEDS)):
                if seed not in cells:
                    cells[seed] = measure(x, y, method, int(seed))
                    print(name, method, seed, cells[seed], flush=True)
                    given.out.write_text(json.dumps(made | environment(), indent=1) + "\n")


if __name__ == "__main__":
    main()
