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
    """One stage of training; every function but `begin`, `fault` and `done` is pure and runs under `jax.jit`."""

    name: str
    epochs: int | None  # None: until `done`
    batch_size: int  # global, over all devices
    begin: Callable[[Model | None, Rows | None, Array, Array, Callable[[], None]], State]
    """(model and rows of the phase before, all images, key, poll) -> state; calls `poll()` between device calls, and
    may tell how far it is by what `telling(poll)` gives."""
    step: Callable[..., tuple[State, dict[str, tuple[Array, Array]]]]
    """(state, batch, key, *, axis_name) -> (state, info); info holds (sum, count) pairs over the global batch."""
    model: Callable[[State], Model]
    """What the phase leaves to the next one, to `predict` and to the user."""
    observe: Callable[[Model, Array, Array, Array], Rows]
    """(model, images [b, ...], key, index [b]) -> rows with leading axis b; each row from its own image alone."""
    template: Callable[..., State]
    """() -> the state as a tree of `jax.ShapeDtypeStruct`, to restore a checkpoint into; see `n_clusters`."""
    update: Callable[[State, Rows, Array], tuple[State, Info]] | None = None
    """(state, rows of all samples, epoch) -> (state, info); None: the phase has no full-data work."""
    labels: Callable[[State], Array] | None = None
    """The current assignment [n], for scoring."""
    fault: Callable[[dict[str, float]], str] = no_fault
    """The epoch's figures -> what went wrong, or an empty string; a fault stops the run."""
    warning: Callable[[dict[str, float]], str] = no_fault
    """The epoch's figures -> what looks wrong, or an empty string; it is told when it changes, and training goes on."""
    done: Callable[[dict[str, float]], str] = not_done
    """The epoch's figures -> why the phase is complete, or an empty string."""
    beginning: str = ""
    """What `begin` takes its time for; told before it."""
    shown: tuple[str, ...] = ("loss",)
    """Names of the figures for the line of progress."""
    n_clusters: Callable[[State], int] | None = None
    """The number of clusters of a state, for a phase whose `begin` finds it; `template` is then given this number."""


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
    """A deep clustering algorithm: its phases in order, and its outputs from the last phase's model."""

    name: str
    phases: tuple[Phase, ...]
    outputs: Callable[[Model, Rows], Outputs]
    """(model of the last phase, its rows for n samples) -> Outputs."""
    start_phase: str
    """The phase whose beginning the results are compared with: its first model and rows are kept."""
    start_outputs: Callable[[Model, Rows], Outputs]
    """(model and rows at that beginning) -> Outputs."""
    stop_change: float | None = None
    """The share of changed labels below which training stops, for the picture."""
    generate: Callable[[Model, Array], tuple[Array, Array]] | None = None
    """(model of the last phase, key) -> images in [0, 1] that it draws, and the cluster each is drawn for."""
    similarity: Callable[[Array], Array] | None = None
    """Embeddings [r, d] -> [r, r] similarities, if the algorithm is about them."""


class Method(NamedTuple):
    """A deep clustering method as the workflow knows it; `jaxcluster.algorithms` registers these by name."""

    name: str
    """Of `config.algorithm`."""
    summary: str
    """One line for `--list`."""
    defaults: Callable[[], Any]
    """() -> ConfigDict with every setting, `config.algorithm` among them."""
    check: Callable[[Any, int], None]
    """(config, number of samples); ValueError names the field, what it got and what is allowed."""
    remarks: Callable[[Any, tuple[int, ...]], list[str]]
    """(config, shape of a sample) -> sentences that a user should read before the run starts."""
    build: Callable[..., Algorithm]
    """(config, *, num_samples, sample_shape, offset, scale) -> Algorithm; networks see (stored - offset) * scale.

    Its config is frozen, and without `seed`, `init_from`, `checkpoint_seconds` and `data`, so that runs that differ in
    these alone share one algorithm and its compiled programs.
    """
    variants: Mapping[str, str] = {}
    """Name -> one line; what may stand behind the colon of a config's name."""
    apply_variant: Callable[[Any, str], Any] | None = None
    """(config, name) -> config with the settings of a variant; ValueError if there is no such variant."""
    shared_phase: str = ""
    """The phase whose model `config.init_from` takes from another run; "" if none can be taken."""
    renamed: Mapping[str, str] = {}
    """Old dotted name of a setting -> its name today, so that old configs and workdirs keep working."""
    docs: Mapping[str, str] = {}
    """Dotted name of a setting -> one line, for --help."""
