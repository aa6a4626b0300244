"""Which of several runs to trust, without labels: how evenly each clusters, and how far the runs agree.

    python -m jaxcluster.workflow.agreement runs/clustergan_usps-seed* [--out agreement.json]

A clustering that another seed finds again is more likely to be in the data than one that no other run finds.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxcluster.files import manifest
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
        folders: workdirs of the same data; each has labels.npy and, from ClusterGAN, blocks.npy. Whether the data are
            the same is seen in config.json, where there is one. Where the workdir has checksums they must match.

    Returns:
        For each run its name, mean agreement with the others, evenness of its clusters (1: all equal), and, if there
        are blocks, the agreement of final clusters and blocks.

    Raises:
        ValueError: a run is unfinished or damaged, or the runs are not of the same data.
    """
    for folder in folders:
        for name in ("config.json", "labels.npy", "blocks.npy"):
            manifest.verify(folder, name)
    clusterings = [_labels(folder / "labels.npy") for folder in folders]
    known = [(folder, data) for folder in folders if (data := _data(folder)) is not None]
    for folder, data in known[1:]:
        first, expected = known[0]
        changed = [name for name in sorted(expected.keys() | data.keys()) if expected.get(name) != data.get(name)]
        if changed:
            raise ValueError(f"{folder} is of other data than {first}: {', '.join(changed)} differ")
    table = agreement(clusterings)
    found = []
    for i, (folder, labels) in enumerate(zip(folders, clusterings, strict=True)):
        others = np.delete(table[i], i)
        entry = {"run": folder.name, "agreement": float(others.mean()), "evenness": float(evenness(labels))}
        if (folder / "blocks.npy").is_file():
            entry["blocks"] = nmi(labels, _labels(folder / "blocks.npy"))
        found.append(entry)
    return sorted(found, key=lambda entry: -entry["agreement"])


def _labels(file: Path) -> np.ndarray:
    if not file.is_file():
        raise ValueError(f"{file.parent} has no {file.name}: no finished run")
    try:
        labels = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{file} cannot be read: {str(error).splitlines()[0]}") from error
    if not isinstance(labels, np.ndarray) or labels.ndim != 1 or labels.dtype.kind not in "iu" or not labels.size:
        raise ValueError(f"{file} holds no labels, whole numbers [n]")
    return np.array(labels)


def _data(folder: Path) -> dict[str, Any] | None:
    """What identifies the data of a run; None if it has no config.json."""
    file = folder / "config.json"
    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_text())
        if isinstance(found["data"], dict):
            return found["data"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        pass
    raise ValueError(f"{file} is damaged: it does not say which data the run is of")


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 0, or 2 after an error that is told in one sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m jaxcluster.workflow.agreement", description="Rank finished runs without labels."
    )
    parser.add_argument("runs", nargs="+", type=Path, help="workdirs of finished runs on the same data")
    parser.add_argument("--out", type=Path, help="a .json file for the figures; it must not exist")
    options = parser.parse_args(arguments)
    try:
        if options.out is not None and options.out.exists():
            raise ValueError(f"--out {options.out} exists; nothing is overwritten")
        if options.out is not None and not options.out.parent.is_dir():
            raise ValueError(f"--out {options.out}: there is no folder {options.out.parent}")
        found = rank(options.runs)
    except (OSError, ValueError) as error:
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
