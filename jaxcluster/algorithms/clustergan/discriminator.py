"""The discriminator's step: tell the clusterer's pairs (C(x), x) from the generator's (z, G(z))."""

import jax

from jaxcluster import losses
from jaxcluster.algorithms.clustergan.training import (
    ForwardPass,
    Setup,
    StepInputs,
    TrainState,
    apply_gradients,
    weighted_sum,
)

__all__ = ["discriminator_step"]

Array = jax.Array
SCORES = ("joint", "image", "code")


def discriminator_step(setup: Setup, state: TrainState, inputs: StepInputs) -> tuple[TrainState, dict[str, Array]]:
    """Raise log D(C(x), x) + log(1 − D(z, G(z))) ([P1] Eq. 2 and Algorithm 1, line 3), for each score that is on.

    Differs from the paper in the further scores of x alone and of z alone (weight 0 switches one off). With the score
    of the pair alone the discriminator can recognize every pair by its image; the clusterer then gets no gradient
    about codes.
    """
    networks, weights = setup.networks, setup.weights._asdict()
    names = [name for name in SCORES if weights[name] > 0]
    if not names:
        return state, {}
    logits, _, _ = networks.clusterer.apply(
        state.clusterer.variables, inputs.images, inputs.context(ForwardPass.D_CLUSTERER)
    )
    generated, _ = networks.generator.apply(
        state.generator.variables, inputs.latent, inputs.context(ForwardPass.D_GENERATOR)
    )
    outputs, generated = jax.lax.stop_gradient((jax.nn.sigmoid(logits), generated))

    def loss_of(variables):
        real = networks.discriminator.apply(variables, outputs, inputs.images, inputs.context(ForwardPass.D_REAL))
        fake = networks.discriminator.apply(
            variables, inputs.noisy_codes, generated, inputs.context(ForwardPass.D_GENERATED)
        )
        terms = {}
        for name in names:
            terms[f"real_{name}"] = (weights[name], losses.adversarial_loss(getattr(real, name), target=1.0))
            terms[f"fake_{name}"] = (weights[name], losses.adversarial_loss(getattr(fake, name), target=0.0))
        share, shares = weighted_sum(inputs, terms)
        each = {name: (shares[f"real_{name}"] + shares[f"fake_{name}"]) / 2 for name in names}
        info = {f"discriminator_{name}_loss": loss for name, loss in each.items()}
        return share, (variables["stats"], info | {"discriminator_loss": sum(each.values()) / len(each)})

    network, terms = apply_gradients(setup.optimizer, state.discriminator, loss_of, inputs.axis_name)
    return state._replace(discriminator=network), terms
