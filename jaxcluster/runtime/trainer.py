"""The one trainer: carries any algorithm through its phases, and goes on where an earlier run was stopped."""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxcluster.files import checkpoint, storage
from jaxcluster.protocol import Algorithm, Phase, Poll
from jaxcluster.runtime import devices, epochs, hosts
from jaxcluster.runtime.cursor import Cursor
from jaxcluster.runtime.feed import Epoch, Feed
from jaxcluster.runtime.progress import Reporter
from jaxcluster.runtime.store import FolderStore, MemoryStore

__all__ = ["Trained", "TrainingError", "train"]

CALL_SECONDS = 1.0  # aim of one device call; none should last longer than about five


class TrainingError(RuntimeError):
    """Training cannot go on: a quantity is not finite, or the algorithm found a fault."""


class Trained(NamedTuple):
    """What training leaves in memory."""

    model: dict[str, Any]  # of the last phase
    rows: Any  # of the last phase, for all samples
    start: dict[str, Any]
    """"model", "rows" and, if the phase has them, "labels" at the beginning of the algorithm's `start_phase`; first
    process only."""
    history: list[dict[str, Any]]  # the records of metrics.jsonl; first process only
    seconds: dict[str, float]  # per phase, over all the sessions of this run
    stopped: str = ""  # why training ended before its last epoch


def train(
    algorithm: Algorithm,
    images: np.ndarray,
    *,
    seed: int,
    reporter: Reporter,
    workdir: Path | None = None,
    poll: Callable[[], None] = lambda: None,
    stop: Callable[[], str] = lambda: "",
    callbacks: Sequence[Callable[[dict[str, Any]], Any]] = (),
    first_model: dict[str, Any] | None = None,
    score: Callable[[np.ndarray], dict[str, float]] | None = None,
    checkpoint_seconds: float = 60.0,
    device_list: list[jax.Device] | None = None,
    engine: str = "auto",
    images_on: str = "device",
) -> Trained:
    """Train all phases of an algorithm, or what is left of them.

    Args:
        algorithm: its phases and outputs.
        images: [n, ...], in the type they are stored in.
        seed: decides everything that is random.
        reporter: told about progress.
        workdir: holds checkpoints/, model/ and metrics.jsonl of this run, and nothing of another; None: nothing is
            written.
        poll: called between device calls; an exception it raises is passed on after the state is saved.
        stop: asked between device calls; the reason that it gives, if any, ends training early: the epoch at work is
            cut short, later phases train no epoch, and what has been fitted so far is returned.
        callbacks: each is called with the record of every epoch; one that returns True ends training as `stop` does.
        first_model: what the first phase would have left: that phase is skipped.
        score: labels [n] -> figures for the records; scoring only, no decision depends on them.
        checkpoint_seconds: time between two checkpoints.
        device_list: devices of all processes, see `devices.choose`; by default the first one of a single process.
        engine: one of `devices.ENGINES`.
        images_on: "device" or "host", where the images lie, see `feed.Feed`.

    Returns:
        `Trained`.

    Raises:
        TrainingError: a loss is not finite or the algorithm reports a fault; the last good checkpoint is kept.
        StorageError: a model, the metrics at the end, or the state at an interruption cannot be written; the same.
            A checkpoint that cannot be written is only told. Or there are checkpoints, and none can be read.
        HostError: another process has ended.
    """
    feed = Feed(images, device_list or jax.local_devices()[:1], images_on)
    run = _Run(
        algorithm, feed, engine, seed, workdir, reporter, hosts.synchronized(poll), stop, callbacks, score,
        checkpoint_seconds,
    )  # fmt: skip
    try:
        with hosts.broken_is_told():
            return run.all_phases(first_model)
    finally:
        reporter.abandon()
        run.close()


class _Run:
    """One call of `train`: holds what its phases share."""

    def __init__(
        self, algorithm, feed, engine, seed, workdir, reporter, poll, stop, callbacks, score, checkpoint_seconds
    ):
        self.algorithm, self.feed, self.engine = algorithm, feed, engine
        self.reporter, self.poll, self.stop, self.callbacks = reporter, poll, stop, callbacks
        self.score, self.checkpoint_seconds = score, checkpoint_seconds
        self.home = next(device for device in feed.devices if device.process_index == jax.process_index())
        self.key = jax.random.key(seed)
        # The first process writes; the others keep step with it.
        self.writes = hosts.is_primary()
        self.store = MemoryStore()
        if self.writes and workdir is not None:
            self.store = FolderStore(workdir, report=reporter.say)
        self.stopped = ""  # why training ends early
        self.stride = 1  # steps per device call: the first tells how long a step takes
        self.warned = ""  # told last in this phase
        self.saved_at = self.ticked_at = time.monotonic()

    def close(self) -> None:
        self.store.close()

    def all_phases(self, first_model: dict[str, Any] | None) -> Trained:
        phases = self.algorithm.phases
        cursor = Cursor(phase=0 if first_model is None else 1)
        state, model = self._restore(cursor), first_model
        self.store.begin_metrics(cursor.reached)
        self.ticked_at = time.monotonic()
        while True:
            phase = phases[cursor.phase]
            if state is None:
                state = self._begin(cursor, model)
            state = self._train_phase(phase, state, cursor)
            model = phase.model(state)
            self._save_model(phase.name, model)
            if cursor.phase + 1 == len(phases):
                self.store.flush()
                break
            cursor, state = Cursor(cursor.phase + 1, cursor.seconds), None
        return self._trained(cursor, model)

    def _restore(self, cursor: Cursor) -> Any:
        """Put the cursor where the last run stopped and return its state, or None if there is nothing to go on from."""
        found = None

        def read() -> dict | None:
            nonlocal found
            found = self.store.restore(self._template)
            return None if found is None else found[1]

        where = hosts.only_first(read)  # all hear of it if the first one cannot
        if where is None:
            return None
        cursor.__dict__.update(where)
        blank = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), self._template(where))
        state = hosts.arrays_of_first(blank if found is None else found[0])
        self.reporter.say(f"continuing in {self.algorithm.phases[cursor.phase].name} at epoch {cursor.epoch}")
        return jax.device_put(state, self.home)

    def _template(self, cursor: dict) -> Any:
        phase = self.algorithm.phases[cursor["phase"]]
        return phase.template() if phase.n_clusters is None else phase.template(cursor["n_clusters"])

    def _begin(self, cursor: Cursor, model: dict[str, Any] | None) -> Any:
        """Make a phase's first state, from the model of the phase before it.

        Unlike machines differ in the last bits, and so in how long an iteration takes to converge and how often `begin`
        polls. So several processes ask each other when it is over, and take the first one's state.
        """
        phases, several = self.algorithm.phases, hosts.is_multiprocess()
        poll = Poll((lambda: None) if several else self._listen, partial(self.reporter.part, phases[cursor.phase].name))
        rows = None
        if model is not None:
            rows = self._observe(phases[cursor.phase - 1], model, self._key(cursor.phase, 0, 0), poll)
        self._tick(cursor)
        phase = phases[cursor.phase]
        if phase.beginning:
            self.reporter.say(f"{phase.name}: {phase.beginning}")
        state = phase.begin(model, rows, self.feed.whole(), self._key(cursor.phase, 0, 1), poll)
        if several:
            self._listen()
            state = hosts.arrays_of_first(jax.tree.map(np.asarray, state))
        # Commit the state to the device as step outputs are; otherwise the second step recompiles.
        state = jax.device_put(state, self.home)
        if phase.n_clusters is not None:
            cursor.n_clusters = phase.n_clusters(state)
        if phase.name == self.algorithm.start_phase:
            start = {"model": phase.model(state)}
            start["rows"] = self._observe(phase, start["model"], self._key(cursor.phase, 0, 3), poll)
            if phase.labels is not None:
                start["labels"] = phase.labels(state)
            self._save_model("start", start)
        self._save(state, cursor)
        return state

    def _train_phase(self, phase: Phase, state: Any, cursor: Cursor) -> Any:
        if phase.epochs == 0:
            return state
        run = epochs.bind_run(phase.step, self.feed, phase.batch_size, engine=self.engine)
        self.reporter.start(phase.name, epoch=cursor.epoch, epochs=phase.epochs)
        figures: dict[str, float] = {}
        self.stride, self.warned = 1, ""
        while not cursor.done and not self.stopped and (phase.epochs is None or cursor.epoch < phase.epochs):
            state = self._train_steps(phase, run, state, cursor, figures)
            state, record = self._end_epoch(phase, devices.on_first(state), cursor)
            figures = {name: record[name] for name in (*phase.shown, "acc", "nmi") if name in record}
            cursor.next_epoch()
            self.reporter.update(cursor.epoch, figures)
            self._pause(state, cursor)
        self.reporter.finish(cursor.epoch, figures, cursor.done or self.stopped)
        self._save(state, cursor)
        return state

    def _train_steps(self, phase: Phase, run: Callable, state: Any, cursor: Cursor, figures: dict[str, float]) -> Any:
        """Take the steps of one epoch, or what is left of them; `figures` of the epoch before are shown meanwhile."""
        steps = epochs.steps_per_epoch(len(self.feed), phase.batch_size)
        key = self._key(cursor.phase, cursor.epoch, 2)
        images_of = Epoch(self.feed, key, phase.batch_size)
        while cursor.step < steps:
            images, base, end = images_of.at(cursor.step)
            stop = min(end, steps, cursor.step + self.stride)
            began = time.monotonic()
            state, infos = run(state, images, key, base, cursor.step, stop)
            images_of.prepare(stop)
            cursor.add(jax.device_get(infos))
            self._check_finite(cursor, cursor.means())
            self.stride = hosts.first(_next_stride(self.stride, stop - cursor.step, time.monotonic() - began))
            cursor.step = stop
            self._tick(cursor)
            self.stopped = self.stop()
            if self.stopped:
                break
            if stop < steps:
                self.reporter.update(cursor.epoch + stop / steps, figures)
                self._pause(state, cursor)
        return state

    def _end_epoch(self, phase: Phase, state: Any, cursor: Cursor) -> tuple[Any, dict[str, Any]]:
        """Work on the whole data set, and make the epoch's record."""
        record = {"phase": phase.name, "phase_index": cursor.phase, "epoch": cursor.epoch, **cursor.means()}
        if phase.update is not None:
            key = self._key(cursor.phase, cursor.epoch, 3)
            rows = self._observe(phase, phase.model(state), key, partial(self._pause, state, cursor))
            state, more = jax.jit(phase.update)(state, rows, cursor.epoch)
            record |= {name: float(value) for name, value in jax.device_get(more).items()}
            self._check_finite(cursor, record)
            self._report_fault(cursor, phase.fault(record))
            cursor.done = phase.done(record)
            self._warn(cursor, phase.warning(record))
        if self.score is not None and phase.labels is not None:
            record |= self.score(np.asarray(phase.labels(state)))
        self._tick(cursor)
        record["seconds"] = round(cursor.seconds[phase.name], 3)
        self.store.add(record)
        self._call_back(record)
        return state, record

    def _trained(self, cursor: Cursor, model: dict[str, Any]) -> Trained:
        last = self.algorithm.phases[-1]
        rows = self._observe(last, model, self._key(len(self.algorithm.phases), 0, 0), self._listen)
        if not self.writes:
            return Trained(model, rows, {}, [], cursor.seconds, self.stopped)
        return Trained(model, rows, self.store.load_model("start"), self.store.history, cursor.seconds, self.stopped)

    def _call_back(self, record: dict[str, Any]) -> None:
        """Show the epoch's record; all processes stop if a callback of one says so."""
        wanted = [bool(callback(dict(record))) for callback in self.callbacks]
        if self.callbacks and hosts.first(any(wanted)):
            self.stopped = "stopped by a callback"

    def _observe(self, phase: Phase, model: dict[str, Any], key: jax.Array, poll: Callable[[], None]) -> Any:
        """Rows of all samples, on this process's first device."""
        observe = epochs.bind_observe(phase.observe, self.feed, engine=self.engine)
        return epochs.observe_all(observe, self.feed, model, key, poll=poll)

    def _key(self, phase: int, epoch: int, use: int) -> jax.Array:
        return jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(self.key, phase), epoch), use)

    def _tick(self, cursor: Cursor) -> None:
        """Book the time since the last tick to the current phase."""
        now = time.monotonic()
        name = self.algorithm.phases[cursor.phase].name
        cursor.seconds[name] = cursor.seconds.get(name, 0.0) + now - self.ticked_at
        self.ticked_at = now

    def _listen(self, save: Callable[[], None] = lambda: None) -> None:
        """Pass on what `poll` raises when `save` is done and the last checkpoint is complete."""
        try:
            self.poll()
        except BaseException as request:
            save()
            if not self.store.finish():
                kept = "the same command goes on from the last good checkpoint"
                raise storage.StorageError(f"{request}: the state could not be saved; {kept}") from request
            raise

    def _pause(self, state: Any, cursor: Cursor) -> None:
        """Save if it is time to, or if a signal was heard."""
        self._listen(lambda: self._save(state, cursor))
        if hosts.first(time.monotonic() - self.saved_at >= self.checkpoint_seconds):
            self._save(state, cursor)

    def _save(self, state: Any, cursor: Cursor) -> None:
        """Write a checkpoint, but never one that is not finite over a good one."""
        state = jax.tree.map(np.array, state)
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state)):
            self._report_fault(cursor, "the training state is not finite")
        # Processes whose states have drifted apart (unlike machines, a fault of memory) are not to go on unnoticed.
        hosts.agree(lambda: ({"the training state's checksum": checkpoint.checksum(state)}, None))
        self.store.save(state, cursor.__dict__)
        self.saved_at = time.monotonic()

    def _save_model(self, name: str, model: dict[str, Any]) -> None:
        self.store.save_model(name, model)

    def _check_finite(self, cursor: Cursor, figures: dict[str, Any]) -> None:
        for name, value in figures.items():
            if isinstance(value, float) and not math.isfinite(value):
                phase = self.algorithm.phases[cursor.phase].name
                self._report_fault(cursor, f"{name} is {value}; try a smaller {phase}.learning_rate in another workdir")

    def _warn(self, cursor: Cursor, warning: str) -> None:
        """Tell a warning that is not the one told last."""
        if warning and warning != self.warned:
            self.reporter.say(f"warning: {self.algorithm.phases[cursor.phase].name} epoch {cursor.epoch}: {warning}")
        self.warned = warning

    def _report_fault(self, cursor: Cursor, fault: str) -> None:
        if fault:
            phase = self.algorithm.phases[cursor.phase].name
            kept = f". {self.store.kept}" if self.store.kept else ""
            raise TrainingError(f"training stopped in phase {phase}, epoch {cursor.epoch}: {fault}{kept}")


def _next_stride(stride: int, steps: int, seconds: float) -> int:
    """Steps for the next call, so that it lasts about CALL_SECONDS; the first call also compiles, so grow gently."""
    return max(1, min(stride * 8, int(steps * CALL_SECONDS / max(seconds, 1e-6))))
