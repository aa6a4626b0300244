"""Figs. 6 and 7 of ASPC-DA's paper on the digits of 8x8 pixels: rotations against shifts, and widths of the layers."""

import statistics

from configs.records.reading import runs, three

BASE = (128, 128, 512)  # widths of configs/aspc_digits.py


def augment_table() -> str:
    """Fig. 6: ACC over rotations (rows) and shifts (columns); "" without records."""
    found = {
        (run["config"]["augment"]["rotation"], run["config"]["augment"]["shift"]): group
        for group in runs("aspc_digits-figure6_*.json", title="figure6").values()
        for run in group[:1]
    }
    if not found:
        return ""
    rotations, shifts = (sorted(set(values)) for values in zip(*found, strict=True))
    lines = [f"| rotation | {' | '.join(f'shift {shift:g}' for shift in shifts)} |", "|---" * (1 + len(shifts)) + "|"]
    for rotation in rotations:
        cells = [_acc(found.get((rotation, shift), [])) for shift in shifts]
        lines.append(f"| {rotation:g}° | {' | '.join(cells)} |")
    return "\n".join(lines)


def widths_table() -> str:
    """Fig. 7: ACC where one of the three hidden layers has another width; "" without records."""
    found = {
        tuple(group[0]["config"]["network"]["hidden"]): group
        for group in runs("aspc_digits-figure7_*.json", title="figure7").values()
    }
    if not found:
        return ""
    lines = ["| neurons | in the first layer | in the second | in the third |", "|---|---|---|---|"]
    for width in sorted({width for hidden in found for width in hidden}):
        cells = [_acc(found.get((*BASE[:i], width, *BASE[i + 1 :]), [])) for i in range(3)]
        lines.append(f"| {width} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _acc(group: list[dict]) -> str:
    """Mean and standard deviation; a cell of one run has none."""
    values = [run["results"]["scoring"]["acc"] for run in group]
    if len(values) < 2:
        return three(values[0]) if values else "–"
    return f"{three(statistics.mean(values))} ± {three(statistics.stdev(values))}"
