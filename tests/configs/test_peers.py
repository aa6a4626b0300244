"""The table of common clusterers: its rows from a small record, its scores where samples are left out."""

import json

import numpy as np
import pytest

from configs.records import peers, peers_table, reading
from jaxcluster import metrics


def cell(acc, seconds, *, assigned=1.0, clusters=10):
    return {"acc": acc, "nmi": 0.5, "assigned": assigned, "clusters": clusters, "cpu_seconds": seconds}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "FOLDER", tmp_path)
    return tmp_path


def rows(record):
    return [line.strip("| ").split(" | ") for line in peers_table.table(record).splitlines()[2:]]


def test_a_row_has_mean_and_worst_seed_and_tells_what_the_first_cell_paid_for_imports(folder):
    record = {"cells": {"digits": {"kmeans": {"0": cell(0.9, 30.0), "1": cell(0.7, 2.0), "2": cell(0.8, 3.0)}}}}
    assert rows(record) == [
        ["digits, 8x8", "k-means", "3", ".800 ± .100", ".700", ".500", "100%", "3.0 (30)", "–", "yes"]
    ]


def test_a_row_of_a_method_that_finds_the_number_of_clusters_tells_it(folder):
    found = {"0": cell(0.6, 12.0, assigned=0.9, clusters=8), "1": cell(0.6, 14.0, assigned=0.8, clusters=11)}
    (row,) = rows({"cells": {"usps": {"umap_hdbscan": found}}})
    assert row[6:8] == ["85%, 8 to 11 clusters", "13"]


def test_recorded_runs_join_as_rows_whose_seconds_are_not_those_of_the_processor(folder):
    for seed, (acc, start) in enumerate([(0.98, 0.9), (0.96, 0.8)]):
        summary = {
            "config": {"init_from": ""},
            "results": {
                "scoring": {"acc": acc, "nmi": 0.9},
                "initial": {"assignment": {"scoring": {"acc": start, "nmi": 0.7}}},
            },
            "seconds": {"train": 40.0 + 2 * seed},
            "device": {"platform": "gpu", "kind": "card", "cores": 16},
        }
        (folder / f"viewgraph_usps-seed{seed}.json").write_text(json.dumps(summary))
        (folder / f"viewgraph_usps-variant_other-seed{seed}.json").write_text(json.dumps(summary))
    graph, whole = rows({"cells": {}})
    assert graph[1:4] == ["graph alone, recorded †", "2", ".850 ± .071"]
    assert graph[7:] == ["not measured", "–", "no"]
    assert whole[1:5] == ["view graph, recorded †", "2", ".970 ± .014", ".960"]
    assert whole[7:] == ["not measured", "41, card", "yes"]


def test_samples_that_are_not_assigned_count_as_wrong_and_as_one_cluster():
    classes = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    labels = np.array([1, 1, -1, 0, 0, 0, -1, 1])
    found = peers.score(classes, labels)
    # Five of eight: cluster 1 holds two of class 0, cluster 0 three of class 1.
    assert found["acc"] == 0.625
    assert found["assigned"] == 0.75
    assert found["clusters"] == 2
    assert found["nmi"] == pytest.approx(metrics.nmi(classes, np.array([1, 1, 2, 0, 0, 0, 2, 1])), abs=1e-5)


def test_no_sample_assigned_scores_zero():
    assert peers.score(np.array([0, 1, 1]), np.array([-1, -1, -1]))["acc"] == 0


def test_what_two_cells_share_is_computed_once_and_its_seconds_are_known_to_both():
    calls = []
    timed = peers.shared(lambda name: calls.append(name) or sum(range(10**6)))
    first, again, other = timed("a"), timed("a"), timed("b")
    assert calls == ["a", "b"]
    assert again == first
    assert first[1] > 0
    assert other[1] > 0


def test_a_finished_cell_is_kept_as_it_is(tmp_path, monkeypatch):
    asked = []

    def measure(method, samples, seed):
        asked.append((method, seed))
        return cell(0.5, 1.0)

    monkeypatch.setattr(peers, "measure", measure)
    output = tmp_path / "peers.json"
    done = cell(0.9, 1.0) | {"commit": "abc"}
    output.write_text(json.dumps({"cells": {"digits": {"kmeans": {"0": done}}}}))
    arguments = ["peers", "--sets=digits", "--methods=kmeans,gmm", "--seeds=0,1", f"--output={output}"]
    monkeypatch.setattr("sys.argv", arguments)
    peers.main()
    cells = json.loads(output.read_text())["cells"]["digits"]
    assert cells["kmeans"]["0"] == done
    assert asked == [("gmm", 0), ("kmeans", 1), ("gmm", 1)]
    assert {"commit", "date", "versions", "processor"} <= set(cells["gmm"]["1"])
