"""Figs. 6 and 7 of ASPC-DA's paper, for one config: rotations against shifts, and widths of the layers."""

import statistics

from configs.records.reading import runs, three

BASES = {"aspc_mnist_test": (500, 500, 2000), "aspc_digits": (128, 128, 512)}  # widths of the configs


def augment_table(config: str) -> str:
    """Fig. 6: ACC over rotations (rows) and shifts (columns); "" without records."""
    found = {
        (run["config"]["augment"]["rotation"], run["config"]["augment"]["shift"]): group
        for group in runs(f"{config}-figure6_*.json", title="figure6").values()
        for run in group[:1]
    }
    if not found:
        return ""
    rotations, shifts = (sorted(set(values)) for values in zip(*found, strict=True))
    lines = [
        f"| `{config}`, rotation | {' | '.join(f'shift {shift:g}' for shift in shifts)} |",
        "|---" * (1 + len(shifts)) + "|",
    ]
    for rotation in rotations:
        cells = [_acc(found.get((rotation, shift), [])) for shift in shifts]
        lines.append(f"| {rotation:g}° | {' | '.join(cells)} |")
    return "\n".join(lines)


def widths_table(config: str) -> str:
    """Fig. 7: ACC where one of the three hidden layers has another width; "" without records."""
    base = BASES[config]
    groups = runs(f"{config}-figure7_*.json", title="figure7").values()
    found = {tuple(group[0]["config"]["network"]["hidden"]): group for group in groups}
    if not found:
        return ""
    if base not in found:  # the config's own runs, of them the seed of the others
        found[base] = [run for run in runs(f"{config}-seed*.json").get(config, []) if run["config"]["seed"] == 0]
    lines = [f"| `{config}`, neurons | in the first layer | in the second | in the third |", "|---|---|---|---|"]
    for width in sorted({width for hidden in found for width in hidden}):
        cells = [_acc(found.get((*base[:i], width, *base[i + 1 :]), [])) for i in range(3)]
        lines.append(f"| {width} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _acc(group: list[dict]) -> str:
    """Mean and standard deviation; a cell of one run has none."""
    values = [run["results"]["scoring"]["acc"] for run in group]
    if len(values) < 2:
        return three(values[0]) if values else "–"
    return f"{three(statistics.mean(values))} ± {three(statistics.stdev(values))}"
