"""Study: which rule without labels keeps the best partition of a graph, which number of clusters is suggested.

    python -m configs.records.partition_study --usps=usps.npz [--only="digits;wine"] [--output=partition_study.json]

For every set a graph is made (images: small warps and descriptors; feature vectors: shared neighbors), partitioned by
`partition_graph`, and the candidate that each rule would keep is scored by the given labels, which no rule sees:
highest likelihood of the block model, the same after the refinement, highest modularity, smallest normalized cut,
highest stability (mean adjusted Rand index with the same clustering of two subsamples of 75 %), and the oracle, which
knows the labels. Then `suggest_n_clusters` is asked. Sets that are already in the output file are kept as they are.
MNIST and Fashion-MNIST are the test sets, prepared by TensorFlow Datasets (TFDS_DATA_DIR).
"""

import argparse
import datetime
import json
import pathlib
import platform
import subprocess
import time
from collections.abc import Callable

import jax
import numpy as np
from scipy.stats import spearmanr

from jaxcluster import clusterers, data, metrics
from jaxcluster.clusterers.partition import _cluster, _first_dimensions

RULES = ("likelihood", "modularity", "cut", "stability")
SUBSAMPLES, SHARE = 2, 0.75


def sets(usps: str) -> dict[str, Callable]:
    """Name -> function that returns (graph, labels, what was done to the data)."""
    from sklearn import datasets

    def images(load, rows=None):
        def make():
            found = load()
            chosen = slice(None) if rows is None else np.random.default_rng(0).permutation(len(found.labels))[:rows]
            return clusterers.view_graph(found.images[chosen]), found.labels[chosen], "views, descriptors"

        return make

    def vectors(load, scaled):
        def make():
            x, y = load()
            x = (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1) if scaled else x
            return clusterers.vector_graph(x), np.asarray(y), "columns standardized" if scaled else "as they are"

        return make

    def blobs(sizes, spread):
        return lambda: datasets.make_blobs(sizes, n_features=8, cluster_std=spread, random_state=0)

    def digits():
        return data.load(name="digits", progress=False)

    def test_set(name):
        return lambda: data.load(name=name, split="test", progress=False)

    def table(load):
        return lambda: load(return_X_y=True)

    def flat(load, rows):
        def make():
            found = load()
            chosen = np.random.default_rng(0).permutation(len(found.labels))[:rows]
            return found.images[chosen].reshape(rows, -1).astype(np.float32), found.labels[chosen]

        return make

    found = {
        "digits": images(digits),
        "wine": vectors(table(datasets.load_wine), True),
        "breast cancer": vectors(table(datasets.load_breast_cancer), True),
        "iris": vectors(table(datasets.load_iris), True),
        "blobs, 5 x 300": vectors(blobs([300] * 5, 2.0), False),
        "blobs, 1000 to 50": vectors(blobs([1000, 500, 200, 100, 50], 1.0), False),
        "blobs, spreads 1 to 4": vectors(blobs([300] * 5, [1.0, 1.5, 2.0, 3.0, 4.0]), False),
        "digits as vectors": vectors(flat(digits, 1797), False),
        "MNIST test": images(test_set("mnist")),
        "Fashion-MNIST test": images(test_set("fashion_mnist")),
    }
    if usps:

        def digits_usps():
            return data.load(path=usps, progress=False)

        found["USPS, 3000"] = images(digits_usps, 3000)
        found["USPS"] = images(digits_usps)
        found["USPS 3000 as vectors"] = vectors(flat(digits_usps, 3000), False)
    return found


def stability(key: jax.Array, graph, partition: clusterers.Partition, n_clusters: int) -> np.ndarray:
    """Mean adjusted Rand index of every candidate with the same clustering of subsamples."""
    rng, n = np.random.default_rng(0), graph.shape[0]
    values = np.zeros((SUBSAMPLES, len(partition.candidates)))
    for row in range(SUBSAMPLES):
        nodes = np.sort(rng.choice(n, int(SHARE * n), replace=False))
        widths = [candidate.dimensions for candidate in partition.candidates]
        embedding = clusterers.spectral_embedding(graph[nodes][:, nodes], max(widths))
        for i, candidate in enumerate(partition.candidates):
            rows = _first_dimensions(embedding, candidate.dimensions)
            labels = _cluster(jax.random.fold_in(key, i), candidate.kind, rows, n_clusters)
            values[row, i] = metrics.ari(candidate.labels[nodes], labels)
    return values.mean(axis=0)


def study(make: Callable) -> dict:
    """All figures of one set."""
    started = time.process_time()
    graph, labels, preprocessing = make()
    n_clusters, key = len(np.unique(labels)), jax.random.key(0)
    seconds = {"graph": time.process_time() - started}
    started = time.process_time()
    partition = clusterers.partition_graph(key, graph, n_clusters)
    seconds["partition"] = time.process_time() - started
    started = time.process_time()
    suggestion = clusterers.suggest_n_clusters(key, graph)
    seconds["n_clusters"] = time.process_time() - started
    candidates = partition.candidates
    criteria = {
        "likelihood": np.array([c.likelihood for c in candidates]),
        "modularity": np.array([c.modularity for c in candidates]),
        "cut": -np.array([c.normalized_cut for c in candidates]),
        "stability": stability(key, graph, partition, n_clusters),
    }
    acc = np.array([metrics.accuracy(labels, c.labels) for c in candidates])
    nmi = np.array([metrics.nmi(labels, c.labels) for c in candidates])
    chosen = {rule: int(np.argmax(values)) for rule, values in criteria.items()}
    chosen["oracle"] = int(np.argmax(acc))
    truth = clusterers.refine_partition(graph, np.unique(labels, return_inverse=True)[1])
    return {
        "n": len(labels),
        "classes": n_clusters,
        "preprocessing": preprocessing,
        "cpu_seconds": {name: round(value, 1) for name, value in seconds.items()},
        "rules": {rule: {"acc": round(acc[i], 4), "nmi": round(nmi[i], 4)} for rule, i in chosen.items()},
        "refined": {
            "acc": round(metrics.accuracy(labels, partition.labels), 4),
            "nmi": round(metrics.nmi(labels, partition.labels), 4),
            "likelihood": round(partition.likelihood, 5),
        },
        "rank_correlation_with_acc": {
            rule: round(float(spearmanr(values, acc).statistic), 3) if np.ptp(acc) and np.ptp(values) else None
            for rule, values in criteria.items()
        },
        "classes_refined": {
            "acc": round(metrics.accuracy(labels, truth.labels), 4),
            "likelihood": round(truth.likelihood, 5),
        },
        "suggested": suggestion.n_clusters,
        "resolutions": suggestion.resolutions,
        "shortest_description": int(suggestion.counts[np.argmin(suggestion.description_lengths)]),
        "sentence": suggestion.sentence,
        "gains": np.round(suggestion.gains, 4).tolist(),
        "prediction_strengths": np.round(suggestion.prediction_strengths, 3).tolist(),
    }


def environment() -> dict:
    """Commit, date, versions and processor of the measurement."""
    import scipy
    import sklearn

    commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True)
    info = pathlib.Path("/proc/cpuinfo")
    models = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return {
        "commit": commit.stdout.strip() or None,
        "date": datetime.date.today().isoformat(),
        "versions": {module.__name__: module.__version__ for module in (jax, np, scipy, sklearn)},
        "python": platform.python_version(),
        "processor": models[0] if models else platform.processor(),
    }


def table(results: dict[str, dict]) -> str:
    """ACC/NMI of what each rule keeps, and the suggested K, as a Markdown table."""
    heads = ["set", "n", "likelihood", "then refined", *RULES[1:], "oracle", "K", "suggested", "s"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]

    def score(found):
        return f"{found['acc']:.3f}/{found['nmi']:.3f}"

    for name, found in results.items():
        rules = found["rules"]
        others = [score(rules[rule]) for rule in ("modularity", "cut", "stability", "oracle")]
        also = f" ({', '.join(map(str, found['resolutions']))})" if found["resolutions"] else ""
        seconds = "/".join(f"{value:.0f}" for value in found["cpu_seconds"].values())
        cells = [name, f"{found['n']}", score(rules["likelihood"]), score(found["refined"]), *others]
        lines.append("| " + " | ".join([*cells, f"{found['classes']}", f"{found['suggested']}{also}", seconds]) + " |")
    for rule in RULES:
        lost = [found["rules"]["oracle"]["acc"] - found["rules"][rule]["acc"] for found in results.values()]
        lines.append(
            f"{rule}: within .01 of the oracle's ACC on {sum(x <= 0.01 for x in lost)} of {len(lost)} sets, "
            f"{np.mean(lost):.3f} below it on average, {max(lost):.3f} at worst"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--usps", default="", help="file with the USPS digits, [n, 16, 16, 1] and labels")
    parser.add_argument("--only", default="", help="names of sets, separated by semicolons")
    parser.add_argument("--output", default=str(pathlib.Path(__file__).with_suffix(".json")))
    options = parser.parse_args()
    output = pathlib.Path(options.output)
    record = json.loads(output.read_text()) if output.exists() else {"sets": {}}
    record = {"command": "python -m configs.records.partition_study --usps=usps.npz", **record, **environment()}
    for name, make in sets(options.usps).items():
        if name in record["sets"] or (options.only and name not in options.only.split(";")):
            continue
        record["sets"][name] = study(make)
        output.write_text(json.dumps(record, indent=2) + "\n")
        print(name, record["sets"][name]["sentence"], flush=True)
    print(table(record["sets"]))


if __name__ == "__main__":
    main()
