"""What the runs of a grid have given: one Markdown table, one picture, and copies for the records."""

import json
import shutil
import statistics
from pathlib import Path
from typing import Any

__all__ = ["collect", "copy_records", "line", "picture", "read", "table"]

Groups = dict[tuple[str, str], dict[str, dict[str, Any]]]
"""(config, settings) -> seed -> summary, in the order of the grid."""


def read(folder: Path) -> dict[str, Any] | None:
    """The summary of a run, or None if it is not complete (its pictures may still be missing)."""
    try:
        summary = json.loads((folder / "summary.json").read_text())
    except (OSError, ValueError):
        return None
    return None if "pictures" in summary else summary


def collect(out: Path, runs: list) -> Groups:
    """The summaries of the complete runs of a grid."""
    groups: Groups = {}
    for run in runs:
        settings = ", ".join(f"{field}={value}" for field, value in run.settings.items())
        seeds = groups.setdefault((run.label, settings), {})
        summary = read(out / run.name)
        if summary is not None:
            seeds[run.seed] = summary
    return groups


def line(summary: dict[str, Any]) -> str:
    """One run in a few words; scores only if there were labels."""
    words = [
        f"{name.upper()} {_three(summary['results']['scoring'][name])}" for name in ("acc", "nmi") if _scored(summary)
    ]
    return "  ".join([*words, f"{_minutes(summary):.1f} min"])


def table(groups: Groups) -> str:
    """A row for each setting: mean ± sample standard deviation, every seed in the order of the seeds, and the worst."""
    lines = [
        "| config | settings | seeds | ACC (each seed) | worst ACC | NMI (each seed) | minutes a run |",
        "|---" * 7 + "|",
    ]
    for (label, settings), seeds in groups.items():
        acc, nmi = _scores(seeds, "acc"), _scores(seeds, "nmi")
        worst = _three(min(acc)) if acc else "–"
        minutes = f"{statistics.mean(map(_minutes, seeds.values())):.1f}" if seeds else "–"
        lines.append(
            f"| `{label}` | {settings or '–'} | {', '.join(seeds) or '–'} | {_spread(acc)} | {worst} | {_spread(nmi)} "
            f"| {minutes} |"
        )
    return "\n".join(lines)


def picture(groups: Groups, file: Path) -> None:
    """A row for each setting, a dot for each seed and a bar at the mean, of ACC and of NMI; nothing without scores."""
    if not any(_scores(seeds, "acc") for seeds in groups.values()):
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1 + 0.32 * len(groups)), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2, sharey=True)
    names = ["\n".join(filter(None, key)) if len(groups) < 30 else " ".join(key) for key in groups]
    for axes, score in zip(panels, ("acc", "nmi")):
        for row, seeds in enumerate(groups.values()):
            values = _scores(seeds, score)
            axes.plot(values, [row] * len(values), "o", color="#3f90da", alpha=0.7, markersize=5)
            if values:
                axes.plot([statistics.mean(values)], [row], "|", color="#1c1c24", markersize=12)
        axes.set_xlabel(score.upper())
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(True, color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
    panels[0].set_yticks(range(len(groups)), [name.replace("$", r"\$") for name in names], fontsize=7)
    panels[0].set_ylim(len(groups) - 0.5, -0.5)
    figure.savefig(file, format="png")


def copy_records(out: Path, runs: list, folder: Path, title: str) -> None:
    """Copy each complete run's summary.json, under the name that records have.

    CONFIG-seedN.json, CONFIG-variant_VARIANT-seedN.json for a variant, and CONFIG-TITLE_VALUE_VALUE-seedN.json where
    settings vary: their values in the order of the options.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for run in runs:
        if read(out / run.name) is None:
            continue
        config, _, variant = run.label.partition("-")
        parts = [config, variant and f"variant_{variant}"]
        parts.append(run.settings and "_".join([title, *run.settings.values()]).replace("/", "_"))
        name = "-".join([*filter(None, parts), f"seed{run.seed}"])
        shutil.copyfile(out / run.name / "summary.json", folder / f"{name}.json")


def _scored(summary: dict[str, Any]) -> bool:
    return "scoring" in summary["results"]


def _scores(seeds: dict[str, dict[str, Any]], name: str) -> list[float]:
    return [summary["results"]["scoring"][name] for summary in seeds.values() if _scored(summary)]


def _minutes(summary: dict[str, Any]) -> float:
    return sum(summary["seconds"].values()) / 60


def _three(value: float) -> str:
    """.982 for 0.982."""
    return f"{value:.3f}".removeprefix("0")


def _spread(values: list[float]) -> str:
    """Mean and sample standard deviation, then every value."""
    if len(values) < 2:
        return _three(values[0]) if values else "–"
    each = " ".join(map(_three, values))
    return f"{_three(statistics.mean(values))} ± {_three(statistics.stdev(values))} ({each})"
