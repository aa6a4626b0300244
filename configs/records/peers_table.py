"""The Markdown table of `peers`: measured cells, and the runs whose summaries lie in this folder."""

import statistics

from configs.records.reading import mark, runs, three

SETS = ("digits", "breast_cancer", "digits_vectors", "usps", "mnist_test", "fashion_test")
TITLES = {
    "digits": "digits, 8x8",
    "breast_cancer": "breast cancer, 30 columns, standardized",
    "digits_vectors": "digits as 64 columns",
    "usps": "USPS, 16x16",
    "mnist_test": "MNIST test, 28x28",
    "fashion_test": "Fashion-MNIST test, 28x28",
}
# What a method is called, and whether it can tell the cluster of a new sample once it is fitted.
METHODS = {
    "kmeans": ("k-means", "yes"),
    "gmm": ("GMM", "yes"),
    "spectral": ("spectral", "no"),
    "umap_gmm": ("UMAP + GMM", "yes"),
    "umap_hdbscan": ("UMAP + HDBSCAN", "approximately"),
    "graph": ("graph alone", "no"),
    "viewgraph": ("view graph", "yes"),
}
# Set -> records of runs that are not repeated here: name of the config in this folder -> title.
RECORDED = {
    "digits": {"aspc_digits": "ASPC-DA", "clustergan_digits": "ClusterGAN"},
    "usps": {"aspc_usps": "ASPC-DA", "aspc_usps-variant_wide": "ASPC-DA `:wide`", "clustergan_usps": "ClusterGAN"},
    "mnist_test": {
        "aspc_mnist_test": "ASPC-DA",
        "aspc_mnist_test-variant_wide": "ASPC-DA `:wide`",
        "clustergan_mnist_test-variant_wide": "ClusterGAN `:wide`",
    },
}
for _set in ("digits", "usps", "mnist_test", "fashion_test"):
    _more = {f"dec_{_set}": "DEC", f"idec_{_set}": "IDEC", f"viewgraph_{_set}": "view graph"}
    RECORDED[_set] = RECORDED.get(_set, {}) | _more


def table(record: dict, *, recorded: bool = True) -> str:
    """A Markdown table: for each set one row for each method, and the runs that are recorded in this folder."""
    heads = ["set", "method", "seeds", "ACC", "worst seed", "NMI", "assigned", "CPU s", "wall s, device", "predicts"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name in SETS:
        rows, measured = [], record["cells"].get(name, {})
        for method, (title, predicts) in METHODS.items():
            cells = list(measured.get(method, {}).values())
            if cells:
                rows.append([title, *_row(cells), _processor(cells), "–", predicts])
        others = dict(RECORDED.get(name, {})) if recorded else {}
        if "viewgraph" in measured:  # the same method, measured beside the others
            others.pop(f"viewgraph_{name}", None)
        for summaries in runs(f"viewgraph_{name}-seed*.json").values() if f"viewgraph_{name}" in others else ():
            cells = _as_cells(summaries, initial=True)
            rows.append([f"graph alone, recorded{mark(summaries)}", *_row(cells), "not measured", "–", "no"])
        for config, title in others.items():
            for summaries in runs(f"{config}-seed*.json").values():
                rows.append([f"{title}, recorded{mark(summaries)}", *_row(_as_cells(summaries)), "not measured"])
                rows[-1] += [_wall(summaries), "yes"]
        for row in rows:
            lines.append("| " + " | ".join([TITLES[name], *row]) + " |")
    return "\n".join(lines)


def _row(cells: list[dict]) -> list[str]:
    """Number of seeds, ACC, worst ACC, NMI, share assigned; the number of clusters where the method finds it."""
    acc, nmi, assigned = ([cell[name] for cell in cells] for name in ("acc", "nmi", "assigned"))
    deviation = f" ± {three(statistics.stdev(acc))}" if len(acc) > 1 else ""
    share = f"{statistics.mean(assigned):.0%}"
    if min(assigned) < 1 and "clusters" in cells[0]:
        counts = sorted({cell["clusters"] for cell in cells})
        share += f", {counts[0]} to {counts[-1]} clusters" if len(counts) > 1 else f", {counts[0]} clusters"
    return [
        f"{len(cells)}",
        three(statistics.mean(acc)) + deviation,
        three(min(acc)),
        three(statistics.mean(nmi)),
        share,
    ]


def _processor(cells: list[dict]) -> str:
    """Median seconds of the processor; the largest too where imports or compiling more than doubled it."""
    seconds = [cell["cpu_seconds"] for cell in cells]
    median, largest = statistics.median(seconds), max(seconds)
    text = f"{median:,.1f}" if median < 10 else f"{median:,.0f}"
    return text + (f" ({largest:,.0f})" if largest > max(2 * median, 1) else "")


def _as_cells(summaries: list[dict], *, initial: bool = False) -> list[dict]:
    found = [summary["results"] for summary in summaries]
    scores = [results["initial"]["assignment"]["scoring"] if initial else results["scoring"] for results in found]
    return [{"acc": found["acc"], "nmi": found["nmi"], "assigned": 1.0} for found in scores]


def _wall(summaries: list[dict]) -> str:
    """Median seconds of a run on the wall clock, and what it ran on."""
    seconds = statistics.median(sum(summary["seconds"].values()) for summary in summaries)
    devices = set()
    for summary in summaries:
        device = summary["device"]
        cores = f"{device['cores']} CPU core{'s' if device['cores'] > 1 else ''}"
        devices.add(cores if device["platform"] == "cpu" else device["kind"])
    pretrained = " + pretraining" if summaries[0]["config"].get("init_from") else ""
    return f"{seconds:,.0f}{pretrained}, {' and '.join(sorted(devices))}"
