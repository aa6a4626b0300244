"""clusters.parquet: raw names, a probability per cluster, and nothing where pyarrow is absent."""

import sys

import numpy as np
import pytest

from jaxcluster.files.parquet import write_parquet
from jaxcluster.protocol import Outputs
from jaxcluster.workflow import report

parquet = pytest.importorskip("pyarrow.parquet")

LABELS = np.array([1, -1, 0], np.int32)
CONFIDENCE = np.array([0.9, 0.1, 0.5], np.float32)
PROBABILITIES = np.array([[0.1, 0.9], [0.55, 0.45], [0.75, 0.25]], np.float32)


def test_names_are_raw_and_each_cluster_has_its_column(tmp_path):
    names = ("=1+1", "@x,y\n", "plain")
    assert write_parquet(tmp_path / "clusters.parquet", LABELS, CONFIDENCE, names, PROBABILITIES)
    table = parquet.read_table(tmp_path / "clusters.parquet").to_pydict()
    assert list(table) == ["index", "cluster", "confidence", "file", "probability_0", "probability_1"]
    assert table["file"] == list(names)
    assert table["index"] == [0, 1, 2]
    assert table["cluster"] == LABELS.tolist()
    np.testing.assert_array_equal(np.column_stack([table["probability_0"], table["probability_1"]]), PROBABILITIES)
    assert table["confidence"] == CONFIDENCE.tolist()  # all digits


def test_names_that_are_no_utf_8_keep_their_bytes(tmp_path):
    assert write_parquet(
        tmp_path / "x.parquet", LABELS, CONFIDENCE, (b"gr\xfcn".decode(errors="surrogateescape"), "b", "c")
    )
    assert parquet.read_table(tmp_path / "x.parquet")["file"].to_pylist() == [b"gr\xfcn", b"b", b"c"]


def test_without_pyarrow_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert not write_parquet(tmp_path / "x.parquet", LABELS, CONFIDENCE, None)
    assert not (tmp_path / "x.parquet").exists()


def test_the_networks_probabilities_do_not_stand_beside_the_initial_clusters(tmp_path):
    outputs = Outputs(LABELS, CONFIDENCE, np.zeros((3, 2)), np.zeros((2, 2)), probabilities=PROBABILITIES)
    for folder, others in (("own", None), ("initial", {"network": 1 - LABELS})):
        (tmp_path / folder).mkdir()
        report.write_outputs(tmp_path / folder, outputs._replace(others=others), None)
        columns = parquet.read_table(tmp_path / folder / "clusters.parquet").column_names
        assert ("probability_0" in columns) == (folder == "own")
