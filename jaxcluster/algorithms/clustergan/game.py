"""What the three players share: their state, one turn's draws, and how a player descends its loss."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxcluster import losses
from jaxcluster.algorithms.clustergan import prior
from jaxcluster.networks import Context, Players, Scores, Variables
from jaxcluster.protocol import Batch

__all__ = ["Game", "GameState", "Player", "Turn", "adversarial", "descend", "take_turn", "total"]

Array = jax.Array
SETTLED = 0.25  # share of training after which the partition hardly changes any more


class Player(NamedTuple):
    """One network in training."""

    variables: Variables
    opt_state: optax.OptState


class GameState(NamedTuple):
    """The players, and what the epochs change for the whole data set."""

    clusterer: Player
    generator: Player
    discriminator: Player
    average: Variables  # of the clusterer over its steps: the one that clusters
    labels: Array  # [n] int32, block assignment
    weights: Array  # [n], self-paced weights of the entropy loss
    guide: Array  # [n] int32, initial clustering
    trusted: Array  # [n], 1 where the guide is sure, else 0
    proportions: Array  # [c], prior of the clusters
    radius: Array  # [], of the virtual adversarial move
    steps: Array  # [] int32, taken so far


class Game(NamedTuple):
    """The rules: what stays the same over all steps."""

    config: Any
    players: Players
    views: Any  # jaxcluster.algorithms.clustergan.views.Views
    transform: optax.GradientTransformation
    codes: Array  # [c, m]
    total_steps: int

    def progress(self, state: GameState) -> Array:
        """Share of training that is done, in [0, 1]."""
        return jnp.minimum(state.steps / self.total_steps, 1).astype(self.codes.dtype)

    def ramp(self, state: GameState, term: str) -> Array | float:
        """Share of its weight that a term has reached by its warm-up."""
        over = self.config.warm_up[term]
        return 1.0 if over == 0 else jnp.minimum(self.progress(state) / over, 1)

    def noise(self, state: GameState) -> Array | float:
        """Factor on the discriminator's noise: 1 until the partition is made, then falling to `network.noise_end`."""
        end = self.config.network.noise_end
        if end == 1:
            return 1.0
        return 1 - (1 - end) * jnp.maximum(self.progress(state) - SETTLED, 0) / (1 - SETTLED)


class Turn(NamedTuple):
    """The draws of one step, which all players see: real images, and codes to generate from."""

    images: Array  # [b, ...] x
    codes: Array  # [b, m] clean
    seen: Array  # [b, m] what the discriminator sees of them
    inputs: Array  # [b, m + style] what the generator sees
    batch: Batch
    key: Array
    axis_name: str | None
    noise: Array | float  # factor on the discriminator's

    def context(self, use: int) -> Context:
        """Context of one pass; each pass of a step has a number of its own."""
        return Context(
            jax.random.fold_in(self.key, use), self.batch.position, self.batch.valid, self.axis_name, self.noise
        )


def take_turn(game: Game, state: GameState, batch: Batch, key: Array, axis_name: str | None) -> Turn:
    """Draw a step's images, codes and styles ([P1] Algorithm 1, line 2)."""
    block_key, noise_key, style_key, turn_key = jax.random.split(key, 4)
    settings = game.config.prior
    codes = game.codes[prior.sample_blocks(block_key, batch.position, state.proportions)]
    width = prior.noise_width(game.progress(state), settings.width, settings.width_end)
    seen = prior.noisy_codes(noise_key, codes, batch.position, width=width, reading=settings.noise)
    style = jax.vmap(lambda p: jax.random.uniform(jax.random.fold_in(style_key, p), (settings.style,), codes.dtype))
    inputs = jnp.concatenate([seen, style(batch.position)], axis=1)
    images, noise = game.views.clean(batch.images), game.noise(state)
    return Turn(images, codes, seen, inputs, batch, turn_key, axis_name, noise)


def total(turn: Turn, terms: dict[str, tuple[Array | float, Array]]) -> tuple[Array, dict[str, Array]]:
    """Share of this device in the weighted sum of mean losses, and in each mean.

    Args:
        turn: whose valid samples count.
        terms: name -> (weight, losses [b]).
    """
    ones = jnp.ones(turn.batch.valid.shape, turn.codes.dtype)
    shares = {
        name: losses.weighted_mean(each, ones, valid=turn.batch.valid, over="all", axis_name=turn.axis_name)[0]
        for name, (_, each) in terms.items()
    }
    return sum(weight * shares[name] for name, (weight, _) in terms.items()), shares


def adversarial(game: Game, scores: Scores, names: tuple[str, ...], *, target: float) -> dict[str, tuple]:
    """A player's side of Eq. 2 for each score that the game has."""
    weights, form = game.config.weights, game.config.adversarial.form
    return {
        name: (weights[name], losses.adversarial_loss(getattr(scores, name), target=target, form=form))
        for name in names
        if weights[name] > 0
    }


def descend(game: Game, player: Player, loss_of, axis_name: str | None) -> tuple[Player, dict[str, Array]]:
    """Take one step of a player.

    Args:
        game: its optimizer.
        player: before the step.
        loss_of: variables -> (share of the loss, (statistics, shares of the terms)).
        axis_name: the mapped axis that the batch is spread over.

    Returns:
        (player, terms): after the step, and the means of the terms over the global batch.
    """

    def of_params(params):
        return loss_of({"params": params, "stats": player.variables["stats"]})

    (_, (stats, terms)), gradient = jax.value_and_grad(of_params, has_aux=True)(player.variables["params"])
    if axis_name is not None:
        gradient, terms = jax.lax.psum((gradient, terms), axis_name)
    updates, opt_state = game.transform.update(gradient, player.opt_state, player.variables["params"])
    params = optax.apply_updates(player.variables["params"], updates)
    return Player({"params": params, "stats": stats}, opt_state), terms
