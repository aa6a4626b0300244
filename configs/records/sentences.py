"""Sentences with figures, and a small table, that README and the pages quote, made from the records."""

import json
import statistics

from configs.records.reading import FOLDER, runs, three

__all__ = ["ensemble", "everything", "peers", "published", "study"]

# Table 3 of Guo et al., TKDE 2019: ACC, NMI.
PUBLISHED = {"aspc_mnist": "paper .988 / .966", "aspc_fashion": "paper .591 / .654"}
STUDY = {
    "digits": "digits of 8x8, images",
    "USPS, 3000": "USPS, images",
    "MNIST test": "MNIST test, images",
    "Fashion-MNIST test": "Fashion-MNIST test, images",
    "wine": "wine, 13 columns",
    "breast cancer": "breast cancer, 30 columns",
    "blobs, 1000 to 50": "blobs of 1,000 to 50 samples, vectors",
    "digits as vectors": "digits as vectors",
    "USPS 3000 as vectors": "USPS as vectors",
}


def everything() -> list[str]:
    """All sentences, whose lines a page may break anywhere, and one small table."""
    return [ensemble(), published(), convolutional(), study(), peers()]


def _pair(summaries: list[dict]) -> str:
    """Means of ACC / NMI."""
    scores = [summary["results"]["scoring"] for summary in summaries]
    return " / ".join(three(statistics.mean(score[name] for score in scores)) for name in ("acc", "nmi"))


def ensemble() -> str:
    """What a vote of five networks gives."""
    usps, mnist = (
        _pair(runs(f"{name}-seed*.json")[name])
        for name in ("viewgraph_usps-variant_ensemble", "viewgraph_mnist_test-variant_ensemble")
    )
    return f"Five networks that vote reach {usps} on USPS and {mnist} on MNIST test (three seeds)"


def published() -> str:
    """ASPC-DA on the large sets, beside its paper."""
    mnist, fashion = (f"{_pair(runs()[name])}{{}} ({paper})" for name, paper in PUBLISHED.items())
    return f"ASPC-DA reaches {mnist.format(' on all of MNIST')} and {fashion.format(' on Fashion-MNIST')}"


def convolutional() -> str:
    """ClusterGAN with the paper's kind of networks, beside its paper."""
    found = runs("clustergan_mnist-seed*.json")["clustergan_mnist"]
    seeds = {2: "two", 3: "three", 5: "five"}[len(found)]
    return (
        f"ClusterGAN's convolutional networks reach {_pair(found)} on all of MNIST (paper .964 / .921; {seeds} seeds)"
    )


def study() -> str:
    """Suggested numbers of clusters beside the numbers of classes: a table."""
    sets = json.loads((FOLDER / "partition_study.json").read_text())["sets"]
    lines = ["| data | samples | classes | suggested | other valid numbers |", "|---" * 5 + "|"]
    for name, text in STUDY.items():
        found = sets[name]
        others = ", ".join(map(str, found["resolutions"])) or "–"
        lines.append(f"| {text} | {found['n']:,} | {found['classes']} | {found['suggested']} | {others} |")
    return "\n".join(lines)


def peers() -> str:
    """What is said of UMAP on digits, five seeds."""
    cells = json.loads((FOLDER / "peers.json").read_text())["cells"]["digits"]

    def over(method: str, name: str, of=statistics.mean):
        return of(cell[name] for cell in cells[method].values())

    acc = {method: three(over(method, "acc")) for method in ("umap_hdbscan", "umap_gmm", "graph", "viewgraph")}
    clusters = f"{over('umap_hdbscan', 'clusters', min)} to {over('umap_hdbscan', 'clusters', max)} clusters"
    return (
        f"On the digits of scikit-learn UMAP + HDBSCAN reaches ACC {acc['umap_hdbscan']} with {clusters} and "
        f"{over('umap_hdbscan', 'assigned'):.0%} of the samples assigned, UMAP + GMM {acc['umap_gmm']}, "
        f"the partition of the view graph {acc['graph']}, and the view graph after training {acc['viewgraph']} "
        f"(worst seed {three(over('viewgraph', 'acc', min))})"
    )
