"""What estimators promise beyond scikit-learn's checks: images, the command line's folders, seeds, early stops."""

import json
import os
import pickle
import signal
import threading
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import normalized_mutual_info_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import jaxcluster
from jaxcluster import ASPC, ClusterGAN, DeepClusterer, ViewGraph
from jaxcluster.data import DataError
from jaxcluster.estimator.seeds import most_agreeing
from jaxcluster.protocol import Outputs
from jaxcluster.runtime.progress import Reporter
from jaxcluster.workflow import report
from jaxcluster.workflow.predictions import cluster_file
from jaxcluster.workflow.results import Result
from tests.main.commands import command, two_kinds

IMAGES, KINDS = two_kinds((4, 5))
FLAT = IMAGES.reshape(24, -1)
SMALL = {"initial.n_init": 2, "pretrain.batch_size": 8, "finetune.tolerance": 0.0}
UNTRAINED = {"pretrain_epochs": 0, "epochs": 0, "config": SMALL | {"initial.method": "ward"}}  # compiles little


def aspc(**options):
    settings = {"pretrain_epochs": 2, "epochs": 2, "hidden": (8,), "config": SMALL} | options
    return ASPC(2, **settings)


@pytest.fixture(scope="module")
def fitted():
    return aspc().fit(IMAGES)


@pytest.fixture
def no_pictures(monkeypatch):
    """Of a run with a workdir: they take longer than all else."""
    monkeypatch.setattr(report, "write_pictures", lambda *args, **options: None)


def test_images_of_every_form_give_the_same(fitted):
    assert fitted.labels_.shape == (24,)
    assert fitted.embedding_.shape == (24, 10)
    assert fitted.cluster_centers_.shape == (2, 10)
    assert fitted.n_features_in_ == 20
    assert fitted.n_iter_ == 2
    assert [record["phase"] for record in fitted.history_] == ["pretrain"] * 2 + ["finetune"] * 2
    np.testing.assert_array_equal(fitted.predict(IMAGES), fitted.labels_)
    np.testing.assert_array_equal(fitted.transform(IMAGES), fitted.embedding_)
    flat = aspc(image_shape=(4, 5)).fit(FLAT)
    for other in (flat, aspc().fit(IMAGES[..., None].tolist())):
        np.testing.assert_array_equal(other.embedding_, fitted.embedding_)
    np.testing.assert_array_equal(flat.predict(FLAT), flat.labels_)


def test_one_seed_decides_everything(fitted):
    np.testing.assert_array_equal(aspc().fit(IMAGES).embedding_, fitted.embedding_)
    assert not np.array_equal(aspc(random_state=1).fit(IMAGES).embedding_, fitted.embedding_)
    generator = np.random.RandomState(3)
    a, b = (aspc(random_state=generator).fit(IMAGES).embedding_ for _ in range(2))
    assert not np.array_equal(a, b)


def test_pickle_clone_and_a_pipeline(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(IMAGES), fitted.labels_)
    with pytest.raises(NotFittedError):
        clone(fitted).predict(IMAGES)
    labels = make_pipeline(StandardScaler(), aspc(**UNTRAINED)).fit_predict(FLAT)
    assert set(labels) <= {0, 1}
    all_of_them = np.arange(24)  # other numbers of samples would be compiled anew
    search = GridSearchCV(aspc(image_shape=(4, 5)), {"random_state": [0, 1]}, cv=[(all_of_them, all_of_them)]).fit(FLAT)
    assert -1 <= search.best_score_ <= 1
    assert search.cv_results_["mean_test_score"][0] == fitted.score(IMAGES)


def test_a_saved_folder_is_one_that_the_command_line_reads(fitted, tmp_path):
    fitted.save(tmp_path / "run")
    loaded = jaxcluster.load(tmp_path / "run")
    assert isinstance(loaded, ASPC)
    np.testing.assert_array_equal(loaded.labels_, fitted.labels_)
    np.testing.assert_array_equal(loaded.predict(IMAGES), fitted.labels_)
    assert loaded.history_ == fitted.history_
    np.save(tmp_path / "new.npy", IMAGES)
    said = command(f"--predict={tmp_path / 'new.npy'}", f"--workdir={tmp_path / 'run'}")
    assert said.code == 0, said.text
    np.testing.assert_array_equal(np.load(tmp_path / "run" / "predictions" / "new" / "labels.npy"), fitted.labels_)
    with pytest.raises(ValueError, match=r"belongs to a run with other settings"):
        aspc(random_state=1).fit(IMAGES).save(tmp_path / "run")


def test_a_run_of_the_command_line_is_loaded(tmp_path, fitted):
    """The same settings and the same seed: the same clustering, from the shell and from Python."""
    np.save(tmp_path / "x.npy", IMAGES)
    words = [f"--config.{name}={value}" for name, value in SMALL.items()]
    said = command(
        "--config=aspc_digits", "--config.data.name=", f"--config.data.path={tmp_path / 'x.npy'}",
        "--config.n_clusters=2", "--config.network.hidden=(8,)", "--config.pretrain.epochs=2",
        "--config.finetune.epochs=2", "--config.finetune.batch_size=256", "--config.initial.method=kmeans", *words,
        f"--workdir={tmp_path / 'run'}", "--nopictures", "--quiet",
    )  # fmt: skip
    assert (said.code, said.text) == (0, "")
    loaded = jaxcluster.load(tmp_path / "run")
    np.testing.assert_array_equal(loaded.labels_, fitted.labels_)
    np.testing.assert_array_equal(loaded.predict(IMAGES), fitted.labels_)
    assert loaded.get_params()["n_clusters"] == 2


def test_a_loaded_model_knows_its_columns(tmp_path):
    """In another order they are refused, as by the model in memory; a result of the workflow puts them in order."""
    frame = pd.DataFrame(FLAT[:, :5], columns=list("abcde"))
    wide, text = frame.assign(f="x"), frame.astype(float)
    text.loc[3, "b"] = np.nan
    fitted = aspc(**UNTRAINED).fit(frame)
    fitted.save(tmp_path / "run")
    loaded = jaxcluster.load(tmp_path / "run")
    for model in (fitted, loaded):
        np.testing.assert_array_equal(model.predict(frame), fitted.labels_)
        with pytest.raises(ValueError, match="Feature names must be in the same order as they were in fit"):
            model.predict(frame[list("edcba")])
    np.testing.assert_array_equal(loaded.result_.predict(wide[list("fedcba")]).labels, fitted.labels_)
    with pytest.raises(DataError, match="X: no column 'a', which the model was fitted on"):
        loaded.result_.predict(frame[list("bcde")])
    assert fitted.fit(IMAGES).n_features_in_ == 20  # and fitted again it knows new ones
    with pytest.raises(DataError, match="X: columns hold no numbers: f; leave them out"):
        aspc().fit(wide)
    with pytest.raises(DataError, match=r"1 of 120 values are NaN .* row 3, column 'b'"):
        aspc().fit(text)


def test_a_workdir_is_gone_on_with(tmp_path, fitted, no_pictures):
    estimator = aspc(workdir=tmp_path / "run").fit(IMAGES)
    np.testing.assert_array_equal(estimator.labels_, fitted.labels_)
    before = (tmp_path / "run" / "labels.npy").stat().st_mtime_ns
    np.testing.assert_array_equal(aspc(workdir=tmp_path / "run").fit(IMAGES).labels_, fitted.labels_)
    assert (tmp_path / "run" / "labels.npy").stat().st_mtime_ns == before
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["results"]["cluster_sizes"]


def test_below_a_confidence_labels_are_minus_one_in_fit_and_predict(fitted):
    least = float(np.median(fitted.confidence_))
    estimator = aspc(min_confidence=least).fit(IMAGES)
    np.testing.assert_array_equal(estimator.all_labels_, fitted.labels_)
    np.testing.assert_array_equal(estimator.labels_, np.where(fitted.confidence_ >= least, fitted.labels_, -1))
    np.testing.assert_array_equal(estimator.predict(IMAGES) >= 0, estimator.labels_ >= 0)
    assert estimator.score(IMAGES) == fitted.score(IMAGES)
    with pytest.raises(ValueError, match=r"min_confidence must be a number between 0 and 1, got 2"):
        aspc(min_confidence=2).fit(IMAGES)


@pytest.mark.parametrize("end", [1, 3])
def test_a_callback_sees_every_epoch_and_may_stop(end):
    seen = []
    estimator = aspc(callbacks=[lambda record: seen.append(record) or len(seen) == end]).fit(IMAGES)
    assert [record["phase"] for record in seen] == ["pretrain", "pretrain", "finetune"][:end]
    assert estimator.labels_.shape == (24,)
    assert estimator.history_ == seen


def test_ctrl_c_gives_what_has_been_fitted_so_far(capfd):
    def press(record):
        if record["epoch"] == 1:
            threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGINT)).start()

    before = signal.getsignal(signal.SIGINT)
    with pytest.warns(UserWarning, match=r"interrupted in pretrain, epoch \d+; this is what has been fitted so far"):
        estimator = aspc(pretrain_epochs=100_000, callbacks=[press], verbose=1).fit(IMAGES)
    assert 2 <= len(estimator.history_) < 100_000
    assert "interrupted; this is what has been fitted so far" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGINT) == before


def result(labels, loss):
    outputs = Outputs(np.asarray(labels), None, None, None)
    return Result(outputs, None, None, [{"loss": loss}], {}, None)


def test_of_several_runs_the_one_that_agrees_best_is_kept():
    good, renamed, bad = [0, 0, 1, 1, 2, 2], [2, 2, 0, 0, 1, 1], [0, 1, 0, 1, 0, 1]
    assert most_agreeing([result(bad, 0.1), result(good, 0.3), result(renamed, 0.2)]) == 2  # the lower loss of the two
    assert most_agreeing([result(good, 0.3), result(bad, 0.1), result(good, 0.3)]) == 0
    assert most_agreeing([result(good, 0.3), result(bad, 0.1)]) == 1


def test_several_seeds_are_trained():
    estimator = aspc(n_init=2, random_state=5).fit(IMAGES)
    found = estimator.summary_["n_init"]
    assert found["seeds"] == [5, 6]
    assert found["kept"] == estimator.summary_["config"]["seed"]
    # Two runs agree equally, each with the other.
    labels = [aspc(random_state=seed).fit(IMAGES).labels_ for seed in (5, 6)]
    np.testing.assert_allclose(found["agreement"], [normalized_mutual_info_score(*labels)] * 2)


@pytest.mark.parametrize("second", ["one press", "two presses"])
def test_ctrl_c_ends_all_seeds_and_keeps_what_there_is(second):
    def press(record):
        begun[-1] += 1
        if len(begun) == 2 and begun[-1] == 2:
            os.kill(os.getpid(), signal.SIGINT)
            if second == "two presses":
                os.kill(os.getpid(), signal.SIGINT)

    def begin(record):
        if record["phase"] == "pretrain" and record["epoch"] == 0:
            begun.append(0)

    begun = []
    with warnings.catch_warnings(record=True) as said:
        estimator = aspc(n_init=5, callbacks=[begin, press]).fit(IMAGES)
    assert len(begun) == 2
    assert len(said) <= 1  # of the interruption, where the interrupted seed is the one that is kept
    assert estimator.summary_.get("n_init", {"seeds": [0]})["seeds"] == ([0, 1] if second == "one press" else [0])


def test_a_seed_that_fails_is_left_out():
    def fail(record):
        begun.extend([0] * (record["phase"] == "pretrain" and record["epoch"] == 0))
        if len(begun) in bad:
            raise jaxcluster.TrainingError("the loss is nan")

    begun, bad = [], {1, 3}
    with pytest.warns(UserWarning, match="seed . is left out: the loss is nan") as said:
        estimator = aspc(n_init=3, callbacks=[fail]).fit(IMAGES)
    assert [str(warning.message)[:6] for warning in said] == ["seed 0", "seed 2"]
    np.testing.assert_array_equal(estimator.labels_, aspc(random_state=1).fit(IMAGES).labels_)
    begun, bad = [], {1, 2}
    with pytest.raises(jaxcluster.TrainingError, match="nan"), pytest.warns(UserWarning, match="seed 0 is left out"):
        aspc(n_init=2, callbacks=[fail]).fit(IMAGES)


def test_a_workdir_that_is_interrupted_says_where_it_is_saved(tmp_path, no_pictures):
    press = [lambda record: os.kill(os.getpid(), signal.SIGINT)]
    with pytest.raises(
        jaxcluster.Interrupted, match=f"SIGINT: saved in {tmp_path}/run; the same call goes on"
    ) as caught:
        aspc(workdir=tmp_path / "run", callbacks=press).fit(IMAGES)
    assert isinstance(caught.value, KeyboardInterrupt)  # which `except Exception` lets pass
    assert len(aspc(workdir=tmp_path / "run").fit(IMAGES).history_) > 1


@pytest.fixture(scope="module")
def graph():
    """Two epochs of the classifier put all samples into one cluster; the partition of the graph is kept."""
    config = {"network.hidden": (8,), "partition.n_init": 1, "graph.n_vector_neighbors": 4}
    graph = ViewGraph(2, epochs=2, config=config)
    with pytest.warns(UserWarning, match="labels_ are the clusters from before training, .* predict, .* network's"):
        return graph.fit(FLAT)


def test_labels_from_before_training_come_with_a_warning(tmp_path, capsys, graph):
    assert graph.summary_["results"]["kept"] == "initial"
    assert (graph.predict(FLAT) != graph.labels_).any()
    graph.save(tmp_path / "run")
    np.save(tmp_path / "new.npy", FLAT)
    folder = cluster_file(str(tmp_path / "new.npy"), tmp_path / "run", Reporter())
    assert "warning: predicted are the clusters of the trained network;" in capsys.readouterr().err
    np.testing.assert_array_equal(np.load(folder / "labels.npy"), graph.predict(FLAT))


def test_probabilities_where_a_method_gives_them(fitted, graph):
    assert not hasattr(fitted, "predict_proba")
    proba = graph.predict_proba(FLAT)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(proba.argmax(axis=1), graph.predict(FLAT))


@pytest.mark.parametrize(
    ("estimator", "X", "message"),
    [
        (ASPC(True), IMAGES, "n_clusters must be a whole number"),
        (ASPC(2.0), IMAGES, "n_clusters must be a whole number"),
        (ASPC("three"), IMAGES, "n_clusters must be a whole number"),
        (ASPC(25), IMAGES, "config.n_clusters must be at most the number of samples, got 25 clusters for 24 samples"),
        (ASPC("auto"), IMAGES, "config.n_clusters must be a whole number between 1 and"),
        (ASPC(2, variant="wdie"), IMAGES, "variant must be one of paper, wide, got 'wdie'"),
        (ASPC(2, n_init=0), IMAGES, "n_init must be a whole number, at least 1, got 0"),
        (ASPC(2, epochs=-7), IMAGES, "config.finetune.epochs must be a whole number between -1 and"),
        (ASPC(2, config={"finetune.epoch": 1}), IMAGES, "config.finetune.epoch is no field; config.finetune has"),
        (ASPC(2, config="aspc_dgits"), IMAGES, "no such file, and no config of this name"),
        (ASPC(2, config="clustergan_digits"), IMAGES, "config is one of 'clustergan'; ASPC needs 'aspc'"),
        (ClusterGAN(2, code_size=1), IMAGES, "config.m must be"),
        (DeepClusterer("kmeans", 2), IMAGES, "config.algorithm must be one of viewgraph, aspc, "),
        (ASPC(2), IMAGES[0, 0], "Expected 2D array, got 1D array"),
        (ASPC(2), IMAGES[:0], "0 sample"),
        (ASPC(2), IMAGES * np.nan, "NaN"),
        (ASPC(2), np.ones((9, 4, 4)), "constant"),
        (
            ASPC(2),
            np.zeros((2, 2, 2, 2, 2)),
            r"^X must be \[n, h, w\], .* or \[n, d\], got an array of shape \(2, 2, 2, 2, 2\)$",
        ),
    ],
)
def test_what_cannot_work_gets_one_sentence(estimator, X, message):
    with pytest.raises((ValueError, TypeError), match=message) as refused:
        estimator.fit(X)
    assert "\n" not in str(refused.value) or "1D array" in message


def test_another_shape_at_predict_is_refused(fitted):
    with pytest.raises(DataError, match=r"a sample has shape \(5, 4, 1\), but the model was fitted on \(4, 5, 1\)"):
        fitted.predict(IMAGES.transpose(0, 2, 1))


def test_fit_with_a_config_and_with_a_name(tmp_path):
    config = {"algorithm": "aspc", "n_clusters": 2, "pretrain": {"epochs": 0}, "finetune": {"epochs": 0}}
    config |= {"network": {"hidden": (8,)}, "initial": {"method": "ward"}}
    found = jaxcluster.fit(config, IMAGES, KINDS, workdir=tmp_path / "run", verbose=False, pictures=False)
    assert found.summary["results"]["scoring"].keys() == {"acc", "nmi", "ari"}
    np.testing.assert_array_equal(found.predict(IMAGES).labels, found.labels)
    assert (tmp_path / "run" / "labels.npy").exists()
    with pytest.raises(ValueError, match="no config of this name"):
        jaxcluster.fit("aspc_dgits")
