"""ClusterGAN as an `Algorithm`: its networks, its phases, its outputs."""

import math

import jax
import jax.numpy as jnp
import optax

from jaxcluster import losses, networks
from jaxcluster.algorithms.clustergan import prior
from jaxcluster.algorithms.clustergan.adversarial import adversarial_phase
from jaxcluster.algorithms.clustergan.cluster import block_outputs, cluster_phase, outputs
from jaxcluster.algorithms.clustergan.initial import InitialSettings
from jaxcluster.algorithms.clustergan.training import PaceSettings, PriorSettings, Setup, WarmUp, Weights
from jaxcluster.algorithms.clustergan.views import views
from jaxcluster.algorithms.inputs import flat_inputs
from jaxcluster.algorithms.pretraining import optimizer, pretrain_phase
from jaxcluster.protocol import Algorithm

__all__ = ["build", "initial_from_config", "setup_from_config"]

Array = jax.Array
GENERATED = 10  # images a cluster, in the picture


def build(config, *, num_samples: int, sample_shape: tuple[int, ...], offset: float, scale: float) -> Algorithm:
    """Build ClusterGAN for one data set.

    Args:
        config: as the table of settings gives it, checked.
        num_samples: n.
        sample_shape: shape of one sample, (h, w, c) or (d,).
        offset: what is subtracted from stored values, and
        scale: what the difference is multiplied by, to bring them into [0, 1].

    Returns:
        `Algorithm` with the phases "pretrain" (if there is an initial clustering), "adversarial" and "cluster".
    """
    pixels = {"sample_shape": sample_shape, "offset": offset, "scale": scale}
    setup = setup_from_config(config, num_samples=num_samples, **pixels)
    adversarial = adversarial_phase(
        setup,
        initial_from_config(config),
        num_samples=num_samples,
        epochs=config.adversarial.epochs,
        batch_size=config.adversarial.batch_size,
    )
    cluster = cluster_phase(
        config.cluster,
        setup.codes,
        adversarial.observe,
        lambda: jax.eval_shape(adversarial.model, adversarial.template()),
        batch_size=config.adversarial.batch_size,
    )
    phases = (adversarial, cluster)
    if config.initial.method != "none":
        autoencoder = networks.autoencoder(
            math.prod(sample_shape),
            hidden=tuple(config.initial.hidden),
            embedding=config.initial.embedding,
            dtype=setup.codes.dtype,
        )
        inputs = flat_inputs(config.augment, **pixels)
        phases = (pretrain_phase(config.pretrain, autoencoder, inputs, optimizer(config.pretrain)), *phases)
    return Algorithm(
        name="clustergan",
        phases=phases,
        outputs=outputs,
        start_phase="adversarial",
        start_outputs=block_outputs(setup.codes),
        generate=lambda model, key: _generate(setup, model, key),
        similarity=losses.similarity,
    )


def setup_from_config(config, *, num_samples: int, sample_shape: tuple[int, ...], offset: float, scale: float) -> Setup:
    """Build the networks, and read the settings of the steps; arguments as for `build`."""
    dtype = jnp.zeros(()).dtype  # float64 where jax_enable_x64 is on
    steps = -(-num_samples // config.adversarial.batch_size) * config.adversarial.epochs
    weights = Weights(**config.weights)
    if config.initial.method == "none":  # and so no pseudo-labels
        weights = weights._replace(pseudo_labels=0.0)
    return Setup(
        networks=_networks(config, sample_shape, dtype),
        views=views(config.consistency, sample_shape, offset=offset, scale=scale, output=config.network.output),
        optimizer=_adam(config.adversarial, steps),
        codes=prior.block_codes(config.n_clusters, config.m, dtype),
        total_steps=steps,
        weights=weights,
        warm_up=WarmUp(**config.warm_up),
        prior=PriorSettings(**{name: config.prior[name] for name in PriorSettings._fields}),
        pace=PaceSettings(**config.pace),
        form=config.adversarial.form,
        noise_end=config.network.noise_end,
        average=config.adversarial.average,
        virtual=config.consistency.virtual,
        pseudo_labels_until=config.initial.pseudo_labels_until,
    )


def initial_from_config(config) -> InitialSettings:
    """The settings of the initial clustering."""
    initial = config.initial
    return InitialSettings(
        n_clusters=config.n_clusters,
        method=initial.method,
        n_neighbors=initial.n_neighbors,
        dimensions=tuple(initial.dimensions),
        n_init=initial.n_init,
        confident=initial.confident,
        uniform=config.prior.proportions == "uniform",
    )


def _networks(config, sample_shape: tuple[int, ...], dtype) -> networks.Players:
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


def _generate(setup: Setup, model: dict, key: Array) -> tuple[Array, Array]:
    """Generate images of every cluster."""
    clusters = jnp.repeat(jnp.arange(setup.n_clusters), GENERATED)
    noise_key, style_key, context_key = jax.random.split(key, 3)
    position = jnp.arange(len(clusters))
    codes = prior.noisy_codes(
        noise_key, setup.codes[clusters], position, width=setup.prior.width_end, kind=setup.prior.noise
    )
    style = jax.random.uniform(style_key, (len(clusters), setup.prior.style), codes.dtype)
    # In training mode, as the generator was trained: its batch statistics are part of what it generates.
    context = networks.Context(context_key, position, jnp.ones(len(clusters), bool))
    images, _ = setup.networks.generator.apply(model["generator"], jnp.concatenate([codes, style], axis=1), context)
    return setup.views.shown(images), clusters
