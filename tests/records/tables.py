"""README's tables of results, made from the summaries of measured runs in this folder.

    python -m tests.records.tables

Each record is the summary.json of one run, named CONFIG-seedN.json, or CONFIG-arm_ARM-seedN.json for an arm of an
experiment. CONFIG-agreement.json and CONFIG-arms.json are what `python -m jaxcluster.metrics.agreement` wrote of the
runs of one config, and of all arms. retrieval_BITS-runN.json holds a run's summary, the scores of its codes by
`python -m jaxcluster.metrics.retrieval`, and its agreement with the other seeds; hashing_mnist.json holds the shallow
functions of the same table.
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
# Table 3 there, MNIST: precision@1000, mAP, mAP@1000.
PAPER_RETRIEVAL = {32: ("90.83", "88.70", "91.48"), 64: ("91.60", "89.93", "92.37")}
RETRIEVAL = ("precision_at_k", "mean_ap", "mean_ap_at_k")
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
        paper = PAPER.get(config.partition("-arm_")[0], ("–", "–"))
        lines.append(
            f"| `{config.replace('-arm_', ':')}` | {seeds} | {acc} | {nmi} | {paper[0]} | {paper[1]} | {minutes:.0f} |"
        )
    return "\n".join(lines)


def _scores(summaries: list[dict], name: str) -> str:
    return spread([summary["results"]["scoring"][name] for summary in summaries])


def clustergan_table() -> str:
    """The table of ClusterGAN's runs; the arms but `wide` have one of their own."""
    lines = [
        "| config | seeds | ACC (each seed) | NMI (each seed) | ACC of the guide | paper ACC / NMI | minutes a run |",
        "|---|---|---|---|---|---|---|",
    ]
    for config, summaries in runs("clustergan_*-seed*.json").items():
        if "-arm_" in config and not config.endswith("-arm_wide"):
            continue
        minutes = statistics.mean(sum(summary["seconds"].values()) for summary in summaries) / 60
        seeds = ", ".join(str(summary["config"]["seed"]) for summary in summaries)
        paper = " / ".join(PAPER_GAN.get(config.removesuffix("-arm_wide"), ("–",)))
        acc, nmi = _scores(summaries, "acc"), _scores(summaries, "nmi")
        name = config.replace("-arm_", ":")
        lines.append(f"| `{name}` | {seeds} | {acc} | {nmi} | {_guide(summaries)} | {paper} | {minutes:.0f} |")
    return "\n".join(lines)


def _guide(summaries: list[dict]) -> str:
    """How good the initial clustering was that guided the game at first; older records do not know."""
    found = [summary["results"]["initial"].get("assignment") for summary in summaries]
    return spread([guide["scoring"]["acc"] for guide in found]) if all(found) else "–"


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


def retrieval_table() -> str:
    """Codes of 32 and 64 bits: ours over the seeds, the paper's, and the shallow hash functions'."""
    heads = ("precision@1000", "mAP", "mAP@1000")
    lines = [f"| | {' | '.join(f'{head}, {bits} bits' for bits in PAPER_RETRIEVAL for head in heads)} |"]
    lines.append("|---" * 7 + "|")

    def row(name, cells):
        lines.append(f"| {name} | {' | '.join(cells)} |")

    def over(values):
        return f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"

    found = {bits: [run["retrieval"]["scores"] for run in retrieval_runs(bits)] for bits in PAPER_RETRIEVAL}
    means = {bits: [{name: statistics.mean(run[name]) for name in RETRIEVAL} for run in found[bits]] for bits in found}
    row("ClusterGAN, mean of the seeds", [over([run[name] for run in means[b]]) for b in means for name in RETRIEVAL])
    for i in range(max(map(len, means.values()))):
        row(f"seed {i}", [over(found[b][i][name]) for b in found for name in RETRIEVAL])
    row("the paper (Table 3)", [figure for figures in PAPER_RETRIEVAL.values() for figure in figures])
    shallow = json.loads((FOLDER / "hashing_mnist.json").read_text())["results"]
    for method, codes in sorted(shallow.items(), key=lambda item: -item[1]["32"]["mean_ap"]["mean"]):
        row(method, [over(codes[str(b)][name]["values"]) for b in PAPER_RETRIEVAL for name in RETRIEVAL])
    return "\n".join(lines)


def retrieval_runs(bits: int) -> list[dict]:
    """Records of the runs whose codes have so many bits."""
    return [json.loads(file.read_text()) for file in sorted(FOLDER.glob(f"retrieval_{bits}-run*.json"))]


def retrieval_agreement() -> str:
    """What shows, without labels, which of those runs is the bad one."""
    parts = []
    for bits in PAPER_RETRIEVAL:
        each = [
            f"seed {run['config']['seed']} {three(run['agreement'])} (ACC {three(run['results']['scoring']['acc'])})"
            for run in retrieval_runs(bits)
        ]
        parts.append(f"{bits} bits: {', '.join(each)}")
    return "; ".join(parts)


if __name__ == "__main__":
    made = (table(), clustergan_table(), arms_table(), agreement_table(), ranking())
    print(*made, retrieval_table(), retrieval_agreement(), sep="\n\n")
