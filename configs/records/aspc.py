"""Tables of ASPC-DA's paper beside ours: running time, parts, initial clusterings (Tables 4 to 6), and sweeps."""

import json
import statistics

from configs.records.reading import FOLDER, mark, runs, spread, three

SETS = {"aspc_mnist": "MNIST", "aspc_mnist_test": "MNIST-test", "aspc_usps": "USPS", "aspc_fashion": "Fashion"}
# Table 4 of Guo et al., TKDE 2019, in seconds.
PAPER_SECONDS = {"aspc_mnist": 925, "aspc_mnist_test": 129, "aspc_usps": 92, "aspc_fashion": 877}
# Table 5: whether images are augmented in pretraining, in fine-tuning, and samples selected; ACC, NMI in the order
# of SETS.
PAPER_PARTS = {
    (False, False, False): (".912", ".857", ".764", ".709", ".701", ".721", ".562", ".633"),
    (False, False, True): (".924", ".881", ".785", ".757", ".688", ".748", ".561", ".627"),
    (False, True, False): (".958", ".936", ".668", ".775", ".693", ".788", ".542", ".614"),
    (False, True, True): (".945", ".938", ".531", ".690", ".552", ".711", ".533", ".608"),
    (True, False, False): (".972", ".931", ".930", ".867", ".953", ".896", ".592", ".650"),
    (True, False, True): (".978", ".942", ".947", ".887", ".958", ".901", ".596", ".652"),
    (True, True, False): (".987", ".963", ".970", ".931", ".977", ".939", ".584", ".651"),
    (True, True, True): (".988", ".966", ".973", ".936", ".982", ".951", ".591", ".654"),
}
# Table 6: ACC / NMI on MNIST test and USPS of the clusterer on pixels, then of ASPC-DA that begins with it.
PAPER_INITIAL = {
    "kmeans": (".546 / .501", ".668 / .627", ".973 / .936", ".982 / .951"),
    "spectral": (".660 / .704", ".649 / .794", ".879 / .908", ".983 / .952"),
    "ward": (".695 / .711", ".683 / .725", ".973 / .937", ".983 / .951"),
    "mixture": (".540 / .493", ".551 / .530", ".976 / .940", ".982 / .949"),
    "rcc": ("– / .828", "– / .742", "– / .896", "– / .951"),
}
# Grids of one setting: title -> the setting; and what the paper has for it, ACC and NMI.
SWEEPS = {
    "initial": "initial.method",
    "epochs": "finetune.epochs",
    "shift": "augment.shift",
    "figure8": "finetune.epochs",
}
PAPER_SWEEPS = {("aspc_mnist", "shift"): (".990", ".971"), ("aspc_mnist", "figure8"): (".988", "–")}


def time_table() -> str:
    """Seconds of a whole run, by the hardware that it ran on; pretraining that was taken from elsewhere counts not."""
    found: dict[tuple[str, str], list[dict]] = {}
    for name, summaries in runs().items():
        for summary in summaries:
            if name in SETS and not summary["config"]["init_from"]:
                found.setdefault((name, _hardware(summary["device"])), []).append(summary)
    lines = ["| data | hardware | runs | seconds | seconds in the paper |", "|---|---|---|---|---|"]
    for (name, hardware), summaries in found.items():
        seconds = statistics.mean(sum(summary["seconds"].values()) for summary in summaries)
        data, paper = SETS[name] + mark(summaries), PAPER_SECONDS[name]
        lines.append(f"| {data} | {hardware} | {len(summaries)} | {seconds:,.0f} | {paper} |")
    return "\n".join(lines)


def _hardware(device: dict) -> str:
    if device["platform"] == "cpu":
        return f"{device['cores']} CPU core{'s' if device['cores'] > 1 else ''} ({device['machine']})"
    return device["kind"] + (f", {device['count']} of them" if device.get("count", 1) > 1 else "")


def ablation_table() -> str:
    """Table 5: what augmentation in each phase and self-paced learning give; "" without records."""
    found = {name: _by_parts(name) for name in SETS}
    there = [name for name in SETS if found[name]]
    if not there:
        return ""
    heads = [f"{SETS[name]} {score} | paper" for name in there for score in ("ACC (each seed)", "NMI")]
    lines = [f"| augmented pretraining | augmented fine-tuning | self-paced | {' | '.join(heads)} |"]
    lines.append("|---" * (3 + 4 * len(there)) + "|")
    for parts, printed in PAPER_PARTS.items():
        cells = ["yes" if part else "no" for part in parts]
        for name in there:
            acc, nmi = printed[2 * list(SETS).index(name) :][:2]
            summaries = found[name].get(parts, [])
            cells += [_score(summaries, "acc", each=True) + mark(summaries), acc, _score(summaries, "nmi"), nmi]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _by_parts(name: str) -> dict[tuple[bool, bool, bool], list[dict]]:
    """Runs by the parts that their own config, not their file's name, says."""
    found: dict[tuple[bool, bool, bool], list[dict]] = {}
    for summaries in runs(f"{name}-table5_*.json", title="table5").values():
        for summary in summaries:
            config = summary["config"]
            parts = (config["pretrain"]["augment"], config["finetune"]["augment"], config["finetune"]["self_paced"])
            found.setdefault(parts, []).append(summary)
    return found


def initial_table() -> str:
    """Table 6: the clusterer alone, on pixels; and ASPC-DA that begins with it on the embeddings."""
    sets = {"aspc_mnist_test": "MNIST-test", "aspc_usps": "USPS"}
    heads = [f"{of}, {data} ACC / NMI | paper" for of in ("pixels", "ASPC-DA") for data in sets.values()]
    lines = [f"| clusterer | {' | '.join(heads)} | clusters that ASPC-DA ends with |", "|---" * 10 + "|"]
    shallow = json.loads((FOLDER / "shallow.json").read_text())["cells"]
    for method, printed in PAPER_INITIAL.items():
        cells, numbers = [], []
        for name in sets:
            found = list(shallow.get(name.removeprefix("aspc_"), {}).get(method, {}).values())
            pair = [_mean([cell[score] for cell in found]) for score in ("acc", "nmi") if found]
            cells.append(" / ".join(pair) or "–")
        for name in sets:
            title = "" if method == "kmeans" else "table6"
            key = f"{name}-table6_{method}" if title else name
            found = runs(f"{key}-seed*.json", title=title)[key]
            scores = [[run["results"]["scoring"][score] for run in found] for score in ("acc", "nmi")]
            cells.append(" / ".join(map(_mean, scores)) + mark(found))
            numbers.append(" ".join(str(len(run["results"]["cluster_sizes"])) for run in found))
        pairs = " | ".join(f"{ours} | {paper}" for ours, paper in zip(cells, printed, strict=True))
        lines.append(f"| {method} | {pairs} | {'; '.join(dict.fromkeys(numbers))} |")
    return "\n".join(lines)


def _mean(values: list[float]) -> str:
    mean = three(statistics.mean(values))
    return f"{mean} ± {three(statistics.stdev(values))}" if len(values) > 1 else mean


def sweep_table() -> str:
    """Other settings than the paper's Table 2, one at a time; "" without records."""
    lines = []
    for title, field in SWEEPS.items():
        for name, summaries in runs(f"aspc_*-{title}_*.json", title=title).items():
            config = name.split("-")[0]
            value = summaries[0]["config"]
            for part in field.split("."):
                value = value[part]
            seeds = ", ".join(str(summary["config"]["seed"]) for summary in summaries)
            paper = " / ".join(PAPER_SWEEPS.get((config, title), ("–",)))
            acc, nmi = _score(summaries, "acc", each=True), _score(summaries, "nmi", each=True)
            value = f"{value:.4g}" if isinstance(value, float) else value
            lines.append(f"| `{config}`{mark(summaries)} | `{field}={value}` | {seeds} | {acc} | {nmi} | {paper} |")
    heads = ["| config | setting | seeds | ACC (each seed) | NMI (each seed) | paper ACC / NMI |", "|---" * 6 + "|"]
    return "\n".join(heads + lines) if lines else ""


def _score(summaries: list[dict], name: str, *, each: bool = False) -> str:
    if not summaries:
        return "–"
    text = spread([summary["results"]["scoring"][name] for summary in summaries])
    return text if each else text.split(" (")[0]
