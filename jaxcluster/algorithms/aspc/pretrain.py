"""First phase of ASPC-DA: an autoencoder learns to reconstruct augmented images ([P2] section 3.3.1)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxcluster import losses
from jaxcluster.protocol import Batch, Phase

__all__ = ["PretrainState", "pretrain_phase"]

Array = jax.Array


class PretrainState(NamedTuple):
    """Training state of the autoencoder."""

    params: dict[str, Any]  # {"encoder": ..., "decoder": ...}
    opt_state: optax.OptState


def pretrain_phase(config, network, inputs, optimizer: optax.GradientTransformation) -> Phase:
    """Build the phase; see `jaxcluster.protocol.Phase` for its parts."""

    def init(key: Array) -> PretrainState:
        params = network.init(key)
        return PretrainState(params, optimizer.init(params))

    def step(state: PretrainState, batch: Batch, key: Array, *, axis_name: str | None = None):
        """Descend the reconstruction error; input and target are the same augmented image ([P2] Eq. 13)."""
        if config.pretrain.augment:
            x = inputs.augmented(key, batch.images, batch.position)
        else:
            x = inputs.clean(batch.images)

        def loss_of(params):
            errors = losses.reconstruction(x, network.decode(params["decoder"], network.encode(params["encoder"], x)))
            weights = jnp.ones_like(errors)
            return losses.weighted_mean(errors, weights, valid=batch.valid, over="all", axis_name=axis_name)

        (loss, count), gradient = jax.value_and_grad(loss_of, has_aux=True)(state.params)
        if axis_name is not None:
            loss, gradient = jax.lax.psum((loss, gradient), axis_name)
        updates, opt_state = optimizer.update(gradient, state.opt_state, state.params)
        return PretrainState(optax.apply_updates(state.params, updates), opt_state), {"loss": (loss * count, count)}

    def observe(model: dict, images: Array, key: Array, index: Array) -> dict[str, Array]:
        del key, index
        return {"embedding": network.encode(model["encoder"], inputs.clean(images))}

    return Phase(
        name="pretrain",
        epochs=config.pretrain.epochs,
        batch_size=config.pretrain.batch_size,
        begin=lambda model, rows, key, poll: jax.jit(init)(key),
        step=step,
        model=lambda state: state.params,
        observe=observe,
        template=lambda: jax.eval_shape(init, jax.random.key(0)),
    )
