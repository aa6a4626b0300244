"""Event files for TensorBoard."""

import pytest

from jaxcluster.workflow.events import Events
from jaxcluster.workflow.settings import UsageError

RECORDS = [
    {"phase": "pretrain", "phase_index": 0, "epoch": 0, "loss": 0.5},
    {"phase": "pretrain", "phase_index": 0, "epoch": 1, "loss": 0.25},
    {"phase": "finetune", "phase_index": 1, "epoch": 0, "loss": float("nan"), "acc": 1.0, "note": "text"},
]


def test_each_finite_figure_is_a_scalar_of_its_phase(tmp_path):
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    with Events(tmp_path / "tensorboard") as events:
        assert not (tmp_path / "tensorboard").exists()  # a workdir must be empty when a run takes it
        for record in RECORDS:
            assert not events(record)  # True would end training
    (file,) = (tmp_path / "tensorboard").iterdir()
    content, found = file.read_bytes(), []
    while content:  # length, its checksum, an event, its checksum
        size = int.from_bytes(content[:8], "little")
        event = Event.FromString(content[12 : 12 + size])
        found += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
        content = content[16 + size :]
    assert found == [("pretrain/loss", 1, 0.5), ("pretrain/loss", 2, 0.25), ("finetune/acc", 1, 1.0)]


def test_without_the_package_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'jaxcluster\[tensorboard\]'"):
        Events("x")


def test_without_a_record_nothing_is_written(tmp_path):
    pytest.importorskip("tensorboardX")
    with Events(tmp_path / "tensorboard"):
        pass
    assert not list(tmp_path.iterdir())
