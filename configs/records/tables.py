"""Tables of results of README and the pages, made from the summaries of measured runs in this folder.

    python -m configs.records.tables                       # print them
    python -m configs.records.tables --pages README.md jaxcluster/*/README.md jaxcluster/*/*/README.md
                                                           # and put them where tables with the same heads stand

Each record is the summary.json of one run, named CONFIG-seedN.json, or CONFIG-variant_NAME-seedN.json for a variant.
CONFIG-agreement.json and CONFIG-variants.json are what `python -m jaxcluster.workflow.agreement` wrote of the runs of
one config, and of all variants; CONFIG-unguided.json the same of all seeds of the variant `views`.
CONFIG-TITLE_VALUES-seedN.json are runs of a grid in which settings vary (`launch/grid.py --title`): see `aspc`.
retrieval_BITS-variant_NAME-runN.json holds a run's summary, the scores of its codes by
`python -m jaxcluster.metrics.retrieval`, and its agreement with the other seeds; hashing_mnist.json holds the shallow
functions of the same table.
"""

import argparse
import json
import math
import pathlib
import re
import statistics

from scipy.stats import spearmanr

from configs.records import aspc, aspc_figures, dec, growth, peers_table, sentences, viewgraph
from configs.records.reading import FOLDER, mark, provenance, runs, spread, three

# Table 3 of Guo et al., TKDE 2019: mean and standard deviation of five runs.
PAPER = {
    "aspc_mnist": (".988 ± .001", ".966 ± .002"),
    "aspc_mnist_test": (".973 ± .003", ".936 ± .003"),
    "aspc_usps": (".982 ± .001", ".951 ± .002"),
    "aspc_fashion": (".591 ± .022", ".654 ± .021"),
}
# Table 2 of Ghasedi Dizaji et al., CVPR 2019, of sets that are larger than ours: see the notes under the table.
MNIST = (".964", ".921")
PAPER_GAN = {"clustergan_usps_balanced": (".970", ".931"), "clustergan_mnist": MNIST, "clustergan_mnist_test": MNIST}
# Table 3 there, MNIST: precision@1000, mAP, mAP@1000.
PAPER_RETRIEVAL = {32: ("90.83", "88.70", "91.48"), 64: ("91.60", "89.93", "92.37")}
RETRIEVAL = ("precision_at_k", "mean_ap", "mean_ap_at_k")
RETRIEVAL_VARIANTS = {"-variant_wide": "ClusterGAN `:wide`"}
VARIANTS = {
    "printed": "Algorithm 1 by the letter",
    "paper": "the paper alone",
    "rates": "+ rates 1e-3 to 1e-4, running mean of the clusterer",
    "codes": "+ clean codes of one unit a cluster, noise inside D, style units, normalized last layer",
    "scores": "+ scores of x and z alone, their weights, cycle",
    "views": "+ consistency × 10 with rotations, shifts and virtual adversarial views",
    "recipe": "+ balanced spectral clustering as pseudo-labels at first: the default",
    "no_gan": "default without GAN",
    "no_spl": "default without self-paced learning",
    "plain_spl": "default with plain SPL",
    "no_entropy": "default without the entropy loss",
    "no_consistency": "default without consistency",
}
UNGUIDED = {
    "views": "balanced SPL (Theorem 1)",
    "views+plain_spl": "plain SPL (Eq. 4)",
    "views+fraction": "balanced SPL, the selected share grows in a straight line",
    "views+fraction+plain_spl": "plain SPL, the same share",
    "views+no_spl+warm_up": "no self-paced learning, the loss is faded in over the same time",
    "views+no_spl": "no self-paced learning: all weights 1",
    "views+no_entropy": "no entropy loss (Eq. 3) at all",
}

WIDE_PARTS = {
    "whole": "`:wide`, whole, by the same code",
    "wide+no_gan": "without GAN",
    "wide+no_spl": "without self-paced learning",
    "wide+no_consistency": "without consistency",
}


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
        paper = PAPER.get(config.partition("-variant_")[0], ("–", "–"))
        name = f"`{config.replace('-variant_', ':')}`{mark(summaries)}"
        lines.append(f"| {name} | {seeds} | {acc} | {nmi} | {paper[0]} | {paper[1]} | {minutes:.0f} |")
    return "\n".join(lines)


def _scores(summaries: list[dict], name: str) -> str:
    return spread([summary["results"]["scoring"][name] for summary in summaries])


def clustergan_table() -> str:
    """The table of ClusterGAN's runs; the other variants have one of their own."""
    lines = [
        "| config | seeds | ACC (each seed) | NMI (each seed) | ACC of the initial partition | paper ACC / NMI "
        "| diversity of generated images | minutes a run |",
        "|---|---|---|---|---|---|---|---|",
    ]
    found = {
        f"`{name.replace('-variant_', ':')}`": summaries
        for name, summaries in runs("clustergan_*-seed*.json").items()
        if name.partition("-variant_")[2] in ("", "wide", "sharp", "diverse")
    }
    for variant in RETRIEVAL_VARIANTS:
        for bits in PAPER_RETRIEVAL:
            found[f"`clustergan_mnist{variant.replace('-variant_', ':')}`, {bits} bits"] = retrieval_runs(bits, variant)
    for name, summaries in sorted(found.items()):
        minutes = f"{statistics.mean(sum(summary['seconds'].values()) for summary in summaries) / 60:.0f}"
        if summaries[0]["config"]["init_from"]:
            minutes += " + pretraining"
        seeds = ", ".join(str(summary["config"]["seed"]) for summary in summaries)
        paper = " / ".join(PAPER_GAN.get(re.match(r"`(\w+)", name)[1], ("–",)))
        acc, nmi = _scores(summaries, "acc"), _scores(summaries, "nmi")
        name += mark(summaries)
        lines.append(
            f"| {name} | {seeds} | {acc} | {nmi} | {_initial_acc(summaries)} | {paper} | "
            f"{_diversity(summaries)} | {minutes} |"
        )
    return "\n".join(lines)


def _initial_acc(summaries: list[dict]) -> str:
    """ACC of the initial partition whose labels the clusterer was first trained on; older records lack it."""
    found = [summary["results"]["initial"].get("assignment") for summary in summaries]
    return spread([partition["scoring"]["acc"] for partition in found]) if all(found) else "–"


def _diversity(summaries: list[dict]) -> str:
    """Variance of the generated images of a cluster, relative to the real ones; older records lack it."""
    found = [summary["results"].get("generated", {}) for summary in summaries]
    values = [figures.get("diversity", figures.get("variety")) for figures in found]
    return "–" if None in values else " ".join(map(three, values))


def arms_table() -> str:
    """From the paper alone to the recipe, and the recipe without each of its parts."""
    return _arms_table("variant", VARIANTS)


def mnist_parts_table() -> str:
    """The same on MNIST-test, where `:wide` is the recipe; its five runs of the other table are by older code."""
    return _arms_table("MNIST-test", WIDE_PARTS, "clustergan_mnist_test")


def unguided_table() -> str:
    """What self-paced learning does where no initial partition decides."""
    lines = _arms_table("weights of the entropy loss, without an initial partition", UNGUIDED).splitlines()
    chosen = ["ACC of the most even seed", "---"]
    for name in UNGUIDED:
        for summaries in runs(f"clustergan_usps_balanced-variant_{name}-seed*.json").values():
            chosen.append(three(_trained(max(summaries, key=_evenness))["scoring"]["acc"]))
    return "\n".join(f"{line} {cell} |".replace("| --- |", "|---|") for line, cell in zip(lines, chosen, strict=True))


def _evenness(summary: dict) -> float:
    """Entropy of the sizes of the clusters, which needs no labels."""
    sizes = _trained(summary)["cluster_sizes"]
    shares = [size / sum(sizes) for size in sizes if size]
    return -sum(share * math.log(share) for share in shares) / math.log(len(sizes))


def evenness_ranking() -> str:
    """How well the evenness of the clusters orders all runs of that table by ACC, which it does not see."""
    found = [
        summary
        for name in UNGUIDED
        for summaries in runs(f"clustergan_usps_balanced-variant_{name}-seed*.json").values()
        for summary in summaries
    ]
    acc = [_trained(summary)["scoring"]["acc"] for summary in found]
    rank = spearmanr([_evenness(summary) for summary in found], acc).statistic
    return f"over all {len(found)} runs of this table Spearman's correlation of evenness with ACC is {rank:.2f}"


def _arms_table(head: str, texts: dict[str, str], config: str = "clustergan_usps_balanced") -> str:
    variants = {name: runs(f"{config}-variant_{name}-seed*.json") for name in texts}
    variants["recipe"] = runs(f"{config}-seed*.json")
    variants["whole"] = runs(f"{config}-parts_whole-seed*.json", title="parts")
    lines = [f"| {head} | ACC (each seed) | NMI (each seed) |", "|---|---|---|"]
    for name, text in texts.items():
        for summaries in variants[name].values():
            scores = [_trained(summary)["scoring"] for summary in summaries]
            kept = " ‡" if any("network" in summary["results"] for summary in summaries) else ""
            acc, nmi = (spread([score[part] for score in scores]) for part in ("acc", "nmi"))
            lines.append(f"| {text}{mark(summaries)}{kept} | {acc} | {nmi} |")
    return "\n".join(lines)


def _trained(summary: dict) -> dict:
    """Figures of what training ended with, also where the run has kept its initial partition."""
    return summary["results"].get("network", summary["results"])


def sizes_table() -> str:
    """What the initial partition and the prior assume of the sizes, and what comes of it."""
    heads = "data | initial partition | prior | seeds | ACC (each seed) | NMI (each seed) | ACC of that partition"
    lines = [f"| {heads} |", "|---" * 7 + "|"]
    sets = {"clustergan_usps": "whole USPS", "clustergan_digits": "digits of 8x8"}
    ways = {"block_model": "block model, free sizes", "spectral": "spectral, equal sizes"}
    found: dict[str, list[dict]] = {}
    for name in sets:
        found |= runs(f"{name}-seed*.json") | runs(f"{name}-sizes_*-seed*.json", title="sizes")
    for name, summaries in found.items():
        config = summaries[0]["config"]
        how, prior = ways[config["initial"]["method"]], config["prior"]["proportions"]
        how = how.replace("equal", "free") if prior == "estimated" else how
        seeds = ", ".join(str(summary["config"]["seed"]) for summary in summaries)
        cells = [sets[name.split("-")[0]], how, prior, seeds, _scores(summaries, "acc"), _scores(summaries, "nmi")]
        lines.append(f"| {' | '.join(cells)} | {_initial_acc(summaries)} |")
    return "\n".join(lines)


def agreement_table() -> str:
    """What an unlabeled user sees of each run, the most trusted first, and how well that ranked them."""
    lines = ["| run | agreement with the other seeds | evenness | ACC |", "|---|---|---|---|"]
    for file in sorted(FOLDER.glob("clustergan_*-agreement.json")):
        for entry in json.loads(file.read_text()):
            acc = entry.get("acc")  # of the very run, where it has been run again since
            if acc is None:
                acc = json.loads((FOLDER / f"{entry['run']}.json").read_text())["results"]["scoring"]["acc"]
            lines.append(f"| `{entry['run']}` | {three(entry['agreement'])} | {entry['evenness']:.4f} | {three(acc)} |")
    return "\n".join(lines)


def ranking(runs: str = "variants") -> str:
    """How well agreement and evenness order runs by ACC, which they do not see."""
    entries = json.loads((FOLDER / f"clustergan_usps_balanced-{runs}.json").read_text())
    acc = [entry["acc"] for entry in entries]  # of the very runs; some have been run again since
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

    def over(values: list[float]) -> str:
        return f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"

    for variant, name in RETRIEVAL_VARIANTS.items():
        found = {
            bits: [run["retrieval"]["scores"] for run in retrieval_runs(bits, variant)] for bits in PAPER_RETRIEVAL
        }
        means = [[[statistics.mean(run[s]) for run in found[bits]] for s in RETRIEVAL] for bits in found]
        row(f"{name}, mean of the seeds", [over(each) for scores in means for each in scores])
        for i, pair in enumerate(zip(*found.values(), strict=True)):
            row(f"seed {i}", [over(run[score]) for run in pair for score in RETRIEVAL])
    row("the paper (Table 3)", [figure for figures in PAPER_RETRIEVAL.values() for figure in figures])
    shallow = json.loads((FOLDER / "hashing_mnist.json").read_text())["results"]
    for method, codes in sorted(shallow.items(), key=lambda item: -item[1]["32"]["mean_ap"]["mean"]):
        row(method, [over(codes[str(b)][name]["values"]) for b in PAPER_RETRIEVAL for name in RETRIEVAL])
    return "\n".join(lines)


def retrieval_runs(bits: int, variant: str) -> list[dict]:
    """Records of a variant's runs whose codes have so many bits, in the order of their seeds."""
    return [json.loads(file.read_text()) for file in sorted(FOLDER.glob(f"retrieval_{bits}{variant}-run*.json"))]


def retrieval_agreement(variant: str) -> str:
    """What shows, without labels, which of those runs is the bad one."""
    parts = []
    for bits in PAPER_RETRIEVAL:
        each = [
            f"seed {run['config']['seed']} {three(run['agreement'])} (ACC {three(run['results']['scoring']['acc'])})"
            for run in retrieval_runs(bits, variant)
        ]
        parts.append(f"{bits} bits: {', '.join(each)}")
    return "; ".join(parts)


def everything() -> list[str]:
    """All that README and the pages quote; tables whose records do not exist yet are left out."""
    clustering = [table(), provenance(), aspc.time_table(), aspc.ablation_table(), aspc.initial_table()]
    clustering += [aspc.sweep_table()]
    for config in aspc_figures.BASES:
        clustering += [aspc_figures.augment_table(config), aspc_figures.widths_table(config)]
    clustering += [clustergan_table(), arms_table(), mnist_parts_table(), unguided_table()]
    clustering += [sizes_table(), agreement_table()]
    rankings = [ranking(), ranking("unguided"), evenness_ranking()]
    peers = json.loads((FOLDER / "peers.json").read_text())
    clustering += [
        dec.results_table(),
        viewgraph.results_table(),
        viewgraph.calibration_table(),
        viewgraph.parts_table(),
        viewgraph.unseen_table(),
        growth.table(json.loads((FOLDER / "growth.json").read_text())),
        peers_table.table(peers),
    ]
    made = clustering + rankings + [retrieval_table(), *map(retrieval_agreement, RETRIEVAL_VARIANTS)]
    made += sentences.everything()
    return [text for text in made if text]


def put(made: list[str], readme: str) -> tuple[str, list[str]]:
    """Replace the tables of a page that have the same first line.

    Args:
        made: what `everything` gives.
        readme: the page.

    Returns:
        The page, and what of `made` does not stand in it even now: new tables, and sentences (lines may be broken).
    """
    for text in made:
        head = text.split("\n", 1)[0]
        if head.startswith("|"):
            block = re.compile(rf"^{re.escape(head)}$(\n\|.*$)*", re.MULTILINE)
            readme = block.sub(lambda _, text=text: text, readme)
    words = " ".join(readme.split())
    return readme, [text for text in made if text not in readme and text not in words]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=pathlib.Path, nargs="*", default=[], help="whose tables are brought up to date")
    missing = everything()
    for file in parser.parse_args().pages:
        page, absent = put(everything(), file.read_text())
        file.write_text(page)
        missing = [text for text in missing if text in absent]
    print(f"{len(missing)} tables or sentences stand on none of the given pages")
    print(*missing, sep="\n\n")


if __name__ == "__main__":
    main()
