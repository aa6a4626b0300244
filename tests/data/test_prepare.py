"""The command that needs TensorFlow, up to the point where it does."""

import importlib.util

import pytest

from jaxcluster.data import prepare


def test_without_tensorflow_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert prepare.main(["mnist"]) == 1
    assert capsys.readouterr().err == "error: preparing needs TensorFlow: pip install 'jaxcluster[prepare]'\n"


@pytest.mark.parametrize("options", [["--data_dir=D"], []], ids=["option", "environment"])
def test_it_prepares_array_records_where_they_are_looked_for(monkeypatch, capsys, options):
    import tensorflow_datasets as tfds

    asked = []

    class Builder:
        data_path = "D/mnist/3.0.1"

        def __init__(self, name, **how):
            asked.append((name, how))

        def download_and_prepare(self):
            asked.append("prepared")

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "here")
    monkeypatch.setenv("TFDS_DATA_DIR", "E" if options else "D")
    monkeypatch.setattr(tfds, "builder", Builder)
    assert prepare.main(["mnist", *options]) == 0
    assert asked == [("mnist", {"data_dir": "D", "file_format": "array_record"}), "prepared"]
    assert capsys.readouterr().out == "mnist: prepared in D/mnist/3.0.1\n"


def test_a_failure_is_one_error_and_a_status(monkeypatch, capsys):
    def fail(name, data_dir):
        raise OSError("no network")

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "here")
    monkeypatch.setattr(prepare, "prepare", fail)
    assert prepare.main(["mnist"]) == 1
    assert capsys.readouterr().err == "error: 'mnist' was not prepared (OSError: no network)\n"
