"""Ranking runs without labels: a run that no other agrees with comes last."""

import json

import numpy as np
import pytest

from jaxcluster.files import manifest
from jaxcluster.workflow import agreement


def runs(tmp_path, **clusterings):
    for name, labels in clusterings.items():
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "labels.npy", labels)
    return [tmp_path / name for name in clusterings]


def test_the_odd_one_out_comes_last(tmp_path, capsys):
    good = np.repeat([0, 1, 2, 3], 25)
    renamed = np.array([2, 3, 1, 0])[good]  # the same clusters under other numbers
    merged = np.where(good == 1, 0, good)
    folders = runs(tmp_path, merged=merged, good=good, renamed=renamed)
    np.save(tmp_path / "good" / "blocks.npy", good)
    assert agreement.main([*map(str, folders), "--out", str(tmp_path / "out.json")]) == 0
    found = json.loads((tmp_path / "out.json").read_text())
    assert [entry["run"] for entry in found][-1] == "merged"
    figures = {entry["run"]: entry for entry in found}
    assert figures["good"]["evenness"] == pytest.approx(1)
    assert figures["merged"]["evenness"] < 1
    assert figures["good"]["blocks"] == pytest.approx(1)
    # merged against good: H(merged) = 1.5 bits of H(good) = 2, all of it shared; arithmetic mean 1.75
    assert figures["merged"]["agreement"] == pytest.approx(1.5 / 1.75)
    assert "merged" in capsys.readouterr().out


def test_what_cannot_be_compared_is_refused(tmp_path, capsys):
    one, other = runs(tmp_path, one=np.zeros(3, int), other=np.zeros(4, int))
    assert agreement.main([str(one), str(other)]) == 2
    assert "need two or more clusterings of the same samples, got [3, 4]" in capsys.readouterr().err
    assert agreement.main([str(one), str(tmp_path / "none")]) == 2
    assert "none has no labels.npy: no finished run" in capsys.readouterr().err
    (tmp_path / "out.json").write_text("")
    assert agreement.main([str(one), str(one), "--out", str(tmp_path / "out.json")]) == 2
    assert "out.json exists; nothing is overwritten" in capsys.readouterr().err
    assert agreement.main([str(one), str(one), "--out", str(tmp_path / "no" / "out.json")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_runs_on_other_data_are_refused(tmp_path, capsys):
    folders = runs(tmp_path, one=np.arange(40) % 2, other=np.arange(40) % 2, unknown=np.arange(40) % 2)
    data = {"samples": 40, "shape": [4, 4, 1], "checksum": 1}
    (folders[0] / "config.json").write_text(json.dumps({"config": {}, "data": data}))
    (folders[1] / "config.json").write_text(json.dumps({"config": {}, "data": data}))
    assert agreement.main(list(map(str, folders))) == 0  # of the third nothing is known
    (folders[1] / "config.json").write_text(json.dumps({"config": {}, "data": data | {"checksum": 2}}))
    for arguments in (folders, [folders[2], *folders[:2]]):
        assert agreement.main(list(map(str, arguments))) == 2
        assert f"{folders[1]} is of other data than {folders[0]}: checksum differ" in capsys.readouterr().err
    (folders[1] / "config.json").write_text("{")
    assert agreement.main(list(map(str, folders))) == 2
    assert "config.json is damaged: it does not say which data the run is of" in capsys.readouterr().err


@pytest.mark.parametrize("labels", [np.zeros((3, 2), int), np.zeros(3), np.zeros(0, int), np.array(["a"])])
def test_what_holds_no_labels_is_refused(tmp_path, capsys, labels):
    one, other = runs(tmp_path, one=np.zeros(3, int), other=labels)
    assert agreement.main([str(one), str(other)]) == 2
    assert "other/labels.npy holds no labels, whole numbers [n]" in capsys.readouterr().err
    (other / "labels.npy").write_bytes(b"\x93NUMPY\x01")
    assert agreement.main([str(one), str(other)]) == 2
    assert "other/labels.npy cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["labels.npy", "blocks.npy", "config.json"])
def test_a_damaged_run_is_ranked_by_nothing(tmp_path, capsys, name):
    """Another label here and there is a good array still: only the checksum tells."""
    one, other = runs(tmp_path, one=np.arange(40) % 2, other=np.arange(40) % 2)
    np.save(other / "blocks.npy", np.arange(40) % 2)
    (other / "config.json").write_text(json.dumps({"config": {}, "data": {"samples": 40}}))
    manifest.enter(other, [other / "labels.npy", other / "blocks.npy", other / "config.json"])
    assert agreement.main([str(one), str(other)]) == 0
    content = (other / name).read_bytes()
    (other / name).write_bytes(content.replace(b"40", b"41") if name == "config.json" else content[:-8] + bytes(8))
    assert agreement.main([str(one), str(other)]) == 2
    assert f"{other / name} is damaged: its checksum does not match its contents" in capsys.readouterr().err
    (other / name).unlink()
    assert agreement.main([str(one), str(other)]) == 2
    assert f"{other / name} is missing" in capsys.readouterr().err
