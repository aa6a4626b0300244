"""The trainer and its checkpoints: killed, damaged or out of reach, a run goes on from the last good one."""

import io
import shutil

import pytest

from jaxcluster.files import checkpoint, storage
from jaxcluster.runtime import trainer
from jaxcluster.runtime.progress import Reporter
from jaxcluster.runtime.signals import Interrupted
from tests.runtime import toy
from tests.runtime.training import IMAGES, N, Poll, figures, train


def test_a_checkpoint_holds_the_sums_of_its_own_steps(tmp_path, monkeypatch):
    """It is written in the background, while training goes on and adds to them."""
    monkeypatch.setattr(trainer, "CALL_SECONDS", 0.0)
    cursors = []
    monkeypatch.setattr(checkpoint.Checkpoints, "save", lambda self, state, cursor, first: cursors.append(cursor))
    train(tmp_path, checkpoint_seconds=0.0)
    inside = [cursor for cursor in cursors if cursor["step"]]
    assert {cursor["step"] for cursor in inside} == {1, 2, 3, 4}  # 4: in the pass over all samples after the steps
    batch_size = toy.algorithm(N).phases[0].batch_size
    seen = [min(cursor["step"] * batch_size, N) for cursor in inside]
    assert [cursor["sums"]["loss"][1] for cursor in inside] == seen


def test_a_kill_loses_only_what_came_after_the_last_checkpoint(tmp_path):
    """An exception that nobody expects, as a stand-in for a kill; records beyond the checkpoint are dropped."""

    class Killed(BaseException):
        pass

    whole = train(tmp_path / "whole")
    calls = []

    def score(labels):
        calls.append(1)
        if len(calls) == 3:
            raise Killed
        return {"acc": float(labels.mean()), "nmi": 0.5}

    with pytest.raises(Killed):
        trainer.train(
            toy.algorithm(N), IMAGES, seed=0, workdir=tmp_path / "run", reporter=Reporter(io.StringIO()),
            poll=Poll(), score=score, checkpoint_seconds=1e9,
        )  # fmt: skip
    resumed = train(tmp_path / "run")
    assert figures(resumed.history) == figures(whole.history)
    assert resumed.model["x"] == whole.model["x"]


@pytest.mark.parametrize("back_at", [9, 12])  # 12: the last poll, which interrupts
def test_checkpoints_that_cannot_be_reached_for_a_while_are_told_and_opened_again(tmp_path, back_at, monkeypatch):
    """As a bucket behind a network that is down: nothing can be written, nor the folder be looked through."""
    monkeypatch.setattr(trainer, "CALL_SECONDS", 0.0)
    whole = train(tmp_path / "whole")

    class Down(Poll):
        """At some of the calls the network is down."""

        def reach(self, call):
            def reached(*arguments, **options):
                if 5 <= self.calls < back_at:
                    raise OSError(101, "Network is unreachable")
                return call(*arguments, **options)

            return reached

    down = Down(12)
    monkeypatch.setattr(checkpoint.ocp.CheckpointManager, "save", down.reach(checkpoint.ocp.CheckpointManager.save))
    monkeypatch.setattr(storage, "make_folder", down.reach(storage.make_folder))

    said, again = io.StringIO(), io.StringIO()
    with pytest.raises(Interrupted):
        train(tmp_path / "run", poll=down, said=said, checkpoint_seconds=0.0)
    lines = said.getvalue().splitlines()
    assert lines.count(told("Network is unreachable")) == 1
    gone = f"{tmp_path / 'run' / 'checkpoints'} cannot be read: Network is unreachable"
    assert lines.count(told(gone)) == back_at - 6
    resumed = train(tmp_path / "run", said=again)
    assert "continuing in one at epoch 3" in again.getvalue()
    assert resumed.model["x"] == whole.model["x"]
    assert figures(resumed.history) == figures(whole.history)


def told(reason):
    kept = "the last good one is kept, and the next is tried at the usual time"
    return f"a checkpoint could not be written ({reason}); {kept}"


@pytest.mark.parametrize(
    "gone", ["*/*", *(pytest.param(each, marks=pytest.mark.long) for each in ("state/*", "_CHECKPOINT_METADATA"))]
)
def test_an_old_checkpoint_half_removed_stands_in_no_ones_way(tmp_path, gone):
    """A kill while the oldest one was removed to make room; the run goes on from the newest, and removes the rest."""
    whole = train(tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(tmp_path / "run", poll=Poll(4), checkpoint_seconds=0.0)
    folders = sorted((tmp_path / "run" / "checkpoints").iterdir(), key=lambda folder: int(folder.name))
    assert len(folders) == 3
    for path in folders[0].glob(gone):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    said = io.StringIO()
    resumed = train(tmp_path / "run", said=said)
    assert "cannot be read" not in said.getvalue()
    assert resumed.model["x"] == whole.model["x"]
    assert not folders[0].exists()


@pytest.mark.parametrize(
    "damage", ["flip", *(pytest.param(each, marks=pytest.mark.long) for each in ("truncate", "remove"))]
)
def test_a_damaged_checkpoint_is_passed_over_and_it_is_said(tmp_path, damage, monkeypatch):
    monkeypatch.setattr(trainer, "CALL_SECONDS", 0.0)
    whole = train(tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(tmp_path / "run", poll=Poll(14), checkpoint_seconds=0.0)
    newest = max((tmp_path / "run" / "checkpoints").iterdir(), key=lambda folder: int(folder.name))
    for file in (newest / "state").rglob("*"):
        if file.is_file():
            content = bytearray(file.read_bytes())
            if damage == "remove":
                file.unlink()
            elif damage == "truncate":
                file.write_bytes(content[: len(content) // 2])
            elif content:
                content[len(content) // 2] ^= 255
                file.write_bytes(content)
    said = io.StringIO()
    resumed = train(tmp_path / "run", said=said)
    assert f"checkpoints/{newest.name} cannot be read" in said.getvalue().replace("\n", "")
    assert resumed.model["x"] == whole.model["x"]
