"""Second phase of DEC and IDEC: encoder and centers are trained towards the target distribution."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxcluster import losses
from jaxcluster.algorithms.dec.assignment import divergence, log_assignment, target_distribution
from jaxcluster.algorithms.kmeans import kmeans_from_config
from jaxcluster.algorithms.outputs import empty_clusters, empty_clusters_warning
from jaxcluster.algorithms.pretraining import gradient_step
from jaxcluster.protocol import Batch, Phase

__all__ = ["finetune_phase"]

Array = jax.Array


class State(NamedTuple):
    """Training state."""

    params: dict[str, Any]  # {"encoder": ..., "decoder": ..., "centers": [k, d]}
    opt_state: optax.OptState
    target: Array  # [n, k], fixed until the next is due
    labels: Array  # [n] int32, when the target was computed


def finetune_phase(config, network, inputs, optimizer: optax.GradientTransformation, num_samples: int) -> Phase:
    """Build the phase; see `jaxcluster.protocol.Phase` for its parts."""
    n_clusters, reconstruction = config.n_clusters, config.finetune.reconstruction
    augment, tolerance, every = config.finetune.augment, config.finetune.tolerance, config.finetune.target_epochs

    def assign(state: State, embedding: Array) -> State:
        q = jnp.exp(log_assignment(embedding, state.params["centers"]))
        return state._replace(target=target_distribution(q), labels=jnp.argmax(q, axis=1).astype(jnp.int32))

    def init(params: dict, embedding: Array) -> State:
        return assign(State(params, optimizer.init(params), None, None), embedding)

    def begin(model, features, images, key: Array, poll) -> State:
        del images
        found = kmeans_from_config(config.initial, key, features["embedding"], n_clusters, poll)
        return jax.jit(init)({**model, "centers": found.centers}, features["embedding"])

    def step(state: State, batch: Batch, key: Array, *, axis_name: str | None = None):
        """Descend KL(P‖Q) + w ‖x − g(f(x))‖², P of the clean images, Q of the augmented ones if these are on."""
        x = inputs.augmented(key, batch.images, batch.position) if augment else inputs.clean(batch.images)

        def loss_of(params):
            z = network.encode(params["encoder"], x)
            each = divergence(state.target[batch.index], log_assignment(z, params["centers"]))
            if reconstruction > 0:
                each = each + reconstruction * losses.reconstruction(x, network.decode(params["decoder"], z))
            ones = jnp.ones_like(each)
            return losses.weighted_mean(each, ones, valid=batch.valid, over="all", axis_name=axis_name)

        params, opt_state, info = gradient_step(optimizer, state.params, state.opt_state, loss_of, axis_name)
        return state._replace(params=params, opt_state=opt_state), info

    def observe(model: dict, images: Array, key: Array, index: Array) -> dict[str, Array]:
        del key, index
        return {"embedding": network.encode(model["encoder"], inputs.clean(images))}

    def update(state: State, features: dict, epoch: Array) -> tuple[State, dict[str, Array]]:
        """Compute the next target over the whole data set, if it is due after this epoch."""
        after = assign(state, features["embedding"])
        change = jnp.mean((after.labels != state.labels).astype(after.target.dtype))
        info = {"change": change, "empty_clusters": empty_clusters(after.labels, n_clusters)}
        if every == 1:
            return after, info
        due = jnp.asarray((epoch + 1) % every == 0)
        kept = state._replace(target=jnp.where(due, after.target, state.target))
        return kept._replace(labels=jnp.where(due, after.labels, state.labels)), info | {
            "due": due.astype(change.dtype)
        }

    def done(info: dict[str, float]) -> str:
        if info.get("due", True) and info["change"] < tolerance:
            return f"label change {info['change']:.4%} is below finetune.tolerance {tolerance:.4%}"
        return ""

    def template() -> State:
        params = jax.eval_shape(network.init, jax.random.key(0))
        dtype, dimensions = jnp.zeros(()).dtype, config.network.embedding
        centers = jax.ShapeDtypeStruct((n_clusters, dimensions), dtype)
        embedding = jax.ShapeDtypeStruct((num_samples, dimensions), dtype)
        return jax.eval_shape(init, {**params, "centers": centers}, embedding)

    return Phase(
        name="finetune",
        epochs=config.finetune.epochs,
        batch_size=config.finetune.batch_size,
        begin=begin,
        step=step,
        model=lambda state: state.params,
        observe=observe,
        template=template,
        update=update,
        labels=lambda state: state.labels,
        warning=lambda info: empty_clusters_warning(info, n_clusters),
        done=done,
        beginning="k-means of the embeddings",
        shown=("loss", "change"),
    )
