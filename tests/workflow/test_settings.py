"""Settings on their way into a run: what is not given is the default, and nothing given is repaired or dropped."""

import json

import pytest

from jaxcluster import algorithms
from jaxcluster.files.workdir import WorkdirError
from jaxcluster.workflow.predict import load_fitted
from jaxcluster.workflow.settings import UsageError, check_settings, completed, settings_of


def test_what_is_not_given_is_the_default():
    found = settings_of({"algorithm": "aspc", "seed": 7, "pretrain": {"epochs": 3}, "network": {"hidden": [8, 9]}})
    wanted = algorithms.get("aspc").defaults()
    wanted.seed, wanted.pretrain.epochs, wanted.network.hidden = 7, 3, (8, 9)
    assert found.to_dict() == wanted.to_dict()
    assert isinstance(found.network.hidden, tuple)  # JSON has lists only
    check_settings(found)
    assert settings_of(found.to_dict()).to_dict() == found.to_dict()


def test_an_identity_of_an_earlier_version_is_completed_and_keeps_its_data():
    old = {"config": {"algorithm": "aspc", "initial": {"restarts": 3}}, "data": {"samples": 5}}
    found = completed(old)
    assert found["data"] == old["data"]
    assert found["config"]["initial"]["n_init"] == 3
    assert found["config"]["seed"] == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seed": {}}, r"^config\.seed must be a whole number between 0 and 4,294,967,295, got \{\}$"),
        ({"network": 3}, r"^config\.network must be a group of fields \(embedding, hidden\), got 3$"),
        ({"network": {"depth": 3}}, r"^config\.network\.depth is no field; config\.network has embedding, hidden$"),
        ({"pretrain": {"learning_rate": 10**400}}, r"^config\.pretrain\.learning_rate must be a number between 0 and"),
        ({"pretrain": {"augment": 1}}, r"^config\.pretrain\.augment must be true or false, got 1$"),
        ({"n_clusters": 10**6 + 1}, r"^config\.n_clusters must be a whole number between 1 and 1,000,000"),
    ],
)
def test_what_is_given_is_not_repaired(given, message):
    with pytest.raises(UsageError, match=message):
        check_settings(settings_of({"algorithm": "aspc"} | given))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"network": {"hidden": [0]}}, r"config\.network\.hidden must be a tuple of positive widths"),
        ({"network": {"hidden": [10**12]}}, r"config\.network\.hidden must be a tuple of positive widths"),
        ({"network": 3}, r"config\.network must be a group"),
        ({"no_such": 3}, r"config\.no_such is no field"),
        ({"initial": {"restarts": 3, "n_init": 4}}, r"config\.initial\.restarts is the old name of"),
    ],
)
def test_the_settings_of_somebody_elses_run_are_checked_before_a_model_is_built(tmp_path, given, message):
    data = {"samples": 5, "shape": [4, 5, 1], "dtype": "uint8", "checksum": 1, "offset": 0.0, "scale": 0.5}
    identity = {"config": {"algorithm": "aspc", "seed": 0} | given, "data": data}
    (tmp_path / "config.json").write_text(json.dumps(identity))
    with pytest.raises(WorkdirError, match=r"config\.json is damaged: " + message):
        load_fitted(tmp_path)


def test_a_run_of_a_method_that_is_not_here_is_not_called_damaged(tmp_path):
    data = {"samples": 5, "shape": [4, 5, 1], "dtype": "uint8", "checksum": 1, "offset": 0.0, "scale": 0.5}
    (tmp_path / "config.json").write_text(json.dumps({"config": {"algorithm": "theirs", "seed": 0}, "data": data}))
    with pytest.raises(WorkdirError, match=r"is a run of 'theirs', .* Import the package that registers it"):
        load_fitted(tmp_path)


def test_the_number_of_samples_counts_where_it_is_known():
    config = settings_of({"algorithm": "aspc", "n_clusters": 6})
    check_settings(config)
    check_settings(config, 6)
    with pytest.raises(
        UsageError, match=r"^config\.n_clusters must be at most the number of samples, got 6 .* 5 samples$"
    ):
        check_settings(config, 5)
