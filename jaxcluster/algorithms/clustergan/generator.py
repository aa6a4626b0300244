"""The generator's step: images that the discriminator takes for real ones of their code."""

import jax
import jax.numpy as jnp

from jaxcluster import losses
from jaxcluster.algorithms.clustergan import prior
from jaxcluster.algorithms.clustergan.training import (
    ForwardPass,
    Setup,
    StepInputs,
    TrainState,
    adversarial_terms,
    apply_gradients,
    weighted_sum,
)

__all__ = ["generator_step"]

Array = jax.Array


def generator_step(setup: Setup, state: TrainState, inputs: StepInputs) -> tuple[TrainState, dict[str, Array]]:
    """Lower log(1 − D(z, G(z))) ([P1] Eq. 2 and Algorithm 1, line 4), by default in its non-saturating form.

    Differs from the paper in two optional terms. The cycle, ‖C(G(z)) − code‖²: the clusterer, run on the generated
    images as a batch of their own, must find the code again. Diversity, (1 − v/w)²: the variance v of the generated
    images of a cluster shall be that of the real ones, w; without it the style is ignored.
    """
    networks, weights = setup.networks, setup.weights
    if weights.joint == 0 and weights.image == 0:
        return state, {}

    def loss_of(variables):
        images, stats = networks.generator.apply(variables, inputs.latent, inputs.context(ForwardPass.G_GENERATOR))
        scores = networks.discriminator.apply(
            state.discriminator.variables,
            inputs.noisy_codes,
            images,
            inputs.context(ForwardPass.G_DISCRIMINATOR),
        )
        terms = adversarial_terms(setup, scores, ("joint", "image"), target=1.0)
        if weights.cycle_generator > 0:
            logits, _, _ = networks.clusterer.apply(
                state.clusterer.variables, images, inputs.context(ForwardPass.G_CYCLE)
            )
            weight = weights.cycle_generator * setup.ramp(state, setup.warm_up.cycle)
            terms["cycle"] = (weight, losses.consistency(jax.nn.sigmoid(logits), inputs.codes))
        if weights.diversity > 0:
            terms["diversity"] = (weights.diversity, _diversity_loss(setup, state, inputs, images))
        share, shares = weighted_sum(inputs, terms)
        adversarial = [shares[name] for name in ("joint", "image") if name in shares]
        told = {"generator_loss": sum(adversarial) / len(adversarial)}
        if "diversity" in shares:
            told["diversity_loss"] = shares["diversity"]
        return share, (stats, told)

    network, terms = apply_gradients(setup.optimizer, state.generator, loss_of, inputs.axis_name)
    return state._replace(generator=network), terms


def _diversity_loss(setup: Setup, state: TrainState, inputs: StepInputs, images: Array) -> Array:
    """(1 − v/w)², the same for every sample; the clusters of the real images are those that the clusterer sees."""
    logits, _, _ = setup.networks.clusterer.apply(
        state.clusterer.variables, inputs.images, inputs.context(ForwardPass.G_REAL)
    )
    n_clusters, valid = setup.n_clusters, inputs.batch.valid
    seen = jnp.argmax(prior.block_means(logits, n_clusters), axis=1)
    drawn_for = jnp.argmax(prior.block_means(inputs.codes, n_clusters), axis=1)
    real, drawn = (
        losses.within_cluster_variance(x, clusters, n_clusters, valid, axis_name=inputs.axis_name)
        for x, clusters in ((inputs.images, seen), (images, drawn_for))
    )
    ratio = drawn / jnp.maximum(jax.lax.stop_gradient(real), 1e-6)
    return jnp.broadcast_to(jnp.square(1 - ratio), valid.shape)
