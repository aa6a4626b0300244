"""The clusterer's step: adversarial, entropy and consistency losses, a cycle, and pseudo-labels at first."""

import jax
import jax.numpy as jnp
import optax

from jaxcluster import losses
from jaxcluster.algorithms.clustergan.pace import batch_weights
from jaxcluster.algorithms.clustergan.training import (
    ForwardPass,
    Setup,
    StepInputs,
    TrainState,
    adversarial_terms,
    apply_gradients,
    weighted_sum,
)

__all__ = ["clusterer_step"]

Array = jax.Array


def clusterer_step(setup: Setup, state: TrainState, inputs: StepInputs) -> tuple[TrainState, dict[str, Array]]:
    """Descend all terms of the clusterer ([P1] Algorithm 1, line 5).

        log D(C(x), x) + ν l + ‖C(x) − C(x̃)‖²

    Differs from the paper in the weights of the terms (the paper gives none), in the non-saturating form of the first,
    and in two optional ones: the cycle ‖C(G(z)) − code‖², and, in the first part of training, the cross-entropy with
    the pseudo-labels of an initial clustering on its confident samples.
    """
    networks, weights, warm_up = setup.networks, setup.weights, setup.warm_up

    def apply(variables, x, forward_pass):
        logits, _, stats = networks.clusterer.apply(variables, x, inputs.context(forward_pass))
        return logits, stats

    def loss_of(variables):
        logits, stats = apply(variables, inputs.images, ForwardPass.C_CLUSTERER)
        outputs = jax.nn.sigmoid(logits)
        terms = {}
        if weights.joint > 0 or weights.code > 0:
            terms |= _adversarial(setup, state, inputs, outputs)
        if weights.entropy > 0:
            weight = weights.entropy * setup.ramp(state, warm_up.entropy)
            terms["entropy"] = (weight, _paced_entropy(setup, state, inputs, outputs))
        varied = _variations(setup, state, inputs, variables, apply)
        if varied:
            weight = weights.consistency * setup.ramp(state, warm_up.consistency)
            distances = sum(losses.consistency(outputs, jax.nn.sigmoid(other)) for other in varied)
            terms["consistency"] = (weight, distances)
        if weights.cycle > 0 and (weights.joint > 0 or weights.image > 0):
            images, _ = networks.generator.apply(
                state.generator.variables, inputs.latent, inputs.context(ForwardPass.C_CYCLE_GENERATOR)
            )
            found, _ = apply(variables, jax.lax.stop_gradient(images), ForwardPass.C_CYCLE)
            weight = weights.cycle * setup.ramp(state, warm_up.cycle)
            terms["cycle"] = (weight, losses.consistency(jax.nn.sigmoid(found), inputs.codes))
        if weights.pseudo_labels > 0:
            left = jnp.maximum(1 - setup.progress(state) / max(setup.pseudo_labels_until, 1e-6), 0)
            terms["pseudo_labels"] = (
                weights.pseudo_labels * left,
                _pseudo_label_loss(setup, state, inputs, [logits, *varied]),
            )
        share, shares = weighted_sum(inputs, terms)
        return share, (stats, {"loss": share, **{f"{name}_loss": value for name, value in shares.items()}})

    network, terms = apply_gradients(setup.optimizer, state.clusterer, loss_of, inputs.axis_name)
    return state._replace(clusterer=network, average=_average(setup, state, network.variables)), terms


def _adversarial(setup: Setup, state: TrainState, inputs: StepInputs, outputs: Array) -> dict[str, tuple]:
    """Warmed-up weight and losses of the scores that the clusterer trains towards 0."""
    ramp = setup.ramp(state, setup.warm_up.adversarial)
    scores = setup.networks.discriminator.apply(
        state.discriminator.variables, outputs, inputs.images, inputs.context(ForwardPass.C_DISCRIMINATOR)
    )
    terms = adversarial_terms(setup, scores, ("joint", "code"), target=0.0)
    return {name: (ramp * weight, each) for name, (weight, each) in terms.items()}


def _paced_entropy(setup: Setup, state: TrainState, inputs: StepInputs, outputs: Array) -> Array:
    """ν_i l_i of Eq. 3 and 6 over the global batch."""
    entropies = losses.pairwise_entropy(outputs, inputs.batch.valid, axis_name=inputs.axis_name)
    if setup.pace.scope == "batch":
        weights = batch_weights(
            setup.pace,
            outputs,
            entropies,
            setup.progress(state),
            n_clusters=setup.n_clusters,
            valid=inputs.batch.valid,
            axis_name=inputs.axis_name,
        )
    else:
        weights = state.weights[inputs.batch.index]
    return jax.lax.stop_gradient(weights) * entropies


def _variations(setup: Setup, state: TrainState, inputs: StepInputs, variables, apply) -> list[Array]:
    """Logits of the variations x̃ of Eq. 7."""
    logits: list[Array] = []
    if setup.weights.consistency == 0:
        return logits
    random_key, virtual_key = jax.random.split(jax.random.fold_in(inputs.key, int(ForwardPass.C_VARIATIONS)))
    if setup.views.varied is not None:
        x = setup.views.varied(random_key, inputs.images, inputs.batch.position)
        logits.append(apply(variables, x, ForwardPass.C_RANDOM)[0])
    if setup.virtual > 0:
        constant = jax.lax.stop_gradient(variables)
        x = losses.virtual_adversarial(
            virtual_key,
            lambda x: jax.nn.sigmoid(apply(constant, x, ForwardPass.C_CLUSTERER)[0]),
            inputs.images,
            inputs.batch.position,
            radius=state.radius,
            valid=inputs.batch.valid,
        )
        logits.append(apply(variables, x, ForwardPass.C_VIRTUAL)[0])
    return logits


def _pseudo_label_loss(setup: Setup, state: TrainState, inputs: StepInputs, views: list[Array]) -> Array:
    """Cross-entropy of each view's units with the code of the pseudo-label, on confident samples."""
    target = setup.codes[state.pseudo_labels[inputs.batch.index]]
    confident = state.confident[inputs.batch.index]
    each = sum(jnp.sum(optax.sigmoid_binary_cross_entropy(logits, target), axis=1) for logits in views)
    return confident * each / len(views)


def _average(setup: Setup, state: TrainState, variables):
    """Running mean of the clusterer; over fewer steps at first, so that the random start is soon forgotten."""
    steps = state.steps.astype(setup.codes.dtype)
    keep = jnp.minimum(setup.average, (1 + steps) / (10 + steps))
    keep = jnp.where(setup.average > 0, keep, 0)
    return jax.tree.map(lambda old, new: keep * old + (1 - keep) * new, state.average, variables)
