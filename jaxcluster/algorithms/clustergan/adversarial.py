"""The main phase: discriminator, generator and clusterer take their steps in turn ([P1] Algorithm 1)."""

import math

import jax
import jax.numpy as jnp

from jaxcluster import losses
from jaxcluster.algorithms.clustergan import collapse, pace, prior
from jaxcluster.algorithms.clustergan.clusterer import clusterer_step
from jaxcluster.algorithms.clustergan.discriminator import discriminator_step
from jaxcluster.algorithms.clustergan.game import Game, GameState, Player, take_turn
from jaxcluster.algorithms.clustergan.generator import generator_step
from jaxcluster.algorithms.clustergan.initial import initial_clustering
from jaxcluster.algorithms.clustergan.views import flat
from jaxcluster.protocol import Batch, Phase

__all__ = ["adversarial_phase"]

Array = jax.Array
NEIGHBOR = 10  # whose distance is the unit of the virtual adversarial radius
RADIUS_SAMPLES, RADIUS_QUERIES = 10_000, 1000
BEGINNINGS = {  # by config.initial.method
    "none": "",
    "kmeans": "initial clustering of the embeddings",
    "spectral": "initial clustering of the embeddings' nearest neighbors (about two minutes for 70,000 samples)",
}


def adversarial_phase(game: Game, num_samples: int) -> Phase:
    """Build the phase; see `jaxcluster.protocol.Phase` for its parts."""
    config, players = game.config, game.players
    dtype = game.codes.dtype

    def init(key: Array, guide: Array, trusted: Array, proportions: Array, radius: Array) -> GameState:
        keys = jax.random.split(key, 3)
        made = [
            Player(variables, game.transform.init(variables["params"]))
            for variables in (player.init(k) for player, k in zip(players, keys, strict=True))
        ]
        return GameState(
            *made,
            average=made[0].variables,
            labels=guide,
            # Before training all outputs are alike and all losses tied; Theorem 1 then shares the weight equally.
            weights=jnp.full(num_samples, 1.0 if config.pace.method == "none" else config.pace.start, dtype),
            guide=guide,
            trusted=trusted,
            proportions=proportions,
            radius=radius,
            steps=jnp.int32(0),
        )

    def begin(model, rows, images, key: Array, poll) -> GameState:
        del model
        init_key, guide_key, radius_key = jax.random.split(key, 3)
        guide, trusted = jnp.zeros(num_samples, jnp.int32), jnp.zeros(num_samples, dtype)
        proportions = jnp.full(config.n_clusters, 1 / config.n_clusters, dtype)
        if rows is not None:
            guide, trusted, proportions = initial_clustering(config, rows["embedding"], guide_key, poll)
        radius = jnp.zeros((), dtype)
        if config.consistency.virtual > 0:
            poll()
            radius = config.consistency.virtual * _neighbor_distance(game, images, radius_key)
        return jax.jit(init)(init_key, guide, trusted, proportions, radius.astype(dtype))

    def step(state: GameState, batch: Batch, key: Array, *, axis_name: str | None = None):
        """One turn: discriminator, generator, clusterer, each against the others as they now are."""
        turn = take_turn(game, state, batch, key, axis_name)
        state, discriminator = discriminator_step(game, state, turn)
        state, generator = generator_step(game, state, turn)
        state, clusterer = clusterer_step(game, state, turn)
        count = jnp.sum(batch.valid.astype(dtype))
        if axis_name is not None:
            count = jax.lax.psum(count, axis_name)
        terms = clusterer | generator | discriminator
        state = state._replace(steps=state.steps + 1)
        return state, {name: (value * count, count) for name, value in terms.items()}

    def observe(model: dict, images: Array, key: Array, index: Array) -> dict[str, Array]:
        del key, index
        logits, _, _ = players.clusterer.apply(model["clusterer"], game.views.clean(images))
        return {"embedding": jax.nn.sigmoid(logits)}

    def update(state: GameState, rows: dict, epoch: Array) -> tuple[GameState, dict[str, Array]]:
        """Assign blocks and solve the self-paced weights for the next epoch."""
        outputs = rows["embedding"]
        progress = ((epoch + 1) / config.adversarial.epochs).astype(dtype)
        key = jax.random.fold_in(jax.random.key(0), epoch)  # chooses samples to compare with, nothing else
        labels = jnp.argmax(prior.block_means(outputs, config.n_clusters), axis=1).astype(jnp.int32)
        weights, entropies = pace.epoch_weights(config, outputs, labels, progress, key)
        info = collapse.figures(outputs, labels, state.proportions, key)
        info |= {
            "progress": progress,
            "entropy": jnp.mean(entropies),
            "selected": jnp.mean(weights),
            "change": jnp.mean((labels != state.labels).astype(dtype)),
        }
        return state._replace(labels=labels, weights=weights.astype(dtype)), info

    def template() -> GameState:
        vector = jax.ShapeDtypeStruct((num_samples,), dtype)
        integers = jax.ShapeDtypeStruct((num_samples,), jnp.int32)
        shares = jax.ShapeDtypeStruct((config.n_clusters,), dtype)
        return jax.eval_shape(init, jax.random.key(0), integers, vector, shares, jax.ShapeDtypeStruct((), dtype))

    return Phase(
        name="adversarial",
        epochs=config.adversarial.epochs,
        batch_size=config.adversarial.batch_size,
        begin=begin,
        step=step,
        model=lambda state: {"clusterer": state.average, "generator": state.generator.variables},
        observe=observe,
        template=template,
        update=update,
        labels=lambda state: state.labels,
        warning=collapse.warning,
        beginning=BEGINNINGS[config.initial.method],
        shown=("loss", "discriminator_loss", "selected", "change", "mean_similarity"),
    )


def _neighbor_distance(game: Game, images: Array, key: Array) -> Array:
    """Mean distance to the 10th nearest neighbor, from a random part of the data."""
    n = len(images)
    some = jax.random.permutation(key, n)[: min(n, RADIUS_SAMPLES)]
    points = jax.jit(lambda part: flat(game.views.clean(part)))(images[some])
    queries = jnp.arange(min(n, RADIUS_QUERIES))
    neighbor = min(NEIGHBOR, max(math.ceil(len(some) / 2), 1), len(some) - 1)
    return jnp.mean(jax.jit(losses.neighbor_distance, static_argnums=1)(points, neighbor, queries=queries))
