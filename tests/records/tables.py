"""README's tables of results, made from the summaries of measured runs in this folder.

    python -m tests.records.tables

Each record is the summary.json of one run, named CONFIG-seedN.json, or CONFIG-arm_ARM-seedN.json for an arm of an
experiment. CONFIG-agreement.json and CONFIG-arms.json are what `python -m jaxcluster.metrics.agreement` wrote of the
runs of one config, and of all arms.
"""

import json
import pathlib
import statistics

from scipy.stats import spearmanr

FOLDER = pathlib.Path(__file__).parent
# Table 3 of Guo et al., TKDE 2019: mean and standard deviation of five runs.
PAPER = {
    "aspc_mnist": (".988 ± .001", ".966 ± .002"),
    "aspc_mnist_test": (".973 ± .003", ".936 ± .003"),
    "aspc_usps": (".982 ± .001", ".951 ± .002"),
    "aspc_fashion": (".591 ± .022", ".654 ± .021"),
}
# Table 2 of Ghasedi Dizaji et al., CVPR 2019, of sets that are larger than ours: see the notes under the table.
PAPER_GAN = {"clustergan_usps_balanced": (".970", ".931"), "clustergan_mnist_test": (".964", ".921")}
ARMS = {
    "paper": "the paper alone",
    "rates": "+ rates 1e-3 to 1e-4, running mean of the clusterer",
    "codes": "+ clean codes of one unit a cluster, noise inside D, style units, normalised last layer",
    "scores": "+ scores of x and z alone, their weights, cycle",
    "views": "+ consistency × 10 with rotations, shifts and virtual adversarial views",
    "recipe": "+ balanced spectral clustering as a guide at first: the default",
    "no_gan": "default without GAN",
    "no_spl": "default without self-paced learning",
    "plain_spl": "default with plain SPL",
    "no_consistency": "default without consistency",
}


def runs(pattern: str = "aspc_*-seed*.json") -> dict[str, list[dict]]:
    """Summaries by config, in the order of their seeds."""
    found: dict[str, list[dict]] = {}
    for file in sorted(FOLDER.glob(pattern)):
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


def _scores(summaries: list[dict], name: str) -> str:
    return spread([summary["results"]["scoring"][name] for summary in summaries])


def clustergan_table() -> str:
    """The table of ClusterGAN's runs."""
    lines = [
        "| config | seeds | ACC (each seed) | NMI (each seed) | paper ACC / NMI | minutes a run |",
        "|---|---|---|---|---|---|",
    ]
    for config, summaries in runs("clustergan_*-seed*.json").items():
        if "-arm_" in config:
            continue
        minutes = statistics.mean(sum(summary["seconds"].values()) for summary in summaries) / 60
        seeds = ", ".join(str(summary["config"]["seed"]) for summary in summaries)
        paper = " / ".join(PAPER_GAN.get(config, ("–",)))
        acc, nmi = _scores(summaries, "acc"), _scores(summaries, "nmi")
        lines.append(f"| `{config}` | {seeds} | {acc} | {nmi} | {paper} | {minutes:.0f} |")
    return "\n".join(lines)


def arms_table() -> str:
    """From the paper alone to the recipe, and the recipe without each of its parts."""
    found = runs("clustergan_usps_balanced-arm_*-seed*.json")
    arms = {config.split("-arm_")[1]: summaries for config, summaries in found.items()}
    seeds = {summary["config"]["seed"] for summaries in arms.values() for summary in summaries}
    whole = runs("clustergan_usps_balanced-seed*.json").get("clustergan_usps_balanced", [])
    arms["recipe"] = [summary for summary in whole if summary["config"]["seed"] in seeds]
    lines = ["| arm | ACC (each seed) | NMI (each seed) |", "|---|---|---|"]
    for name, text in ARMS.items():
        if arms.get(name):
            lines.append(f"| {text} | {_scores(arms[name], 'acc')} | {_scores(arms[name], 'nmi')} |")
    return "\n".join(lines)


def agreement_table() -> str:
    """What an unlabelled user sees of each run, the most trusted first, and how well that ranked them."""
    lines = ["| run | agreement with the other seeds | evenness | ACC |", "|---|---|---|---|"]
    for file in sorted(FOLDER.glob("clustergan_*-agreement.json")):
        for entry in json.loads(file.read_text()):
            summary = json.loads((FOLDER / f"{entry['run']}.json").read_text())
            acc = three(summary["results"]["scoring"]["acc"])
            lines.append(f"| `{entry['run']}` | {three(entry['agreement'])} | {entry['evenness']:.4f} | {acc} |")
    return "\n".join(lines)


def ranking() -> str:
    """How well agreement and evenness order all arms' runs by ACC, which they do not see."""
    entries = json.loads((FOLDER / "clustergan_usps_balanced-arms.json").read_text())
    acc = [json.loads((FOLDER / f"{entry['run']}.json").read_text())["results"]["scoring"]["acc"] for entry in entries]
    agreement, evenness = (
        spearmanr([entry[name] for entry in entries], acc).statistic for name in ("agreement", "evenness")
    )
    return f"{len(entries)} runs: {agreement:.2f} for agreement, {evenness:.2f} for evenness"


if __name__ == "__main__":
    print(table(), clustergan_table(), arms_table(), agreement_table(), ranking(), sep="\n\n")
