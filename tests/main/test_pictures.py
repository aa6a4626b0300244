"""The pictures and the summary of odd runs."""

import importlib.metadata
import json
import tracemalloc

import numpy as np
import pytest

import jaxcluster
from jaxcluster import plots
from jaxcluster.data import Dataset
from jaxcluster.protocol import Algorithm, Outputs
from jaxcluster.runtime.trainer import Trained
from jaxcluster.workflow import report
from jaxcluster.workflow.summary import Finished, summarize


def odd_results(n, shape, *, k=2, labels=None, generated=None):
    rng = np.random.default_rng(0)
    clusters = np.arange(n, dtype=np.int32) % k
    outputs = Outputs(clusters, rng.random(n), rng.normal(size=(n, 10)), rng.normal(size=(k, 10)))
    images = rng.integers(0, 256, (n, *shape)).astype(np.uint8)
    dataset = Dataset(images, labels, 0.0, 1 / 255, "odd", None if labels is None else ("a", "b"), None)
    history = [{"phase": "pretrain", "epoch": 0, "loss": 0.5}, {"phase": "finetune", "epoch": 0, "loss": 0.1}]
    trained = Trained({}, {}, {}, history, {"pretrain": 1.0, "finetune": float("nan")})
    return Finished(dataset, trained, outputs, initial=outputs, generated=generated)


def draw(folder, results, **algorithm):
    """The names of the pictures that are drawn, without a complaint."""
    said = []
    algorithm = Algorithm("odd", (), outputs=None, start_phase="pretrain", start_outputs=None, **algorithm)
    report.write_pictures(folder, results, algorithm, say=said.append)
    assert said == []
    return {file.stem for file in folder.iterdir()}


@pytest.mark.parametrize(
    ("results", "missing"),
    [
        (odd_results(1, (4, 4, 1), k=1), {"tsne", "scores"}),
        (odd_results(9, (5, 3, 3), k=10, labels=np.arange(9) % 2), {"scores"}),  # the last cluster is empty
        (odd_results(3, (4, 4, 2), k=3), {"tsne", "typical", "scores"}),
        (odd_results(9, (6,), k=3), {"typical", "scores"}),
    ],
)
def test_pictures_of_odd_runs(tmp_path, results, missing):
    wanted = {"losses", "scores", "pca", "tsne", "typical"} - missing
    if results.dataset.labels is not None:
        wanted.add("confusion")
    assert draw(tmp_path / "pictures", results) == wanted


@pytest.fixture
def no_scatters(monkeypatch):
    """They are computed and not drawn, which is slow; t-SNE is not even computed."""
    monkeypatch.setattr(plots.embedding, "_scatter", lambda *args: None)
    monkeypatch.setattr(plots.embedding, "tsne", lambda *args, **options: None)


def test_pictures_that_only_some_algorithms_have(tmp_path):
    """Generated images and similarities are drawn where there are any: for one sample as well."""
    generated = (np.zeros((3, 4, 4, 1), np.float32), np.arange(3))
    results = odd_results(1, (4, 4, 1), k=1, generated=generated)
    drawn = draw(tmp_path / "pictures", results, similarity=lambda z: np.ones((len(z), len(z))))
    assert drawn == {"losses", "pca", "typical", "generated", "similarity_start", "similarity_end"}


def test_scores_begin_with_those_of_the_initial_clustering(tmp_path, monkeypatch, no_scatters):
    results = odd_results(4, (6,), labels=np.array([0, 1, 0, 0]))  # found as 0, 1, 0, 1
    results.trained.history[-1]["acc"] = 1.0
    begun = []
    monkeypatch.setattr(plots.curves, "scores", lambda *args, initial, **options: begun.append(initial))
    draw(tmp_path / "with", results)
    draw(tmp_path / "without", odd_results(4, (6,)))
    assert begun[0].keys() == {"acc", "nmi", "ari"}
    assert begun[0]["acc"] == 0.75
    assert begun[1] is None


def test_a_summary_knows_the_version_of_a_checkout_that_is_not_installed(monkeypatch):
    version = importlib.metadata.version

    def of_others(name):
        if name == "jaxcluster":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", of_others)
    assert summarize(odd_results(4, (6,)))["versions"]["jaxcluster"] == jaxcluster.__version__


def test_pictures_take_no_second_copy_of_the_images(tmp_path, no_scatters):
    """What else they take does not grow with the images; t-SNE takes none of them."""
    results = odd_results(60_000, (24, 24, 1), k=3)
    copy = 4 * results.dataset.images.size
    tracemalloc.start()
    try:
        drawn = draw(tmp_path / "pictures", results)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert drawn == {"losses", "typical"}
    assert peak < copy / 2


def test_a_summary_has_null_where_a_number_is_not_finite():
    summary = summarize(odd_results(4, (6,)))
    assert summary["seconds"] == {"pretrain": 1.0, "finetune": None}
    json.dumps(summary, allow_nan=False)


def test_how_often_a_probability_is_right_is_told_where_there_are_labels(tmp_path, no_scatters):
    results = odd_results(9, (5, 3, 3), labels=np.arange(9) % 2)
    probabilities = np.tile([0.8, 0.2], (9, 1))
    sure = results.outputs._replace(probabilities=probabilities, confidence=np.full(9, 0.8))
    told = results._replace(outputs=sure)
    assert draw(tmp_path / "told", told) - draw(tmp_path / "untold", results) == {"reliability"}
    found = summarize(told)["results"]["calibration"]
    assert found["ece"] == pytest.approx(0.2)
    assert found["bins"] == [{"samples": 9, "confidence": pytest.approx(0.8), "accuracy": 1.0}]
    # The initial clustering is kept: its labels are not those that the probabilities are about.
    kept = told._replace(outputs=sure._replace(others={"network": sure.labels}))
    for other in (results, kept, told._replace(dataset=told.dataset._replace(labels=None))):
        assert "calibration" not in summarize(other)["results"]
