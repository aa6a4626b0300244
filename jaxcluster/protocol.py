"""What an algorithm offers: a `Method` to the workflow, an `Algorithm` made of pure functions to the trainer.

A `Method` is what is known before there is data: a name, settings with their rules, variants, and `build`, which makes
the `Algorithm` for one data set.

The trainer (`jaxcluster.runtime`) knows these types and nothing else of an algorithm; an algorithm knows nothing
of devices, files or progress. A phase is trained epoch by epoch. In every epoch the trainer runs

    step      on shuffled batches, inside one jitted loop,
    observe   on all clean images, slice by slice,
    update    on the whole arrays that `observe` gave (assignments, self-paced weights, ...),

and then asks `fault` and `done` whether to go on. Phases hand over a model (a nested dict of arrays), never a state.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax

__all__ = ["Algorithm", "Batch", "Method", "Outputs", "Phase", "Poll", "no_fault", "not_done", "telling"]

Array = jax.Array
AnyArray = Any  # a JAX array inside of a program, a NumPy array for the user
Model = dict[str, Any]
State = Any
Rows = Any
Info = dict[str, Array]


class Batch(NamedTuple):
    """The samples that one device sees in one step; rows with `valid` False are padding and must count nowhere."""

    images: Array  # [b, h, w, c] or [b, d], in the type they are stored in
    index: Array  # type: ignore[assignment]  # [b] int32, the samples' numbers in the data set
    position: Array  # [b] int32, their positions in the global batch: random draws belong to these
    valid: Array  # [b] bool


def no_fault(info: dict[str, float]) -> str:
    """Find nothing wrong, whatever the epoch's figures are."""
    del info
    return ""


def not_done(info: dict[str, float]) -> str:
    """Never stop before the last epoch."""
    del info
    return ""


class Poll:
    """What a phase's `begin` calls between device calls: an interruption is raised there.

    Args:
        listen: what is called; may raise.
        part: (what, done, total) -> None, tells a user how far a part of the work is.
    """

    def __init__(self, listen: Callable[[], None], part: Callable[[str, int, int], None]):
        self._listen, self.part = listen, part

    def __call__(self) -> None:
        """Listen."""
        self._listen()


def telling(poll: Callable[[], None], what: str) -> Callable[[int, int], None]:
    """How `begin` tells a user how far it is, which it may do between device calls.

    Args:
        poll: as `begin` has got it; one that cannot tell is left alone.
        what: the part that is under way, in a word.

    Returns:
        A function of (done, total) device calls.
    """
    part = getattr(poll, "part", None)
    return lambda done, total: None if part is None else part(what, done, total)


class Phase(NamedTuple):
    """One stage of training; every function but `begin`, `fault` and `done` is pure and runs under `jax.jit`.

    Attributes:
        name: what it is called in logs, records and checkpoints.
        epochs: how many; None: until `done`.
        batch_size: of all devices together.
        begin: (model, rows, all images, key, poll) -> state; model and rows are those of the phase before, None in the
            first one. Calls `poll()` between device calls, and may tell how far it is by what `telling(poll)` gives.
        step: (state, batch, key, *, axis_name) -> (state, info); info holds (sum, count) pairs over the global batch.
        model: what the phase leaves to the next one, to `predict` and to the user.
        observe: (model, images [b, ...], key, index [b]) -> rows with leading axis b; each row from its own image
            alone.
        template: () -> the state as a tree of `jax.ShapeDtypeStruct`, to restore a checkpoint into; see `n_clusters`.
        update: (state, rows of all samples, epoch) -> (state, info); None: the phase has no full-data work.
        labels: the current assignment [n], for scoring.
        fault: the epoch's figures -> what went wrong, or an empty string; a fault stops the run.
        warning: the epoch's figures -> what looks wrong, or an empty string; it is told when it changes, and training
            goes on.
        done: the epoch's figures -> why the phase is complete, or an empty string.
        beginning: what `begin` takes its time for; told before it.
        shown: names of the figures for the line of progress.
        n_clusters: the number of clusters of a state, for a phase whose `begin` finds it; `template` is then given this
            number.
    """

    name: str
    epochs: int | None
    batch_size: int
    begin: Callable[[Model | None, Rows | None, Array, Array, Callable[[], None]], State]
    step: Callable[..., tuple[State, dict[str, tuple[Array, Array]]]]
    model: Callable[[State], Model]
    observe: Callable[[Model, Array, Array, Array], Rows]
    template: Callable[..., State]
    update: Callable[[State, Rows, Array], tuple[State, Info]] | None = None
    labels: Callable[[State], Array] | None = None
    fault: Callable[[dict[str, float]], str] = no_fault
    warning: Callable[[dict[str, float]], str] = no_fault
    done: Callable[[dict[str, float]], str] = not_done
    beginning: str = ""
    shown: tuple[str, ...] = ("loss",)
    n_clusters: Callable[[State], int] | None = None


class Outputs(NamedTuple):
    """What clustering gives for each sample."""

    labels: AnyArray  # [n] int32
    confidence: AnyArray  # [n] in [0, 1]
    embedding: AnyArray  # [n, d]
    centers: AnyArray  # [k, d]
    others: dict[str, AnyArray] | None = None
    """Further assignments [n] by name, reported beside the labels."""
    probabilities: AnyArray | None = None
    """[n, k] of each cluster for each sample, rows sum to 1; None where the algorithm has none."""


class Algorithm(NamedTuple):
    """A deep clustering algorithm: its phases in order, and its outputs from the last phase's model.

    Attributes:
        name: what it is called in logs, records and checkpoints.
        phases: in order.
        outputs: (model of the last phase, its rows for n samples) -> Outputs.
        start_phase: the phase whose beginning the results are compared with: its first model and rows are kept.
        start_outputs: (model and rows at that beginning) -> Outputs.
        stop_change: the share of changed labels below which training stops, for the picture.
        generate: (model of the last phase, key) -> images in [0, 1] that it draws, and the cluster each is drawn for.
        similarity: embeddings [r, d] -> [r, r] similarities, if the algorithm is about them.
    """

    name: str
    phases: tuple[Phase, ...]
    outputs: Callable[[Model, Rows], Outputs]
    start_phase: str
    start_outputs: Callable[[Model, Rows], Outputs]
    stop_change: float | None = None
    generate: Callable[[Model, Array], tuple[Array, Array]] | None = None
    similarity: Callable[[Array], Array] | None = None


class Method(NamedTuple):
    """A deep clustering method as the workflow knows it; `jaxcluster.algorithms` registers these by name.

    Attributes:
        name: of `config.algorithm`.
        summary: one line for `--list`.
        defaults: () -> ConfigDict with every setting, `config.algorithm` among them.
        check: (config, number of samples); ValueError names the field, what it got and what is allowed.
        remarks: (config, shape of a sample) -> sentences that a user should read before the run starts.
        build: (config, *, num_samples, sample_shape, offset, scale) -> Algorithm; networks see (stored - offset) *
            scale. Its config is frozen, and without `seed`, `init_from`, `checkpoint_seconds` and `data`, so that runs
            that differ in these alone share one algorithm and its compiled programs.
        variants: name -> one line; what may stand behind the colon of a config's name.
        apply_variant: (config, name) -> config with the settings of a variant; ValueError if there is no such variant.
        shared_phase: the phase whose model `config.init_from` takes from another run; "" if none can be taken.
        renamed: old dotted name of a setting -> its name today, so that old configs and workdirs keep working.
        docs: dotted name of a setting -> one line, for --help.
    """

    name: str
    summary: str
    defaults: Callable[[], Any]
    check: Callable[[Any, int], None]
    remarks: Callable[[Any, tuple[int, ...]], list[str]]
    build: Callable[..., Algorithm]
    variants: Mapping[str, str] = {}
    apply_variant: Callable[[Any, str], Any] | None = None
    shared_phase: str = ""
    renamed: Mapping[str, str] = {}
    docs: Mapping[str, str] = {}
