"""The generator's step: draw images that pass for real ones of their code."""

import jax

from jaxcluster import losses
from jaxcluster.algorithms.clustergan.game import Game, GameState, Turn, adversarial, descend, total

__all__ = ["generator_step"]

Array = jax.Array


def generator_step(game: Game, state: GameState, turn: Turn) -> tuple[GameState, dict[str, Array]]:
    """Lower log(1 − D(z, G(z))) ([P1] Eq. 2 and Algorithm 1, line 4), by default in its non-saturating form.

    Differs from the paper in an optional cycle term, ‖C(G(z)) − code‖²: the clusterer, run on the generated images as
    a batch of their own, must find the code again.
    """
    weights = game.config.weights
    if weights.joint == 0 and weights.image == 0:
        return state, {}

    def loss_of(variables):
        images, stats = game.players.generator.apply(variables, turn.inputs, turn.context(4))
        scores = game.players.discriminator.apply(state.discriminator.variables, turn.seen, images, turn.context(5))
        terms = adversarial(game, scores, ("joint", "image"), target=1.0)
        if weights.cycle_generator > 0:
            logits, _, _ = game.players.clusterer.apply(state.clusterer.variables, images, turn.context(6))
            weight = weights.cycle_generator * game.ramp(state, "cycle")
            terms["cycle"] = (weight, losses.consistency(jax.nn.sigmoid(logits), turn.codes))
        share, shares = total(turn, terms)
        played = [shares[name] for name in ("joint", "image") if name in shares]
        return share, (stats, {"generator_loss": sum(played) / len(played)})

    player, terms = descend(game, state.generator, loss_of, turn.axis_name)
    return state._replace(generator=player), terms
