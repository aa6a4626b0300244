"""Tables of the view graph's runs: all sets with one setting, and what each part contributes."""

import statistics

from configs.records.reading import mark, runs, spread, three

__all__ = ["calibration_table", "parts_table", "results_table", "unseen_table"]

SETS = {
    "viewgraph_digits": "digits of 8x8, 1,797",
    "viewgraph_usps": "USPS, 9,298",
    "viewgraph_mnist_test": "MNIST test, 10,000",
    "viewgraph_mnist": "MNIST, 70,000",
    "viewgraph_fashion_test": "Fashion-MNIST test, 10,000",
    "viewgraph_fashion": "Fashion-MNIST, 70,000",
}
UNSEEN = {
    "unseen_train": "10,000 of MNIST's training images",
    "unseen_turned": "the same, half of them turned by 90°",
}
PARTS = {
    "": "default",
    "-variant_ensemble": "five networks that vote (`:ensemble`)",
    "-variant_fixed_labels": "the initial partition is learned and never changed (`:fixed_labels`)",
    "-variant_no_selection": "all samples count after relabeling (`:no_selection`)",
    "-variant_without_views": "a graph without warps (`:without_views`)",
}


def results_table() -> str:
    """Each set with the one setting of all: the graph's partition, and the network."""
    lines = [
        "| data | seeds | partition of the graph ACC / NMI | ACC (each seed) | worst ACC | NMI |",
        "|---|---|---|---|---|---|",
    ]
    for config, name in SETS.items():
        found = runs(f"{config}-seed*.json").get(config, [])
        if found:
            before = [_partition(summary) for summary in found]
            acc, nmi = ([summary["results"]["scoring"][score] for summary in found] for score in ("acc", "nmi"))
            start = " / ".join(three(statistics.mean(score[name] for score in before)) for name in ("acc", "nmi"))
            seeds = len(found)
            lines.append(
                f"| {name}{mark(found)} | {seeds} | {start} | {spread(acc)} | {three(min(acc))} | "
                f"{three(statistics.mean(nmi))} ± {three(statistics.stdev(nmi))} |"
            )
    return "\n".join(lines)


def unseen_table() -> str:
    """The sets that `unseen` makes."""
    lines = ["| unseen set | clusters | seeds | ACC (each seed) | NMI (each seed) |", "|---" * 5 + "|"]
    for name, text in UNSEEN.items():
        found = runs(f"{name}-seed*.json")[name]
        acc, nmi = ([run["results"]["scoring"][score] for run in found] for score in ("acc", "nmi"))
        clusters = found[0]["config"]["n_clusters"]
        lines.append(f"| {text} | {clusters} | {len(found)} | {spread(acc)} | {spread(nmi)} |")
    return "\n".join(lines)


def parts_table() -> str:
    """What each part contributes, on two sets; seeds 0, 1 and 2."""
    lines = ["| setting | USPS ACC / NMI | MNIST test ACC / NMI |", "|---|---|---|", _graph_alone()]
    for suffix, words in PARTS.items():
        cells = []
        for config in ("viewgraph_usps", "viewgraph_mnist_test"):
            found = runs(f"{config}{suffix}-seed*.json").get(f"{config}{suffix}", [])[:3]
            scores = [[summary["results"]["scoring"][score] for summary in found] for score in ("acc", "nmi")]
            cells.append(" / ".join(f"{three(statistics.mean(s))} ± {three(statistics.stdev(s))}" for s in scores))
        lines.append(f"| {words} | {' | '.join(cells)} |")
    return "\n".join(lines)


def calibration_table() -> str:
    """How far the confidence is from the accuracy, of the runs that have recorded it."""
    lines = [
        "| data | seeds | expected calibration error (each seed) | mean confidence | mean ACC |",
        "|---|---|---|---|---|",
    ]
    for config, name in SETS.items():
        found = [
            run["results"] for run in runs(f"{config}-seed*.json").get(config, []) if "calibration" in run["results"]
        ]
        if len(found) > 1:
            errors = [results["calibration"]["ece"] for results in found]
            sure = statistics.mean(results["mean_confidence"] for results in found)
            right = statistics.mean(results["scoring"]["acc"] for results in found)
            lines.append(f"| {name} | {len(found)} | {spread(errors)} | {three(sure)} | {three(right)} |")
    return "\n".join(lines)


def _graph_alone() -> str:
    cells = []
    for config in ("viewgraph_usps", "viewgraph_mnist_test"):
        found = [_partition(summary) for summary in runs(f"{config}-seed*.json")[config][:3]]
        scores = [[score[name] for score in found] for name in ("acc", "nmi")]
        cells.append(" / ".join(f"{three(statistics.mean(s))} ± {three(statistics.stdev(s))}" for s in scores))
    return f"| the graph's partition alone | {' | '.join(cells)} |"


def _partition(summary: dict) -> dict[str, float]:
    """Scores of the initial partition."""
    return summary["results"]["initial"]["assignment"]["scoring"]
