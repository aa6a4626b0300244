"""Score saved codes: ``python -m jaxcluster.metrics.retrieval --codes codes.npy --labels labels.npy``."""

import argparse
import json
import pathlib
import sys

import numpy as np

from jaxcluster.metrics.retrieval import codes, scoring

_NAMES = {
    "precision_at_k": "precision@{k}",
    "mean_ap": "mAP",
    "mean_ap_at_k": "mAP@{k} (by hits)",
    "mean_ap_at_k_min": "mAP@{k} (by min(R, k))",
}


def main(arguments=None) -> int:
    """Read the files, score them once for each seed and print a table in per cent.

    Args:
      arguments: the command line without the program's name; sys.argv by default.

    Returns:
      0, or 2 after an error on the standard error output.
    """
    options = _parser().parse_args(arguments)
    try:
        if options.out is not None and options.out.exists():
            raise ValueError(f"--out {options.out} exists; nothing is overwritten")
        if options.out is not None and not options.out.parent.is_dir():
            raise ValueError(f"--out {options.out}: there is no folder {options.out.parent}")
        bits = codes.binarize(_load("--codes", options.codes), threshold=options.threshold)
        labels = _load("--labels", options.labels)
        rows = [
            scoring.evaluate(
                bits,
                labels,
                n_queries=options.queries,
                seed=seed,
                stratified=options.stratified,
                k=options.k,
                ties=options.ties,
            )
            for seed in range(options.seed, options.seed + options.seeds)
        ]
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    n, width = bits.shape
    print(
        f"{n - options.queries:,} items of {width} bits, {len(np.unique(bits, axis=0)):,} different codes; "
        f"{options.queries:,} queries, seed {options.seed}"
        + (f" to {options.seed + options.seeds - 1}" if options.seeds > 1 else "")
        + f"; ties: {options.ties}"
    )
    for field, name in _NAMES.items():
        values = 100 * np.array([getattr(row, field) for row in rows])
        spread = f" +- {values.std(ddof=1):.2f}" if len(values) > 1 else ""
        print(f"{name.format(k=options.k):<26}{values.mean():6.2f}{spread}")
    if options.out is not None:
        options.out.write_text(json.dumps(_record(bits, options, rows), indent=1) + "\n")
    return 0


def _record(bits: np.ndarray, options: argparse.Namespace, rows: list) -> dict:
    """What the table shows, with the values of every draw; in per cent."""
    return {
        "items": len(bits) - options.queries,
        "bits": bits.shape[1],
        "different_codes": len(np.unique(bits, axis=0)),
        "queries": options.queries,
        "k": options.k,
        "ties": options.ties,
        "seeds": [options.seed + i for i in range(options.seeds)],
        "scores": {field: [round(100 * float(getattr(row, field)), 3) for row in rows] for field in _NAMES},
    }


def _load(option: str, path: pathlib.Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{option}: {path} cannot be read as .npy: {error}") from error


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m jaxcluster.metrics.retrieval",
        description="precision@k, mAP and mAP@k of saved codes, in per cent; relevant is the same label.",
    )
    add = parser.add_argument
    add(
        "--codes",
        type=pathlib.Path,
        required=True,
        help=".npy, [n, bits]: booleans, 0/1, or floats to be cut",
    )
    add("--labels", type=pathlib.Path, required=True, help=".npy, [n]")
    add(
        "--queries",
        type=_positive,
        default=1000,
        help="samples drawn as queries; the rest is ranked (%(default)s)",
    )
    add("--seed", type=int, default=0, help="of the draw (%(default)s)")
    add("--seeds", type=_positive, default=1, help="how many draws, counted on from --seed (%(default)s)")
    add("--k", type=_positive, default=1000, help="depth of precision@k and mAP@k (%(default)s)")
    add(
        "--ties",
        choices=("expected", "stable"),
        default="expected",
        help="expectation over orders of ties, or file order",
    )
    add("--stratified", action="store_true", help="the same number of queries from each class")
    add("--out", type=pathlib.Path, help="a .json file for the figures; it must not exist")
    add("--threshold", type=float, default=0.5, help="cut of float codes (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
