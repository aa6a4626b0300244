"""Which of several runs to trust, without labels: how evenly each clusters, and how far the runs agree.

    python -m jaxcluster.metrics.agreement runs/clustergan_usps-seed* [--out agreement.json]

A clustering that another seed finds again is more likely to be in the data than one that no other run finds.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxcluster.metrics.clustering import evenness, nmi

__all__ = ["agreement", "main", "rank"]


def agreement(clusterings: Sequence[np.ndarray]) -> np.ndarray:
    """Normalized mutual information of each pair of clusterings of the same samples.

    Args:
        clusterings: r assignments [n].

    Returns:
        [r, r], symmetric, 1 on the diagonal.

    Raises:
        ValueError: there are fewer than two, or their lengths differ.
    """
    lengths = {len(labels) for labels in clusterings}
    if len(clusterings) < 2 or len(lengths) != 1:
        raise ValueError(f"need two or more clusterings of the same samples, got {[len(c) for c in clusterings]}")
    r = len(clusterings)
    table = np.eye(r)
    for i in range(r):
        for j in range(i):
            table[i, j] = table[j, i] = nmi(clusterings[i], clusterings[j])
    return table


def rank(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """Figures of finished runs that need no labels, the run that agrees best with the others first.

    Args:
        folders: workdirs of the same data; each has labels.npy and, from ClusterGAN, blocks.npy.

    Returns:
        For each run its name, mean agreement with the others, evenness of its clusters (1: all equal), and, if there
        are blocks, the agreement of final clusters and blocks.

    Raises:
        ValueError: a run is unfinished, or the runs are not of the same data.
    """
    for folder in folders:
        if not (folder / "labels.npy").is_file():
            raise ValueError(f"{folder} has no labels.npy: no finished run")
    clusterings = [np.load(folder / "labels.npy") for folder in folders]
    table = agreement(clusterings)
    found = []
    for i, (folder, labels) in enumerate(zip(folders, clusterings, strict=True)):
        others = np.delete(table[i], i)
        entry = {"run": folder.name, "agreement": float(others.mean()), "evenness": float(evenness(labels))}
        if (folder / "blocks.npy").is_file():
            entry["blocks"] = nmi(labels, np.load(folder / "blocks.npy"))
        found.append(entry)
    return sorted(found, key=lambda entry: -entry["agreement"])


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 0, or 2 after an error that is told in one sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m jaxcluster.metrics.agreement", description="Rank finished runs without labels."
    )
    parser.add_argument("runs", nargs="+", type=Path, help="workdirs of finished runs on the same data")
    parser.add_argument("--out", type=Path, help="a .json file for the figures; it must not exist")
    options = parser.parse_args(arguments)
    try:
        if options.out is not None and options.out.exists():
            raise ValueError(f"--out {options.out} exists; nothing is overwritten")
        found = rank(options.runs)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{'run':<40} agreement  evenness  blocks")
    for entry in found:
        blocks = f"{entry['blocks']:.4f}" if "blocks" in entry else "-"
        print(f"{entry['run']:<40} {entry['agreement']:9.4f}  {entry['evenness']:8.4f}  {blocks}")
    if options.out is not None:
        options.out.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
