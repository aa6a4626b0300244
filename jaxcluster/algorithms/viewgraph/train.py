"""The one phase: a classifier learns the partition of the graph, generalizes it, and corrects it.

    min over θ of   Σ_i v_i · (−log softmax(f_θ(view of x_i))_{y_i}) / #{i : v_i ≠ 0}

At first y is the initial partition and all v are 1: the hard samples are what the views teach. Then, after each epoch,
y and v are made anew from the running mean of the weights, the graph and a view; see `relabel`.

Several members are trained side by side from different first weights, in views of their own, on the same batches; each
makes its own labels. They start from the same partition, so that their clusters bear the same numbers.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxcluster import losses
from jaxcluster.algorithms.viewgraph.inputs import MEMBERS_APART, Neighborhood
from jaxcluster.algorithms.viewgraph.relabel import select, smooth
from jaxcluster.algorithms.viewgraph.start import Start, make_start
from jaxcluster.networks import Context
from jaxcluster.protocol import Batch, Phase

__all__ = ["TrainState", "train_phase"]

Array = jax.Array


class TrainState(NamedTuple):
    """Training state of all members (leading axis s), and the graph."""

    params: dict[str, Any]  # [s, ...]
    average: dict[str, Any]  # [s, ...], running mean of the weights, which predicts
    opt_state: optax.OptState  # [s, ...]
    frame: dict[str, Array]  # what inputs are subtracted and divided by
    centers: Array  # [k, f], mean features of each cluster
    partition: Array  # [n] int32, the initial partition
    labels: Array  # [n] int32, current assignment by all members together
    targets: Array  # [n, s] int32, each member's pseudo-labels
    weights: Array  # [n, s], each member's self-paced weights
    index: Array  # [n, m] int32, neighbors
    edges: Array  # [n, m], their weights, adding up to 1
    points: Array  # [n, d], inputs that views may step towards; one row of zeros for images
    steps: Array  # [] int32, steps so far
    strength: Array  # [] of the views: 1, or 0 where the partition is kept as it is


def train_phase(
    config, network, inputs, *, num_samples: int, epochs: int, batch_size: int, relabel_after: int | None
) -> Phase:
    """Build the phase; see `jaxcluster.protocol.Phase` for its parts.

    `relabel_after` is the number of epochs after which labels are made anew for the first time; None: never.
    """
    settings, members = config.train, config.ensemble
    steps = -(-num_samples // batch_size) * epochs
    rate = settings.learning_rate
    schedule = optax.warmup_cosine_decay_schedule(0, rate, max(steps // 20, 1), max(steps, 2), rate / 100)
    optimizer = optax.adam(schedule)
    is_image = len(inputs.shape) == 3

    def each(function, *trees):
        """Apply a function to every member; one member goes without a batch axis, which costs time on a CPU."""
        if members > 1:
            return jax.vmap(function)(*trees)
        one = function(*jax.tree.map(lambda leaf: leaf[0], trees))
        return jax.tree.map(lambda leaf: leaf[None], one)

    def init(
        key: Array, frame: dict, labels: Array, index: Array, edges: Array, points: Array, strength: Array, k: int
    ):
        keys = jax.vmap(lambda s: jax.random.fold_in(key, s))(jnp.arange(members))
        params = jax.vmap(lambda own: network.init(own, k))(keys)
        dtype = jnp.zeros(()).dtype
        return TrainState(
            params=params,
            average=jax.tree.map(jnp.copy, params),
            opt_state=jax.vmap(optimizer.init)(params),
            frame=frame,
            centers=jnp.zeros((k, network.features), dtype),
            partition=labels,
            labels=labels + 0,
            targets=jnp.repeat(labels[:, None], members, axis=1),
            weights=jnp.ones((len(labels), members), dtype),
            index=index,
            edges=edges,
            points=points,
            steps=jnp.zeros((), jnp.int32),
            strength=strength,
        )

    def begin(model, rows, images, key: Array, poll) -> TrainState:
        del model, rows
        samples = np.asarray(images)
        frame = inputs.fit(samples)
        start = make_start(config, key, samples, poll)
        points = jnp.zeros((1, *inputs.shape)) if is_image else jax.jit(inputs.clean)(frame, samples)
        made = jax.jit(init, static_argnums=7)(
            key,
            frame,
            jnp.asarray(start.labels),
            jnp.asarray(start.index),
            jnp.asarray(start.weights, jnp.zeros(()).dtype),
            points,
            jnp.asarray(_strength(settings, start, is_image), jnp.zeros(()).dtype),
            start.n_clusters,
        )
        return made

    def step(state: TrainState, batch: Batch, key: Array, *, axis_name: str | None = None):
        """Move every member towards its pseudo-labels of the selected samples, in a view of each."""
        view_key, dropout_key = jax.random.split(key)
        rows = len(batch.index)
        apart = jnp.arange(members, dtype=jnp.int32)[:, None] * MEMBERS_APART + batch.position[None]  # [s, b]
        images = jnp.tile(batch.images, (members, *[1] * (batch.images.ndim - 1)))
        near = None
        if not is_image:
            index = jnp.tile(batch.index, members)
            near = Neighborhood(state.index[index], state.edges[index], state.points)
        x = inputs.view(state.frame, view_key, images, apart.reshape(-1), state.strength, near)
        x = x.reshape(members, rows, *inputs.shape)

        def member_loss(params, x, position, targets, weights):
            context = Context(dropout_key, position, batch.valid, axis_name)
            logits, _ = network.apply(params, x, context=context if settings.dropout else None)
            errors = optax.softmax_cross_entropy_with_integer_labels(logits, targets)
            return losses.weighted_mean(errors, weights, valid=batch.valid, over="selected", axis_name=axis_name)

        value = jax.value_and_grad(member_loss, has_aux=True)
        targets, weights = state.targets[batch.index].T, state.weights[batch.index].T
        (loss, count), gradient = each(value, state.params, x, apart, targets, weights)
        if axis_name is not None:
            loss, gradient = jax.lax.psum((loss, gradient), axis_name)
        updates, opt_state = jax.vmap(optimizer.update)(gradient, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        # The first weights are random: a short run must forget them, too.
        steps = state.steps.astype(jnp.zeros(()).dtype)
        keep = jnp.minimum(settings.average, (1 + steps) / (10 + steps))
        average = jax.tree.map(lambda old, new: keep * old + (1 - keep) * new, state.average, params)
        state = state._replace(params=params, average=average, opt_state=opt_state, steps=state.steps + 1)
        return state, {"loss": (jnp.sum(loss * count), jnp.sum(count))}

    def probabilities(model: dict, x: Array) -> tuple[Array, Array]:
        logits, features = each(lambda params: network.apply(params, x), model["average"])
        return jax.nn.softmax(logits.transpose(1, 0, 2)), features[0]

    def observe(model: dict, images: Array, key: Array, index: Array) -> dict[str, Array]:
        clean, features = probabilities(model, inputs.clean(model["frame"], images))
        view, _ = probabilities(model, inputs.view(model["frame"], key, images, index, 1.0))
        return {"probabilities": clean, "view": view, "embedding": features}

    def update(state: TrainState, rows: dict, epoch: Array) -> tuple[TrainState, dict[str, Array]]:
        """Make labels and weights anew from the network, the graph and the view, once it is time to."""
        k = len(state.centers)
        due = (epoch + 1 >= (np.inf if relabel_after is None else relabel_after)) & (state.strength > 0)

        def renewed(_):
            smoothed = jax.vmap(smooth, (1, None, None), 1)(
                (rows["probabilities"] + rows["view"]) / 2, state.index, state.edges
            )
            targets = jnp.argmax(smoothed, axis=2).astype(jnp.int32)
            sure = -jnp.log(jnp.maximum(jnp.max(smoothed, axis=2), 1e-30))
            weights = jax.vmap(lambda loss, labels: select(loss, labels, settings.selected, k), 1, 1)(sure, targets)
            return targets, weights.astype(state.weights.dtype), smoothed.mean(axis=1).argmax(axis=1).astype(jnp.int32)

        kept = (state.targets, state.weights, state.labels)
        targets, weights, labels = jax.lax.cond(due, renewed, lambda _: kept, 0)
        seen = rows["probabilities"].mean(axis=1).argmax(axis=1)
        sizes = jnp.maximum(jnp.bincount(labels, length=k), 1).astype(state.centers.dtype)
        centers = jax.ops.segment_sum(rows["embedding"], labels, k) / sizes[:, None]
        dtype = state.weights.dtype
        info = {
            "change": jnp.mean((labels != state.labels).astype(dtype)),
            "moved": jnp.mean((labels != state.partition).astype(dtype)),
            "view_agreement": jnp.mean((seen == rows["view"].mean(axis=1).argmax(axis=1)).astype(dtype)),
            "network_agreement": jnp.mean((seen == labels).astype(dtype)),
            "selected": jnp.mean(weights),
            "empty_clusters": (k - jnp.sum(jnp.bincount(labels, length=k) > 0)).astype(dtype),
        }
        return state._replace(targets=targets, weights=weights, labels=labels, centers=centers), info

    def warning(info: dict[str, float]) -> str:
        empty = int(info["empty_clusters"])
        if empty:
            return f"{empty} {'cluster is' if empty == 1 else 'clusters are'} empty; n_clusters may be too large"
        if info["moved"] > settings.most_moved:
            return (
                f"{info['moved']:.0%} of the samples have left the cluster of the initial partition (config.train."
                f"most_moved {settings.most_moved:.0%}); the result may be worse than that partition"
            )
        return ""

    def template(n_clusters: int | None = None) -> TrainState:
        k = config.n_clusters if n_clusters is None else n_clusters
        kind = jax.ShapeDtypeStruct
        real = jnp.zeros(()).dtype
        neighbors = min(config.graph.n_neighbors if is_image else config.graph.n_vector_neighbors, num_samples - 1)
        edges = (num_samples, neighbors)
        shapes = (
            jax.eval_shape(lambda: jax.random.key(0)),
            inputs.frame,
            kind((num_samples,), jnp.int32),
            kind(edges, jnp.int32),
            kind(edges, real),
            kind((1 if is_image else num_samples, *inputs.shape), real),
            kind((), real),
        )
        return jax.eval_shape(lambda *arguments: init(*arguments, k), *shapes)

    return Phase(
        name="train",
        epochs=epochs,
        batch_size=batch_size,
        begin=begin,
        step=step,
        model=lambda state: {"average": state.average, "frame": state.frame, "centers": state.centers},
        observe=observe,
        template=template,
        update=update,
        labels=lambda state: state.labels,
        warning=warning,
        beginning="the graph of similar samples and its partition",
        shown=("loss", "view_agreement", "change"),
        n_clusters=lambda state: len(state.centers),
    )


def _strength(settings, start: Start, is_image: bool) -> float:
    """Whether views and new labels can help: always for images, for feature vectors only if clusters touch."""
    return float(is_image or start.cut >= settings.least_cut)
