"""The trainer: exact resume from any cut, seeds, devices, faults and interruptions."""

import io
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster.files import checkpoint, storage
from jaxcluster.runtime import epochs, trainer
from jaxcluster.runtime.progress import Reporter
from jaxcluster.runtime.signals import Interrupted
from tests.runtime import toy
from tests.runtime.training import IMAGES, N, Poll, figures, train


def test_interrupted_anywhere_it_ends_as_if_it_had_not_been(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "CALL_SECONDS", 0.0)  # one step per call: as many cuts as there can be
    poll = Poll()
    whole = train(tmp_path / "whole", poll=poll)
    assert poll.calls >= 4 * 7  # 4 steps in each of 7 epochs
    for at in range(2, poll.calls, 13):
        folder = tmp_path / str(at)
        with pytest.raises(Interrupted):
            train(folder, poll=Poll(at))
        resumed = train(folder)
        assert resumed.model["x"] == whole.model["x"]
        assert figures(resumed.history) == figures(whole.history)
        lines = (folder / "metrics.jsonl").read_text().splitlines()
        assert figures(map(json.loads, lines)) == figures(whole.history)


def saved_cursor(folder):
    kept = checkpoint.Checkpoints(folder / "checkpoints", report=print)
    cursor = kept.restore(lambda cursor: toy.algorithm(N).phases[cursor["phase"]].template())[1]
    kept.close()
    return cursor


def test_a_signal_is_heard_while_all_samples_are_observed(tmp_path, monkeypatch):
    """In three slices: in the pass after an epoch's last step, which is kept, and in those where a phase begins."""
    monkeypatch.setattr(trainer, "CALL_SECONDS", 0.0)
    monkeypatch.setattr(epochs, "SLICE", 10)
    whole = train(tmp_path / "whole")
    begin, steps = 3 + 3, 4 - 1  # polls of the two passes of phase two's beginning, and between an epoch's steps
    one = 3 * 4
    for at, stands in (
        (one + 1, [0, 3, 0]),
        (one + begin, [0, 3, 0]),
        (one + begin + steps + 2, [1, 0, 4]),
        (one + begin + 4 * (steps + 3 + 1) + 2, [1, 4, 0]),  # in the pass when all is trained
    ):
        folder = tmp_path / str(at)
        with pytest.raises(Interrupted):
            train(folder, poll=Poll(at))
        cursor = saved_cursor(folder)
        assert [cursor["phase"], cursor["epoch"], cursor["step"]] == stands
        resumed = train(folder)
        assert resumed.model["x"] == whole.model["x"]
        assert figures(resumed.history) == figures(whole.history)


def test_observed_slice_by_slice_no_more_than_one_is_waiting(tmp_path, monkeypatch):
    """A device takes calls in advance; polls among calls of which none is done would hear nothing in time."""
    monkeypatch.setattr(epochs, "SLICE", 10)
    bind, asked = epochs.bind_observe, []

    def slow(model, images, key, index):
        waste = jax.lax.fori_loop(0, 50, lambda i, x: jnp.tanh(x @ x), jnp.full((300, 300), model["x"]))
        return {"embedding": images - model["x"] + 0 * waste[0, 0]}

    def bound(*arguments, **options):
        observe = bind(*arguments, **options)

        def noted(*arguments):
            asked.append(observe(*arguments)["embedding"])
            return {"embedding": asked[-1]}

        return noted

    def poll():
        assert all(rows.is_ready() for rows in asked[:-1])

    one, two = toy.algorithm(N).phases
    changed = toy.algorithm(N)._replace(phases=(one, two._replace(observe=slow)))
    monkeypatch.setattr(toy, "algorithm", lambda *_, **__: changed)
    monkeypatch.setattr(epochs, "bind_observe", bound)
    train(tmp_path, poll=poll)
    assert len(asked) == 3 * (2 + 4 + 1)


def test_a_signal_where_a_phase_begins_waits_for_the_last_checkpoint(tmp_path, monkeypatch):
    """The checkpoint at the end of the phase before: where it fails, nothing is said to be saved."""
    monkeypatch.setattr(trainer, "CALL_SECONDS", 0.0)
    finish = checkpoint.Checkpoints.finish
    monkeypatch.setattr(checkpoint.Checkpoints, "finish", lambda self: finish(self) and False)
    message = "^SIGINT: the state could not be saved; the same command goes on from the last good checkpoint$"
    with pytest.raises(storage.StorageError, match=message):
        train(tmp_path, poll=Poll(3 * 4 + 1))


@pytest.mark.parametrize("stride", [1, 3])
def test_how_steps_are_shared_among_calls_changes_no_figure(tmp_path, monkeypatch, stride):
    """The clock decides the shares, so a figure that they changed would differ from run to run."""
    runs = []
    for name, steps in (("whole", 100), ("shared", stride)):
        monkeypatch.setattr(trainer, "_next_stride", lambda *_, steps=steps: steps)
        runs.append(train(tmp_path / name))
    assert figures(runs[0].history) == figures(runs[1].history)


def test_several_devices_train_as_one_and_a_run_may_change_their_number(tmp_path, monkeypatch):
    one = train(tmp_path / "one")
    monkeypatch.setattr(trainer, "CALL_SECONDS", 0.0)
    several = train(tmp_path / "three", devices=3)
    np.testing.assert_allclose(several.model["x"], one.model["x"], rtol=1e-5)
    np.testing.assert_array_equal(several.rows["embedding"].shape, one.rows["embedding"].shape)
    with pytest.raises(Interrupted):
        train(tmp_path / "moved", devices=3, poll=Poll(15))
    moved = train(tmp_path / "moved")
    np.testing.assert_allclose(moved.model["x"], one.model["x"], rtol=1e-5)


def test_the_seed_decides(tmp_path):
    first, again, other = (train(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    assert first.model["x"] == again.model["x"] != other.model["x"]


def test_every_epoch_has_a_key_of_its_own(tmp_path):
    def step(state, batch, key, *, axis_name=None):
        return state, {"loss": (jax.random.uniform(key), jnp.ones(()))}

    algorithm = toy.algorithm(N)
    algorithm = algorithm._replace(phases=tuple(phase._replace(step=step) for phase in algorithm.phases))
    trained = trainer.train(
        algorithm, IMAGES, seed=0, workdir=tmp_path, reporter=Reporter(io.StringIO()), poll=Poll(),
        device_list=jax.local_devices()[:1],
    )  # fmt: skip
    losses = [record["loss"] for record in trained.history]
    assert len(losses) == len(set(losses)) == 3 + 4


def test_nan_stops_and_names_phase_epoch_and_quantity(tmp_path):
    with pytest.raises(trainer.TrainingError, match=r"phase one, epoch 1: loss is nan.*last good checkpoint"):
        train(tmp_path, nan_at=5, checkpoint_seconds=0.0)
    kept = checkpoint.Checkpoints(tmp_path / "checkpoints", report=print)
    state, cursor = kept.restore(lambda cursor: toy.algorithm(N).phases[0].template())
    kept.close()
    assert np.isfinite(state["x"])
    assert cursor["phase"] == 0


def test_nan_parameters_are_never_saved_over_good_ones(tmp_path):
    """The last step of the first phase spoils the state after its loss was taken, and epoch 2 would be the next."""
    with pytest.raises(trainer.TrainingError, match="phase one, epoch 2: the training state is not finite"):
        train(tmp_path, nan_at=7, epochs=(2, 1))


def test_a_fault_stops_and_a_done_ends_the_phase(tmp_path):
    with pytest.raises(trainer.TrainingError, match="phase two, epoch 1: it broke"):
        train(tmp_path / "fault", fault_at=1)
    said = io.StringIO()
    done = train(tmp_path / "done", said=said, done_at=2)
    assert [record["epoch"] for record in done.history if record["phase"] == "two"] == [0, 1, 2]
    assert "it is enough" in said.getvalue()
    unbounded = train(tmp_path / "unbounded", epochs=(1, None), done_at=5)
    assert len(unbounded.history) == 1 + 6


def test_a_phase_of_no_epochs_only_begins(tmp_path):
    trained = train(tmp_path, epochs=(0, 0))
    assert trained.history == []
    assert trained.rows["embedding"].shape == (N, 1)


def test_a_first_model_replaces_the_first_phase(tmp_path):
    model = {"x": np.float32(0.25)}
    trained = trainer.train(
        toy.algorithm(N, epochs=(3, 0)), IMAGES, seed=0, workdir=tmp_path, reporter=Reporter(io.StringIO()),
        poll=Poll(), first_model=model,
    )  # fmt: skip
    assert float(trained.model["x"]) == 0.25


def test_no_device_call_is_planned_beyond_its_share():
    assert trainer._next_stride(1, 1, 0.5) == 2
    assert trainer._next_stride(1, 1, 0.001) == 8  # grows gently: the first call may have been lucky
    assert trainer._next_stride(100, 100, 4.0) == 25
    assert trainer._next_stride(4, 4, 60.0) == 1


@pytest.mark.long  # runs that go on in either phase need it too
def test_template_and_state_agree():
    from jaxcluster.algorithms import aspc

    config = aspc.get_config()
    config.network.hidden = (4,)
    algorithm = aspc.build(config, num_samples=20, sample_shape=(4, 4, 1), offset=0.0, scale=1.0)
    pretrain, finetune = algorithm.phases
    state = pretrain.begin(None, None, None, jax.random.key(0), None)
    rows = {"embedding": jax.random.normal(jax.random.key(1), (20, 10))}
    second = finetune.begin(pretrain.model(state), rows, None, jax.random.key(2), lambda: None)
    for phase, made in ((pretrain, state), (finetune, second)):
        template = phase.template()
        assert jax.tree.structure(template) == jax.tree.structure(made)
        for expected, leaf in zip(jax.tree.leaves(template), jax.tree.leaves(made)):
            assert (expected.shape, expected.dtype) == (leaf.shape, leaf.dtype)
