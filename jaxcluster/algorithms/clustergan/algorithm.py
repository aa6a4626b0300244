"""ClusterGAN as an `Algorithm`: its networks, its phases, its outputs."""

import math

import jax
import jax.numpy as jnp
import optax

from jaxcluster import losses, networks
from jaxcluster.algorithms.clustergan import prior
from jaxcluster.algorithms.clustergan.adversarial import adversarial_phase
from jaxcluster.algorithms.clustergan.cluster import block_outputs, cluster_phase, outputs
from jaxcluster.algorithms.clustergan.game import Game
from jaxcluster.algorithms.clustergan.views import views
from jaxcluster.algorithms.inputs import flat_inputs
from jaxcluster.algorithms.pretraining import optimizer, pretrain_phase
from jaxcluster.protocol import Algorithm

__all__ = ["build"]

Array = jax.Array
DRAWN = 10  # generated images a cluster, in the picture


def build(config, *, num_samples: int, sample_shape: tuple[int, ...], offset: float, scale: float) -> Algorithm:
    """Build ClusterGAN for one data set.

    Args:
        config: as `defaults.get_config()` gives it, checked.
        num_samples: n.
        sample_shape: shape of one sample, (h, w, c) or (d,).
        offset: what is subtracted from stored values, and
        scale: what the difference is multiplied by, to bring them into [0, 1].

    Returns:
        `Algorithm` with the phases "pretrain" (if there is an initial clustering), "adversarial" and "cluster".
    """
    dtype = jnp.zeros(()).dtype  # float64 where jax_enable_x64 is on
    steps = -(-num_samples // config.adversarial.batch_size) * config.adversarial.epochs
    game = Game(
        config=config,
        players=build_players(config, sample_shape, dtype),
        views=views(config.consistency, sample_shape, offset=offset, scale=scale, output=config.network.output),
        transform=_adam(config.adversarial, steps),
        codes=prior.block_codes(config.n_clusters, config.m, dtype),
        total_steps=steps,
    )
    adversarial = adversarial_phase(game, num_samples)
    cluster = cluster_phase(
        game, adversarial.observe, lambda: jax.eval_shape(adversarial.model, adversarial.template())
    )
    phases = (adversarial, cluster)
    if config.initial.method != "none":
        autoencoder = networks.autoencoder(
            math.prod(sample_shape),
            hidden=tuple(config.initial.hidden),
            embedding=config.initial.embedding,
            dtype=dtype,
        )
        inputs = flat_inputs(config.augment, sample_shape, offset, scale)
        phases = (pretrain_phase(config.pretrain, autoencoder, inputs, optimizer(config.pretrain)), *phases)
    return Algorithm(
        name="clustergan",
        phases=phases,
        outputs=outputs,
        start_phase="adversarial",
        start_outputs=block_outputs(game.codes),
        generate=lambda model, key: _generate(game, model, key),
        similarity=losses.similarity,
    )


def build_players(config, sample_shape: tuple[int, ...], dtype) -> networks.Players:
    """Build the networks that the settings ask for."""
    network = config.network
    names = ("clusterer_hidden", "generator_hidden", "discriminator_hidden")
    widths = {name: tuple(network[name]) or None for name in names}  # None: the family's own
    return networks.players(
        network.family,
        sample_shape=sample_shape,
        units=config.m,
        inputs=config.m + config.prior.style,
        output=network.output,
        head=network.head,
        clusterer_noise=network.clusterer_noise,
        image_noise=network.image_noise,
        hidden_noise=network.hidden_noise,
        code_noise=network.code_noise,
        scores=tuple(name for name in ("joint", "image", "code") if config.weights[name] > 0),
        dtype=dtype,
        **widths,
    )


def _adam(settings, steps: int) -> optax.GradientTransformation:
    rate = optax.linear_schedule(settings.learning_rate, settings.learning_rate_end, steps)
    return optax.adam(rate, b1=settings.beta1, b2=settings.beta2, eps=1e-8)


def _generate(game: Game, model: dict, key: Array) -> tuple[Array, Array]:
    """Draw images for every cluster."""
    clusters = jnp.repeat(jnp.arange(len(game.codes)), DRAWN)
    noise_key, style_key, context_key = jax.random.split(key, 3)
    settings, position = game.config.prior, jnp.arange(len(clusters))
    codes = prior.noisy_codes(
        noise_key, game.codes[clusters], position, width=settings.width_end, reading=settings.noise
    )
    style = jax.random.uniform(style_key, (len(clusters), settings.style), codes.dtype)
    # In training mode, as the generator was trained: its batch statistics are part of what it draws.
    context = networks.Context(context_key, position, jnp.ones(len(clusters), bool))
    images, _ = game.players.generator.apply(model["generator"], jnp.concatenate([codes, style], axis=1), context)
    return game.views.shown(images), clusters
