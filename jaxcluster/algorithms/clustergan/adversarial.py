"""The main phase: steps of the discriminator, the generator and the clusterer in turn ([P1] Algorithm 1)."""

import math

import jax
import jax.numpy as jnp

from jaxcluster import losses
from jaxcluster.algorithms.clustergan import collapse, pace, prior
from jaxcluster.algorithms.clustergan.clusterer import clusterer_step
from jaxcluster.algorithms.clustergan.discriminator import discriminator_step
from jaxcluster.algorithms.clustergan.generator import generator_step
from jaxcluster.algorithms.clustergan.initial import InitialSettings, initial_clustering
from jaxcluster.algorithms.clustergan.training import NetworkState, Setup, TrainState, draw_step_inputs
from jaxcluster.algorithms.clustergan.views import flat
from jaxcluster.protocol import Batch, Phase

__all__ = ["adversarial_phase"]

Array = jax.Array
NEIGHBOR = 10  # whose distance is the unit of the virtual adversarial radius
RADIUS_SAMPLES, RADIUS_QUERIES = 10_000, 1000
BEGINNINGS = {  # by InitialSettings.method
    "none": "",
    "kmeans": "initial clustering of the embeddings",
    "spectral": "initial clustering of the embeddings' nearest neighbors (about two minutes for 70,000 samples)",
    "block_model": "likeliest partition of the graph of the embeddings' nearest neighbors",
}


def adversarial_phase(
    setup: Setup, initial: InitialSettings, *, num_samples: int, epochs: int, batch_size: int
) -> Phase:
    """Build the phase; see `jaxcluster.protocol.Phase` for its parts."""
    networks, n_clusters = setup.networks, setup.n_clusters
    dtype = setup.codes.dtype

    def init(key: Array, pseudo_labels: Array, confident: Array, proportions: Array, radius: Array) -> TrainState:
        keys = jax.random.split(key, 3)
        states = [
            NetworkState(variables, setup.optimizer.init(variables["params"]))
            for variables in (network.init(k) for network, k in zip(networks, keys, strict=True))
        ]
        return TrainState(
            *states,
            average=states[0].variables,
            labels=pseudo_labels,
            # Before training all outputs are alike and all losses tied; Theorem 1 then shares the weight equally.
            weights=jnp.full(num_samples, 1.0 if setup.pace.method == "none" else setup.pace.start, dtype),
            pseudo_labels=pseudo_labels,
            confident=confident,
            proportions=proportions,
            radius=radius,
            steps=jnp.int32(0),
        )

    def begin(model, features, images, key: Array, poll) -> TrainState:
        del model
        init_key, initial_key, radius_key = jax.random.split(key, 3)
        labels, confident = jnp.zeros(num_samples, jnp.int32), jnp.zeros(num_samples, dtype)
        proportions = jnp.full(n_clusters, 1 / n_clusters, dtype)
        if features is not None:
            labels, confident, proportions = initial_clustering(initial, features["embedding"], initial_key, poll)
        radius = jnp.zeros((), dtype)
        if setup.virtual > 0:
            poll()
            radius = setup.virtual * _neighbor_distance(setup, images, radius_key)
        return jax.jit(init)(init_key, labels, confident, proportions, radius.astype(dtype))

    def step(state: TrainState, batch: Batch, key: Array, *, axis_name: str | None = None):
        """One step of each network: discriminator, generator, clusterer, each after the updates before it."""
        inputs = draw_step_inputs(setup, state, batch, key, axis_name)
        state, discriminator = discriminator_step(setup, state, inputs)
        state, generator = generator_step(setup, state, inputs)
        state, clusterer = clusterer_step(setup, state, inputs)
        count = jnp.sum(batch.valid.astype(dtype))
        if axis_name is not None:
            count = jax.lax.psum(count, axis_name)
        terms = clusterer | generator | discriminator
        state = state._replace(steps=state.steps + 1)
        return state, {name: (value * count, count) for name, value in terms.items()}

    def observe(model: dict, images: Array, key: Array, index: Array) -> dict[str, Array]:
        del key, index
        logits, _, _ = networks.clusterer.apply(model["clusterer"], setup.views.clean(images))
        return {"embedding": jax.nn.sigmoid(logits)}

    def update(state: TrainState, features: dict, epoch: Array) -> tuple[TrainState, dict[str, Array]]:
        """Assign blocks and solve the self-paced weights for the next epoch."""
        outputs = features["embedding"]
        progress = ((epoch + 1) / epochs).astype(dtype)
        key = jax.random.fold_in(jax.random.key(0), epoch)  # chooses samples to compare with, nothing else
        labels = jnp.argmax(prior.block_means(outputs, n_clusters), axis=1).astype(jnp.int32)
        weights, entropies = pace.epoch_weights(setup.pace, outputs, labels, progress, key, n_clusters=n_clusters)
        info = collapse.figures(outputs, labels, state.proportions, key)
        info |= {
            "progress": progress,
            "entropy": jnp.mean(entropies),
            "selected": jnp.mean(weights),
            "change": jnp.mean((labels != state.labels).astype(dtype)),
        }
        return state._replace(labels=labels, weights=weights.astype(dtype)), info

    def template() -> TrainState:
        vector = jax.ShapeDtypeStruct((num_samples,), dtype)
        integers = jax.ShapeDtypeStruct((num_samples,), jnp.int32)
        shares = jax.ShapeDtypeStruct((n_clusters,), dtype)
        return jax.eval_shape(init, jax.random.key(0), integers, vector, shares, jax.ShapeDtypeStruct((), dtype))

    return Phase(
        name="adversarial",
        epochs=epochs,
        batch_size=batch_size,
        begin=begin,
        step=step,
        model=lambda state: {"clusterer": state.average, "generator": state.generator.variables},
        observe=observe,
        template=template,
        update=update,
        labels=lambda state: state.labels,
        warning=collapse.warning,
        beginning=BEGINNINGS[initial.method],
        shown=("loss", "discriminator_loss", "selected", "change", "mean_similarity"),
    )


def _neighbor_distance(setup: Setup, images: Array, key: Array) -> Array:
    """Mean distance to the 10th nearest neighbor, from a random part of the data."""
    n = len(images)
    some = jax.random.permutation(key, n)[: min(n, RADIUS_SAMPLES)]
    points = jax.jit(lambda part: flat(setup.views.clean(part)))(images[some])
    queries = jnp.arange(min(n, RADIUS_QUERIES))
    neighbor = min(NEIGHBOR, max(math.ceil(len(some) / 2), 1), len(some) - 1)
    return jnp.mean(jax.jit(losses.neighbor_distance, static_argnums=1)(points, neighbor, queries=queries))
