"""The one trainer: carries any algorithm through its phases, and goes on where an earlier run was stopped."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxcluster.protocol import Algorithm, Phase
from jaxcluster.runtime import checkpoint, devices, epochs, storage
from jaxcluster.runtime.progress import Reporter
from jaxcluster.runtime.workdir import Metrics

__all__ = ["Trained", "TrainingError", "train"]

CALL_SECONDS = 1.0  # aim of one device call; none should last longer than about five


class TrainingError(RuntimeError):
    """Training cannot go on: a quantity is not finite, or the algorithm found a fault."""


class Trained(NamedTuple):
    """What training leaves in memory."""

    model: dict[str, Any]  # of the last phase
    rows: Any  # of the last phase, for all samples
    start: dict[str, Any]  # "model" and "rows" at the beginning of the algorithm's `start_phase`
    history: list[dict[str, Any]]  # the records of metrics.jsonl
    seconds: dict[str, float]  # per phase, over all the sessions of this run


class _Cursor:
    """Where training stands; JSON beside the state in every checkpoint."""

    def __init__(self, phase: int = 0):
        self.phase, self.epoch, self.step = phase, 0, 0
        self.sums: dict[str, list[float]] = {}  # of the epoch's steps so far
        self.done = ""  # why the phase is complete before its last epoch
        self.seconds: dict[str, float] = {}

    def reached(self, record: dict[str, Any]) -> bool:
        """Whether a record of metrics.jsonl lies before this point."""
        return (record["phase_index"], record["epoch"]) < (self.phase, self.epoch)


def train(
    algorithm: Algorithm,
    images: np.ndarray,
    *,
    seed: int,
    workdir: Path,
    reporter: Reporter,
    poll: Callable[[], None],
    first_model: dict[str, Any] | None = None,
    score: Callable[[np.ndarray], dict[str, float]] | None = None,
    checkpoint_seconds: float = 60.0,
    device_list: list[jax.Device] | None = None,
) -> Trained:
    """Train all phases of an algorithm, or what is left of them.

    Args:
        algorithm: its phases and outputs.
        images: [n, ...], in the type they are stored in.
        seed: decides everything that is random.
        workdir: holds checkpoints/, model/ and metrics.jsonl of this run, and nothing of another.
        reporter: told about progress.
        poll: called between device calls; an exception it raises is passed on after the state is saved.
        first_model: what the first phase would have left: that phase is skipped.
        score: labels [n] -> figures for the records; scoring only, no decision depends on them.
        checkpoint_seconds: time between two checkpoints.
        device_list: local devices; the first one by default.

    Returns:
        `Trained`.

    Raises:
        TrainingError: a loss is not finite or the algorithm reports a fault; the last good checkpoint is kept.
        StorageError: a model, the metrics at the end, or the state at an interruption cannot be written; the same.
            A checkpoint that cannot be written is only told.
    """
    run = _Run(
        algorithm,
        images,
        seed,
        workdir,
        reporter,
        poll,
        score,
        checkpoint_seconds,
        device_list or jax.local_devices()[:1],
    )
    try:
        return run.all_phases(first_model)
    finally:
        reporter.abandon()
        run.close()


class _Run:
    """One call of `train`: holds what its phases share."""

    def __init__(self, algorithm, images, seed, workdir, reporter, poll, score, checkpoint_seconds, device_list):
        self.algorithm, self.workdir, self.reporter, self.poll = algorithm, workdir, reporter, poll
        self.score, self.checkpoint_seconds, self.devices = score, checkpoint_seconds, device_list
        self.images = devices.on_all(images, device_list)
        self.first_images = devices.on_first(self.images)
        self.key = jax.random.key(seed)
        self.checkpoints = checkpoint.Checkpoints(workdir / "checkpoints", report=reporter.say)
        self.metrics: Metrics | None = None
        self.saved_at = self.ticked_at = time.monotonic()

    def close(self) -> None:
        self.checkpoints.close()
        if self.metrics is not None:
            self.metrics.close()

    def all_phases(self, first_model: dict[str, Any] | None) -> Trained:
        phases = self.algorithm.phases
        restored = self.checkpoints.restore(self._template)
        cursor = _Cursor(phase=0 if first_model is None else 1)
        state, model = None, first_model
        if restored is not None:
            state, cursor.__dict__ = restored[0], restored[1]
            state = jax.device_put(state, self.devices[0])
            self.reporter.say(f"continuing in {phases[cursor.phase].name} at epoch {cursor.epoch}")
        self.metrics = Metrics(self.workdir / "metrics.jsonl", keep=cursor.reached)
        self.ticked_at = time.monotonic()
        while True:
            phase = phases[cursor.phase]
            if state is None:
                state = self._begin(cursor, model)
            state = self._train_phase(phase, state, cursor)
            model = phase.model(state)
            checkpoint.save_model(self.workdir / "model" / phase.name, model)
            if cursor.phase + 1 == len(phases):
                self.metrics.flush()
                break
            seconds = cursor.seconds
            cursor, state = _Cursor(cursor.phase + 1), None
            cursor.seconds = seconds
        return self._trained(cursor, model)

    def _template(self, cursor: dict) -> Any:
        return self.algorithm.phases[cursor["phase"]].template()

    def _begin(self, cursor: _Cursor, model: dict[str, Any] | None) -> Any:
        """Make a phase's first state, from the model of the phase before it."""
        phases = self.algorithm.phases
        rows = None if model is None else self._observe(phases[cursor.phase - 1], model, self._key(cursor.phase, 0, 0))
        self._tick(cursor)
        phase = phases[cursor.phase]
        state = phase.begin(model, rows, self.first_images, self._key(cursor.phase, 0, 1), self.poll)
        # As the outputs of a step are: else the second step, whose input is the first one's output, compiles again.
        state = jax.device_put(state, self.devices[0])
        if phase.name == self.algorithm.start_phase:
            start = {"model": phase.model(state)}
            start["rows"] = self._observe(phase, start["model"], self._key(cursor.phase, 0, 3))
            checkpoint.save_model(self.workdir / "model" / "start", start)
        self._save(state, cursor)
        return state

    def _train_phase(self, phase: Phase, state: Any, cursor: _Cursor) -> Any:
        steps = epochs.steps_per_epoch(len(self.images), phase.batch_size)
        loop = epochs.make_run(phase.step, batch_size=phase.batch_size, num_samples=len(self.images))
        run = devices.bind(loop, self.devices)
        observe, update = jax.jit(phase.observe), None if phase.update is None else jax.jit(phase.update)
        self.reporter.start(phase.name, epoch=cursor.epoch, epochs=phase.epochs)
        figures: dict[str, float] = {}
        stride = 1  # steps per device call: the first tells how long a step takes
        warned = ""
        while not cursor.done and (phase.epochs is None or cursor.epoch < phase.epochs):
            key = self._key(cursor.phase, cursor.epoch, 2)
            while cursor.step < steps:
                stop = min(steps, cursor.step + stride)
                began = time.monotonic()
                state, sums = run(state, self.images, key, cursor.step, stop)
                _add(cursor.sums, jax.device_get(sums))
                info = {name: total / max(count, 1) for name, (total, count) in cursor.sums.items()}
                self._check_finite(cursor, info)
                stride = _next_stride(stride, stop - cursor.step, time.monotonic() - began)
                cursor.step = stop
                self._tick(cursor)
                if stop < steps:
                    self.reporter.update(cursor.epoch + stop / steps, figures)
                    self._pause(state, cursor)
            state = devices.on_first(state)
            info = {name: total / max(count, 1) for name, (total, count) in cursor.sums.items()}
            record = {"phase": phase.name, "phase_index": cursor.phase, "epoch": cursor.epoch, **info}
            if update is not None:
                rows = self._observe(phase, phase.model(state), self._key(cursor.phase, cursor.epoch, 3), observe)
                state, more = update(state, rows, cursor.epoch)
                record |= {name: float(value) for name, value in jax.device_get(more).items()}
                self._check_finite(cursor, record)
                self._report_fault(cursor, phase.fault(record))
                cursor.done = phase.done(record)
                warned = self._warn(cursor, phase.warning(record), warned)
            if self.score is not None and phase.labels is not None:
                record |= self.score(np.asarray(phase.labels(state)))
            self._tick(cursor)
            record["seconds"] = round(cursor.seconds[phase.name], 3)
            self.metrics.add(record)
            figures = {name: record[name] for name in (*phase.shown, "acc", "nmi") if name in record}
            cursor.epoch, cursor.step, cursor.sums = cursor.epoch + 1, 0, {}
            self.reporter.update(cursor.epoch, figures)
            self._pause(state, cursor)
        self.reporter.finish(cursor.epoch, figures, cursor.done)
        self._save(state, cursor)
        return state

    def _trained(self, cursor: _Cursor, model: dict[str, Any]) -> Trained:
        last = self.algorithm.phases[-1]
        rows = self._observe(last, model, self._key(len(self.algorithm.phases), 0, 0))
        start = checkpoint.load_model(self.workdir / "model" / "start")
        return Trained(model, rows, start, self.metrics.history, cursor.seconds)

    def _observe(self, phase: Phase, model: dict[str, Any], key: jax.Array, observe: Callable | None = None):
        return epochs.observe_all(observe or jax.jit(phase.observe), model, self.first_images, key, poll=lambda: None)

    def _key(self, phase: int, epoch: int, use: int) -> jax.Array:
        return jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(self.key, phase), epoch), use)

    def _tick(self, cursor: _Cursor) -> None:
        """Book the time since the last tick to the current phase."""
        now = time.monotonic()
        name = self.algorithm.phases[cursor.phase].name
        cursor.seconds[name] = cursor.seconds.get(name, 0.0) + now - self.ticked_at
        self.ticked_at = now

    def _pause(self, state: Any, cursor: _Cursor) -> None:
        """Save if it is time to, or if a signal was heard."""
        try:
            self.poll()
        except BaseException as request:
            self._save(state, cursor)
            if not self.checkpoints.finish():
                kept = "the same command goes on from the last good checkpoint"
                raise storage.StorageError(f"{request}: the state could not be saved; {kept}") from request
            raise
        if time.monotonic() - self.saved_at >= self.checkpoint_seconds:
            self._save(state, cursor)

    def _save(self, state: Any, cursor: _Cursor) -> None:
        """Write a checkpoint, but never one that is not finite over a good one."""
        state = jax.tree.map(np.array, state)
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state)):
            self._report_fault(cursor, "the training state is not finite")
        # A checkpoint never knows of epochs that metrics.jsonl lacks.
        self.checkpoints.save(state, dict(cursor.__dict__), first=self.metrics.flush)
        self.saved_at = time.monotonic()

    def _check_finite(self, cursor: _Cursor, figures: dict[str, Any]) -> None:
        for name, value in figures.items():
            if isinstance(value, float) and not math.isfinite(value):
                phase = self.algorithm.phases[cursor.phase].name
                self._report_fault(cursor, f"{name} is {value}; try a smaller {phase}.learning_rate")

    def _warn(self, cursor: _Cursor, warning: str, before: str) -> str:
        """Tell a warning that is not the one told last."""
        if warning and warning != before:
            self.reporter.say(f"warning: {self.algorithm.phases[cursor.phase].name} epoch {cursor.epoch}: {warning}")
        return warning

    def _report_fault(self, cursor: _Cursor, fault: str) -> None:
        if fault:
            phase = self.algorithm.phases[cursor.phase].name
            raise TrainingError(
                f"training stopped in phase {phase}, epoch {cursor.epoch}: {fault}. "
                f"The last good checkpoint is kept in {self.workdir / 'checkpoints'}"
            )


def _add(sums: dict[str, list[float]], more: dict[str, tuple]) -> None:
    for name, (total, count) in more.items():
        old = sums.get(name, [0.0, 0.0])
        sums[name] = [old[0] + float(total), old[1] + float(count)]


def _next_stride(stride: int, steps: int, seconds: float) -> int:
    """Steps for the next call, so that it lasts about CALL_SECONDS; the first call also compiles, so grow gently."""
    return max(1, min(stride * 8, int(steps * CALL_SECONDS / max(seconds, 1e-6))))
