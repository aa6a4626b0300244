"""The generator's step: images that the discriminator takes for real ones of their code."""

import jax

from jaxcluster import losses
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

    Differs from the paper in an optional cycle term, ‖C(G(z)) − code‖²: the clusterer, run on the generated images as
    a batch of their own, must find the code again.
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
        share, shares = weighted_sum(inputs, terms)
        adversarial = [shares[name] for name in ("joint", "image") if name in shares]
        return share, (stats, {"generator_loss": sum(adversarial) / len(adversarial)})

    network, terms = apply_gradients(setup.optimizer, state.generator, loss_of, inputs.axis_name)
    return state._replace(generator=network), terms
