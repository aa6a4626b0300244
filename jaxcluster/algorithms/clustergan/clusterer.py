"""The clusterer's step: codes that pass for the prior's, alike or unlike, and the same for an image's variations."""

import jax
import jax.numpy as jnp
import optax

from jaxcluster import losses
from jaxcluster.algorithms.clustergan.game import Game, GameState, Turn, adversarial, descend, total
from jaxcluster.algorithms.clustergan.pace import batch_weights

__all__ = ["clusterer_step"]

Array = jax.Array


def clusterer_step(game: Game, state: GameState, turn: Turn) -> tuple[GameState, dict[str, Array]]:
    """Descend all terms of the clusterer ([P1] Algorithm 1, line 5).

        log D(C(x), x) + ν l + ‖C(x) − C(x̃)‖²

    Differs from the paper in the weights of the terms (the paper gives none), in the non-saturating form of the first,
    and in two optional ones: the cycle ‖C(G(z)) − code‖², and, in the first part of training, the cross-entropy with
    an initial clustering on the samples it is sure of.
    """
    config, players = game.config, game.players

    def apply(variables, x, use):
        logits, _, stats = players.clusterer.apply(variables, x, turn.context(use))
        return logits, stats

    def loss_of(variables):
        logits, stats = apply(variables, turn.images, 7)
        outputs = jax.nn.sigmoid(logits)
        ramp = game.ramp(state, "adversarial")
        terms = {}
        if config.weights.joint > 0 or config.weights.code > 0:
            scores = players.discriminator.apply(state.discriminator.variables, outputs, turn.images, turn.context(8))
            played = adversarial(game, scores, ("joint", "code"), target=0.0)
            terms |= {name: (ramp * weight, each) for name, (weight, each) in played.items()}
        if config.weights.entropy > 0:
            weight = config.weights.entropy * game.ramp(state, "entropy")
            terms["entropy"] = (weight, _paced_entropy(game, state, turn, outputs))
        varied = _variations(game, state, turn, variables, apply)
        if varied:
            weight = config.weights.consistency * game.ramp(state, "consistency")
            apart = sum(losses.consistency(outputs, jax.nn.sigmoid(other)) for other in varied)
            terms["consistency"] = (weight, apart)
        if config.weights.cycle > 0 and (config.weights.joint > 0 or config.weights.image > 0):
            images, _ = players.generator.apply(state.generator.variables, turn.inputs, turn.context(9))
            found, _ = apply(variables, jax.lax.stop_gradient(images), 10)
            weight = config.weights.cycle * game.ramp(state, "cycle")
            terms["cycle"] = (weight, losses.consistency(jax.nn.sigmoid(found), turn.codes))
        if config.initial.method != "none" and config.weights.pseudo_labels > 0:
            weight = config.weights.pseudo_labels * jnp.maximum(
                1 - game.progress(state) / max(config.initial.pseudo_labels_until, 1e-6), 0
            )
            terms["guide"] = (weight, _guide(game, state, turn, [logits, *varied]))
        share, shares = total(turn, terms)
        return share, (stats, {"loss": share, **{f"{name}_loss": value for name, value in shares.items()}})

    player, terms = descend(game, state.clusterer, loss_of, turn.axis_name)
    return state._replace(clusterer=player, average=_average(game, state, player.variables)), terms


def _paced_entropy(game: Game, state: GameState, turn: Turn, outputs: Array) -> Array:
    """ν_i l_i of Eq. 3 and 6 over the global batch."""
    entropies = losses.pairwise_entropy(outputs, turn.batch.valid, axis_name=turn.axis_name)
    if game.config.pace.scope == "batch":
        weights = batch_weights(game, state, turn, outputs, entropies)
    else:
        weights = state.weights[turn.batch.index]
    return jax.lax.stop_gradient(weights) * entropies


def _variations(game: Game, state: GameState, turn: Turn, variables, apply) -> list[Array]:
    """Logits of the variations x̃ of Eq. 7."""
    config, logits = game.config, []
    if config.weights.consistency == 0:
        return logits
    random_key, virtual_key = jax.random.split(jax.random.fold_in(turn.key, 11))
    if game.views.varied is not None:
        x = game.views.varied(random_key, turn.images, turn.batch.position)
        logits.append(apply(variables, x, 12)[0])
    if config.consistency.virtual > 0:
        constant = jax.lax.stop_gradient(variables)
        x = losses.virtual_adversarial(
            virtual_key,
            lambda x: jax.nn.sigmoid(apply(constant, x, 7)[0]),
            turn.images,
            turn.batch.position,
            radius=state.radius,
            valid=turn.batch.valid,
        )
        logits.append(apply(variables, x, 13)[0])
    return logits


def _guide(game: Game, state: GameState, turn: Turn, views: list[Array]) -> Array:
    """Cross-entropy of each view's units with the code of the initial cluster, where that is trusted."""
    target = game.codes[state.guide[turn.batch.index]]
    trusted = state.trusted[turn.batch.index]
    each = sum(jnp.sum(optax.sigmoid_binary_cross_entropy(logits, target), axis=1) for logits in views)
    return trusted * each / len(views)


def _average(game: Game, state: GameState, variables):
    """Running mean of the clusterer; a shorter one at first, so that the random start is soon forgotten."""
    steps = state.steps.astype(game.codes.dtype)
    keep = jnp.minimum(game.config.adversarial.average, (1 + steps) / (10 + steps))
    keep = jnp.where(game.config.adversarial.average > 0, keep, 0)
    return jax.tree.map(lambda old, new: keep * old + (1 - keep) * new, state.average, variables)
