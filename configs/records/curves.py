"""README's picture of runs side by side: one figure of every epoch, a panel for each variant and a line for each seed.

python -m configs.records.curves --field mean_similarity --out self_paced.png runs/ARM-seed0 runs/ARM-seed1 ...
"""

import argparse
import json
import pathlib
import re
import sys

from jaxcluster.plots import canvas


def draw(folders: list[pathlib.Path], field: str, out: pathlib.Path) -> None:
    """Draw `field` of each workdir's metrics.jsonl; workdirs that differ in the seed alone share a panel."""
    variants: dict[str, list[list[float]]] = {}
    for folder in folders:
        records = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
        values = [record[field] for record in records if field in record]
        variants.setdefault(re.sub(r"-seed\d+$", "", folder.name), []).append(values)
    figure = canvas.figure(2.6 * len(variants), 2.4)
    for place, (variant, runs) in enumerate(variants.items(), start=1):
        axes = figure.add_subplot(1, len(variants), place)
        for values in runs:
            axes.plot(range(1, len(values) + 1), values)
        axes.set_ylim(0, 1)
        ylabel = field.replace("_", " ") if place == 1 else ""
        canvas.tidy(axes, xlabel="epoch", ylabel=ylabel, title=variant.partition("-")[2] or variant)
    canvas.finish(figure, out)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--field", default="mean_similarity")
    parser.add_argument("--out", default="curves.png", type=pathlib.Path)
    given = parser.parse_args(arguments)
    draw(given.folders, given.field, given.out)


if __name__ == "__main__":
    main(sys.argv[1:])
