"""The discriminator's step: tell the clusterer's pairs (C(x), x) from the generator's (z, G(z))."""

import jax

from jaxcluster import losses
from jaxcluster.algorithms.clustergan.game import Game, GameState, Turn, descend, total

__all__ = ["discriminator_step"]

Array = jax.Array
SCORES = ("joint", "image", "code")


def discriminator_step(game: Game, state: GameState, turn: Turn) -> tuple[GameState, dict[str, Array]]:
    """Raise log D(C(x), x) + log(1 − D(z, G(z))) ([P1] Eq. 2 and Algorithm 1, line 3), for each score of the game.

    Differs from the paper in the further scores of x alone and of z alone (weight 0 switches one off). With the pair
    alone the discriminator can tell every pair by its image, and then teaches the clusterer nothing about codes.
    """
    weights = game.config.weights
    names = [name for name in SCORES if weights[name] > 0]
    if not names:
        return state, {}
    logits, _, _ = game.players.clusterer.apply(state.clusterer.variables, turn.images, turn.context(0))
    generated, _ = game.players.generator.apply(state.generator.variables, turn.inputs, turn.context(1))
    outputs, generated = jax.lax.stop_gradient((jax.nn.sigmoid(logits), generated))

    def loss_of(variables):
        real = game.players.discriminator.apply(variables, outputs, turn.images, turn.context(2))
        fake = game.players.discriminator.apply(variables, turn.seen, generated, turn.context(3))
        terms = {}
        for name in names:
            terms[f"real_{name}"] = (weights[name], losses.adversarial_loss(getattr(real, name), target=1.0))
            terms[f"fake_{name}"] = (weights[name], losses.adversarial_loss(getattr(fake, name), target=0.0))
        share, shares = total(turn, terms)
        each = {name: (shares[f"real_{name}"] + shares[f"fake_{name}"]) / 2 for name in names}
        info = {f"discriminator_{name}_loss": loss for name, loss in each.items()}
        return share, (variables["stats"], info | {"discriminator_loss": sum(each.values()) / len(each)})

    player, terms = descend(game, state.discriminator, loss_of, turn.axis_name)
    return state._replace(discriminator=player), terms
