"""The folder of a run: who may use it, and what is written in it."""

import json

import numpy as np
import pytest

from jaxcluster.files import manifest, workdir
from jaxcluster.files.workdir import WorkdirError

DATA = {"samples": 5, "shape": [2], "dtype": "uint8", "checksum": 1, "offset": 0.0, "scale": 0.5}
CONFIG = {"algorithm": "toy", "seed": 0, "net": {"hidden": (3, 4)}}
IDENTITY = {"config": CONFIG, "data": DATA}


def test_a_new_or_empty_folder_is_claimed_and_claimed_again(tmp_path):
    workdir.claim(tmp_path / "a" / "b", IDENTITY)
    workdir.claim(tmp_path / "a" / "b", IDENTITY)  # the tuple has become a list in JSON: still the same run
    assert json.loads((tmp_path / "a" / "b" / "config.json").read_text())["data"]["samples"] == 5


def test_another_config_is_refused_with_the_fields_that_differ(tmp_path):
    workdir.claim(tmp_path, IDENTITY)
    other = {"config": CONFIG | {"seed": 1}, "data": DATA | {"samples": 6}}
    with pytest.raises(WorkdirError, match=r"config.seed was 0, now 1; data.samples was 5, now 6\. Name another"):
        workdir.claim(tmp_path, other)
    assert json.loads((tmp_path / "config.json").read_text())["config"]["seed"] == 0


def test_strangers_files_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(WorkdirError, match="holds files that are not a run"):
        workdir.claim(tmp_path, IDENTITY)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("left", [".0123456789abcdef.partial", ".lock"])
def test_a_folder_is_claimed_again_after_a_kill_while_it_was_claimed(tmp_path, left):
    (tmp_path / left).write_text('{"conf')
    workdir.claim(tmp_path, IDENTITY)
    assert {file.name for file in tmp_path.iterdir()} == {"config.json", "manifest.json"} | {left} & {".lock"}


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkdirError, match="file/run cannot be written: Not a directory"):
        workdir.claim(tmp_path / "file" / "run", IDENTITY)


def test_no_run_and_damaged_config_are_told_apart(tmp_path):
    with pytest.raises(WorkdirError, match="holds no run"):
        workdir.read_identity(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(WorkdirError, match=r"config\.json is damaged: Expecting"):
        workdir.read_identity(tmp_path)


def test_a_run_that_has_lost_its_settings_is_not_taken_for_a_stranger(tmp_path):
    workdir.claim(tmp_path, IDENTITY)
    (tmp_path / "config.json").unlink()
    for read in (workdir.read_identity, lambda folder: workdir.claim(folder, IDENTITY)):
        with pytest.raises(WorkdirError, match=r"config\.json is missing$"):
            read(tmp_path)


def test_damaged_results_are_made_again_also_beside_a_damaged_model(tmp_path):
    workdir.claim(tmp_path, IDENTITY)
    (tmp_path / "model" / "one").mkdir(parents=True)
    (tmp_path / "model" / "one" / "a").write_text("x")
    manifest.enter(tmp_path, [tmp_path / "model" / "one" / "a"])
    with manifest.sealing(tmp_path):
        workdir.write_json(tmp_path / "summary.json", IDENTITY | {"results": {"cluster_sizes": [5]}})
        workdir.write_json(tmp_path / "labels.npy", [1])
    (tmp_path / "model" / "one" / "a").write_text("y")
    said = []
    assert workdir.read_finished(tmp_path, report=said.append)["results"] == {"cluster_sizes": [5]}
    assert len(said) == 1
    (tmp_path / "labels.npy").write_text("[2]")
    assert workdir.read_finished(tmp_path, report=said.append) is None


def test_damaged_predictions_are_told_and_cost_nothing(tmp_path):
    folder, said = tmp_path / "predictions" / "new", []
    workdir.claim(tmp_path, IDENTITY)
    folder.mkdir(parents=True)
    with manifest.sealing(folder):
        workdir.write_json(folder / "a.json", [1])
    with manifest.sealing(tmp_path):
        workdir.write_json(tmp_path / "summary.json", IDENTITY | {"results": {"cluster_sizes": [5]}})
    assert workdir.read_finished(tmp_path, report=pytest.fail)["results"] == {"cluster_sizes": [5]}
    (folder / "a.json").write_text("[2]")
    assert workdir.read_finished(tmp_path, report=said.append) is not None
    assert said == [f"{folder / 'a.json'} is damaged: its checksum does not match its contents"]
    (folder / manifest.FILE).write_text("{")
    assert workdir.read_finished(tmp_path, report=said.append) is not None
    assert "manifest.json is damaged" in said[1]


def test_csv_names_the_files_of_a_folder(tmp_path):
    file = tmp_path / "clusters.csv"
    workdir.write_csv(file, np.array([2, 0]), np.array([0.5, 1.0]), ("a,b.png", "c.png"))
    assert file.read_text().splitlines() == [
        "index,cluster,confidence,file",
        '0,2,0.500000,"a,b.png"',
        "1,0,1.000000,c.png",
    ]
