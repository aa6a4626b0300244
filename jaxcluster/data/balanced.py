"""Draw a subset with equally many samples of each class, for methods whose prior makes all clusters equal.

    python -m jaxcluster.data.balanced --data usps.npz --per-class 700 --seed 0 --out usps_balanced.npz

The labels draw the subset and are carried along for scoring.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from jaxcluster.data import DataError, load

__all__ = ["draw", "main"]


def draw(labels: np.ndarray, per_class: int, seed: int) -> np.ndarray:
    """Choose `per_class` samples of each class, without replacement.

    Args:
        labels: [n] classes.
        per_class: how many of each; at most the size of the smallest class.
        seed: of the draw.

    Returns:
        Their numbers in ascending order.

    Raises:
        ValueError: a class has too few samples.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    if not 1 <= per_class <= sizes.min():
        raise ValueError(f"per_class must lie in 1..{sizes.min()}, the size of the smallest class, got {per_class}")
    rng = np.random.default_rng(seed)
    return np.sort(np.concatenate([rng.permutation(np.flatnonzero(labels == k))[:per_class] for k in classes]))


def main(arguments: list[str] | None = None) -> int:
    """Read, draw, write; 0, or 2 after an error that is told in one sentence."""
    parser = argparse.ArgumentParser(prog="python -m jaxcluster.data.balanced", description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="an .npz file with x and y, or a folder with a folder a class")
    parser.add_argument("--per-class", type=int, required=True, help="samples of each class")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default 0)")
    parser.add_argument("--out", required=True, help="the .npz file to write; it must not exist")
    options = parser.parse_args(arguments)
    try:
        dataset = load(path=options.data, field="--data")
        if dataset.labels is None:
            raise ValueError(f"--data {options.data} has no labels to draw by")
        if Path(options.out).exists():
            raise ValueError(f"--out {options.out} exists; nothing is overwritten")
        chosen = draw(dataset.labels, options.per_class, options.seed)
    except (ValueError, DataError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    np.savez(options.out, x=dataset.images[chosen], y=dataset.labels[chosen])
    print(f"{len(chosen):,} samples of {len(np.unique(dataset.labels))} classes: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
