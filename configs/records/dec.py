"""The table of DEC's and IDEC's runs."""

from configs.records.reading import mark, runs, spread, three

__all__ = ["results_table"]

# ACC and NMI as published (without augmentation: IDEC, IJCAI 2017; with it: ASPC-DA, TKDE 2019, a convolutional one).
PUBLISHED = {
    "dec_usps": ".762 / .767",
    "idec_usps": ".761 / .785",
    "dec_mnist_test": ".856 / .830",
    "idec_mnist_test": ".846 / .802",
    "dec_usps-variant_da": ".987 / .962",
    "idec_usps-variant_da": "–",
    "dec_mnist_test-variant_da": ".983 / .958",
    "idec_mnist_test-variant_da": "–",
}


def results_table() -> str:
    """Every config that was run, beside what was published."""
    lines = ["| config | seeds | ACC (each seed) | worst ACC | NMI (each seed) | published ACC / NMI |"]
    lines.append("|---|---|---|---|---|---|")
    for config, published in PUBLISHED.items():
        found = runs(f"{config}-seed*.json").get(config, [])
        if found:
            acc, nmi = ([summary["results"]["scoring"][score] for summary in found] for score in ("acc", "nmi"))
            name = f"`{config.replace('-variant_', ':')}`{mark(found)}"
            seeds = ", ".join(str(summary["config"]["seed"]) for summary in found)
            lines.append(f"| {name} | {seeds} | {spread(acc)} | {three(min(acc))} | {spread(nmi)} | {published} |")
    return "\n".join(lines)
