"""Draw a subset with equally many samples of each class, for methods whose prior makes all clusters equal.

    python -m jaxcluster.data.balanced --data usps.npz --per-class 700 --seed 0 --out usps_balanced.npz

The labels draw the subset and are carried along for scoring, with the names of the classes. A run on the subset sees
the same inputs as one on the whole.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from jaxcluster.data import Dataset, load

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
    parser.add_argument("--data", required=True, help="a file with labels, or a folder with a folder a class")
    parser.add_argument("--per-class", type=int, required=True, help="samples of each class")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default 0)")
    parser.add_argument("--out", required=True, help="the .npz file to write; it must not exist")
    options = parser.parse_args(arguments)
    out = Path(options.out)
    try:
        _check_out(out)
        if options.seed < 0:
            raise ValueError(f"--seed must be 0 or more, got {options.seed}")
        dataset = load(path=options.data, field="--data", scaling="none")
        if dataset.labels is None:
            raise ValueError(f"--data {options.data} has no labels to draw by")
        chosen = draw(dataset.labels, options.per_class, options.seed)
        with out.open("xb") as file:  # never over a file that came meanwhile, nor through a link
            np.savez(file, **_contents(dataset, chosen))
    except FileExistsError:
        print(f"error: --out {out} exists; nothing is overwritten", file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{len(chosen):,} samples of {len(np.unique(dataset.labels))} classes: {out}")
    return 0


def _check_out(out: Path) -> None:
    """Refuse, before any work, a file that cannot be written."""
    if out.suffix != ".npz":
        raise ValueError(f"--out {out}: expected a name that ends in .npz")
    if out.exists() or out.is_symlink():
        raise ValueError(f"--out {out} exists; nothing is overwritten")
    if not out.parent.is_dir():
        raise ValueError(f"--out {out}: there is no folder {out.parent}")


def _contents(dataset: Dataset, chosen: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays of the file: a load of it gives the same inputs, ids and names as the whole has."""
    names = np.array(dataset.label_names)
    return {"x": _stored(dataset, dataset.images[chosen]), "y": dataset.labels[chosen], "label_names": names}


def _stored(dataset: Dataset, images: np.ndarray) -> np.ndarray:
    """Images in a form that says their scale by itself, whichever of them were drawn."""
    if images.dtype == np.uint8 and dataset.scale == 1:
        return images.astype(bool)
    own = 1 / 255 if images.dtype == np.uint8 else 1.0
    if (dataset.offset, dataset.scale) == (0, own) or images.ndim == 2:
        return images
    return np.clip((images.astype(np.float64) - dataset.offset) * dataset.scale, 0, 1).astype(np.float32)


if __name__ == "__main__":
    sys.exit(main())
