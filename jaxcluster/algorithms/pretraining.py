"""The first phase: an autoencoder learns to reconstruct augmented images ([P2] section 3.3.1)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxcluster import losses
from jaxcluster.protocol import Batch, Phase

__all__ = ["PretrainState", "gradient_step", "optimizer", "pretrain_phase"]

Array = jax.Array


class PretrainState(NamedTuple):
    """Training state of the autoencoder."""

    params: dict[str, Any]  # {"encoder": ..., "decoder": ...}
    opt_state: optax.OptState


def pretrain_phase(settings, network, inputs, transform: optax.GradientTransformation) -> Phase:
    """Build the phase; see `jaxcluster.protocol.Phase` for its parts.

    Args:
        settings: of `groups.PRETRAIN`.
        network: `networks.Autoencoder`.
        inputs: `inputs.Inputs`.
        transform: the optimizer.
    """

    def init(key: Array) -> PretrainState:
        params = network.init(key)
        return PretrainState(params, transform.init(params))

    def step(state: PretrainState, batch: Batch, key: Array, *, axis_name: str | None = None):
        """Descend the reconstruction error; input and target are the same augmented image ([P2] Eq. 13)."""
        x = inputs.augmented(key, batch.images, batch.position) if settings.augment else inputs.clean(batch.images)

        def loss_of(params):
            errors = losses.reconstruction(x, network.decode(params["decoder"], network.encode(params["encoder"], x)))
            weights = jnp.ones_like(errors)
            return losses.weighted_mean(errors, weights, valid=batch.valid, over="all", axis_name=axis_name)

        params, opt_state, info = gradient_step(transform, state.params, state.opt_state, loss_of, axis_name)
        return PretrainState(params, opt_state), info

    def observe(model: dict, images: Array, key: Array, index: Array) -> dict[str, Array]:
        del key, index
        return {"embedding": network.encode(model["encoder"], inputs.clean(images))}

    return Phase(
        name="pretrain",
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        begin=lambda model, features, images, key, poll: jax.jit(init)(key),
        step=step,
        model=lambda state: state.params,
        observe=observe,
        template=lambda: jax.eval_shape(init, jax.random.key(0)),
    )


def gradient_step(
    transform: optax.GradientTransformation, params: Any, opt_state: optax.OptState, loss_of, axis_name: str | None
) -> tuple[Any, optax.OptState, dict[str, tuple[Array, Array]]]:
    """Take one step of an optimizer on a loss that is spread over devices.

    Args:
        transform: the optimizer.
        params: before the step.
        opt_state: before the step.
        loss_of: params -> (share, count), as `losses.weighted_mean` gives them.
        axis_name: the mapped axis that the batch is spread over.

    Returns:
        (params, opt_state, info): after the step, and the loss as the trainer wants it.
    """
    (loss, count), gradient = jax.value_and_grad(loss_of, has_aux=True)(params)
    if axis_name is not None:
        loss, gradient = jax.lax.psum((loss, gradient), axis_name)
    updates, opt_state = transform.update(gradient, opt_state, params)
    return optax.apply_updates(params, updates), opt_state, {"loss": (loss * count, count)}


def optimizer(settings) -> optax.GradientTransformation:
    """SGD with momentum, or Adam, as the settings of a phase say."""
    if settings.optimizer == "sgd":
        return optax.sgd(settings.learning_rate, momentum=settings.momentum or None)
    return optax.adam(settings.learning_rate, eps=1e-7)  # eps of the authors' framework
