"""README's table of results, made from the summaries of measured runs in this folder.

    python -m tests.records.tables

Each record is the summary.json of one run, named CONFIG-seedN.json.
"""

import json
import pathlib
import statistics

FOLDER = pathlib.Path(__file__).parent
# Table 3 of Guo et al., TKDE 2019: mean and standard deviation of five runs.
PAPER = {
    "aspc_mnist": (".988 ± .001", ".966 ± .002"),
    "aspc_mnist_test": (".973 ± .003", ".936 ± .003"),
    "aspc_usps": (".982 ± .001", ".951 ± .002"),
    "aspc_fashion": (".591 ± .022", ".654 ± .021"),
}


def runs() -> dict[str, list[dict]]:
    """Summaries by config, in the order of their seeds."""
    found: dict[str, list[dict]] = {}
    for file in sorted(FOLDER.glob("aspc_*-seed*.json")):
        found.setdefault(file.name.split("-seed")[0], []).append(json.loads(file.read_text()))
    return found


def three(value: float) -> str:
    """.982 for 0.982."""
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0") else text


def spread(values: list[float]) -> str:
    """Mean and sample standard deviation, then every value."""
    each = " ".join(three(value) for value in values)
    if len(values) == 1:
        return three(values[0])
    return f"{three(statistics.mean(values))} ± {three(statistics.stdev(values))} ({each})"


def table() -> str:
    """The table as README prints it."""
    lines = [
        "| config | seeds | ACC (each seed) | NMI (each seed) | paper ACC | paper NMI | minutes a run |",
        "|---|---|---|---|---|---|---|",
    ]
    for config, summaries in runs().items():
        scores = [summary["results"]["scoring"] for summary in summaries]
        minutes = statistics.mean(sum(summary["seconds"].values()) for summary in summaries) / 60
        seeds = ", ".join(str(summary["config"]["seed"]) for summary in summaries)
        acc, nmi = (spread([score[name] for score in scores]) for name in ("acc", "nmi"))
        paper = PAPER.get(config, ("–", "–"))
        lines.append(f"| `{config}` | {seeds} | {acc} | {nmi} | {paper[0]} | {paper[1]} | {minutes:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
