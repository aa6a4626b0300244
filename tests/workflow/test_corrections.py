"""Merging and splitting by hand: new labels beside the old, each correction from the one before."""

import csv
import json
import shutil

import numpy as np
import pytest

from jaxcluster.files import lock, manifest, storage, workdir
from jaxcluster.protocol import Outputs
from jaxcluster.workflow import confident, corrections, report
from jaxcluster.workflow.settings import UsageError
from tests.main.commands import files_of

FULL = np.array([0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 0], np.int32)
CONFIDENCE = np.linspace(1, 0.45, 12).astype(np.float32)
# Cluster 1: two at 0 and three at 9. Cluster 2: all at one place.
EMBEDDING = np.array([5, 5, 0.1, 9, 9.1, 0, 9.2, 3, 3, 3, 3, 5], np.float32)[:, None]
NAMES = ("=a.png", "'=b.png", *(f"{i}.png" for i in range(10)))
DATA = {"samples": 12, "shape": [3], "dtype": "float32", "checksum": 1, "offset": 0.0, "scale": 1.0}
IDENTITY = {"config": {"algorithm": "toy", "seed": 0, "n_clusters": 4}, "data": DATA}


def run_in(folder, min_confidence=0.0):
    """What a finished run leaves; its fourth cluster is empty."""
    outputs = confident.keep_confident(Outputs(FULL, CONFIDENCE, EMBEDDING, np.zeros((4, 1))), min_confidence)
    workdir.claim(folder, IDENTITY)
    with manifest.sealing(folder):
        report.write_outputs(folder, outputs, NAMES)
        workdir.write_json(folder / "summary.json", IDENTITY | {"results": {"cluster_sizes": [3, 5, 4, 0]}})
    return folder


def labels_of(folder):
    return np.load(folder / "labels.npy").tolist()


def test_merging_and_splitting_go_on_from_each_other_and_change_nothing_of_the_run(tmp_path):
    run, said = run_in(tmp_path / "run"), []
    before = files_of(run)
    first = corrections.split(str(run), 1, say=said.append)
    assert first == run / "corrections" / "1"
    # The larger half keeps the number; 3 is the number of an empty cluster, 4 is free.
    assert labels_of(first) == [0, 0, 4, 1, 1, 4, 1, 2, 2, 2, 2, 0]
    second = corrections.merge(run, (2, 0, 2), say=said.append)
    assert labels_of(second) == [0, 0, 4, 1, 1, 4, 1, 0, 0, 0, 0, 0]
    third = corrections.merge(run, (1, 4), say=said.append)
    assert labels_of(third) == [0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    fourth = corrections.split(run, 1)  # no number is used twice, though there is no cluster 4 any more
    assert labels_of(fourth) == [0, 0, 5, 1, 1, 5, 1, 0, 0, 0, 0, 0]
    assert {file: time for file, time in files_of(run).items() if file in before} == before
    log = [json.loads(line) for line in (run / "corrections" / "log.jsonl").read_text().splitlines()]
    assert log[:2] == [
        {"correction": 1, "from": ".", "split": 1},
        {"correction": 2, "from": "corrections/1", "merge": [0, 2]},
    ]
    assert said[0] == f"cluster 1 is clusters 1 (3) and 4 (2) now; labels: {first / 'labels.npy'}"
    assert said[1].startswith("clusters 0, 2 are cluster 0 now")
    assert not manifest.damages(fourth)


def test_the_table_keeps_confidences_and_marked_names(tmp_path):
    run = run_in(tmp_path / "run")
    folder = corrections.merge(run, (0, 1, 2))
    old, new = (list(csv.reader((place / "clusters.csv").read_text().splitlines())) for place in (run, folder))
    assert new[0] == old[0]
    assert [row[1] for row in new[1:]] == ["0"] * 12
    assert [[row[0], *row[2:]] for row in new] == [[row[0], *row[2:]] for row in old]
    assert new[1][3] == "'=a.png"


def test_whoever_removes_the_last_correction_takes_it_back(tmp_path):
    run = run_in(tmp_path / "run")
    corrections.merge(run, (0, 1))
    corrections.merge(run, (0, 2))
    shutil.rmtree(run / "corrections" / "2")
    (run / "corrections" / "2").mkdir()  # as a kill leaves it
    np.testing.assert_array_equal(corrections.current(run).labels, np.where(FULL == 1, 0, FULL))
    third = corrections.merge(run, (0, 2))
    assert third.name == "3"
    assert set(labels_of(third)) == {0}


def test_samples_left_out_stay_left_out(tmp_path):
    run = run_in(tmp_path / "run", 0.6)  # the last three
    merged = corrections.merge(run, (1, 2))
    assert labels_of(merged) == [0, 0, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1]
    assert np.load(merged / "all_labels.npy").tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]
    fewer = corrections.reject(run, 0.5)
    assert labels_of(fewer) == [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1]
    said = []
    assert corrections.reject(run, 0.5, say=said.append) == fewer
    assert said == [f"these labels are there already: {fewer / 'labels.npy'}"]
    assert len(list((run / "corrections").iterdir())) == 3  # two and the log


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda run: corrections.merge(run, (1, 7)), "there is no cluster 7; the clusters are 0, 1, 2"),
        (lambda run: corrections.merge(run, (1, 1)), "--merge needs two different clusters at least.*; got 1"),
        (lambda run: corrections.split(run, 3), "--split: there is no cluster 3"),
        (lambda run: corrections.split(run, 0), "--split=0: the cluster has 3 samples; at least 4 are needed"),
        (lambda run: corrections.split(run, 2), "--split=2: all samples of the cluster lie at one place"),
    ],
)
def test_corrections_that_cannot_be_made(tmp_path, act, message):
    run = run_in(tmp_path / "run")
    with pytest.raises(UsageError, match=message):
        act(run)
    assert not (run / "corrections").exists()


def test_runs_that_cannot_be_corrected(tmp_path):
    with pytest.raises(storage.WorkdirError, match="holds no run"):
        corrections.merge(tmp_path / "none", (0, 1))
    assert not (tmp_path / "none").exists()
    run = run_in(tmp_path / "run")
    with lock.hold(run, say=print), pytest.raises(storage.WorkdirError, match="in use"):
        corrections.merge(run, (0, 1))
    content = bytearray((run / "labels.npy").read_bytes())
    content[-4] ^= 1
    (run / "labels.npy").write_bytes(content)
    with pytest.raises(storage.WorkdirError, match=r"labels\.npy is damaged"):
        corrections.merge(run, (0, 1))
    (run / "summary.json").unlink()
    (run / "manifest.json").unlink()
    with pytest.raises(storage.WorkdirError, match="has not finished"):
        corrections.merge(run, (0, 1))
