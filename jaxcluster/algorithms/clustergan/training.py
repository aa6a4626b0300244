"""What the steps of the three networks share: settings, state, the inputs of a step, and how gradients are applied."""

import enum
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxcluster import losses
from jaxcluster.algorithms.clustergan import prior
from jaxcluster.algorithms.clustergan.views import Views
from jaxcluster.draws import draw_by_position
from jaxcluster.networks import Context, Networks, Scores, Variables
from jaxcluster.protocol import Batch

__all__ = [
    "ForwardPass",
    "NetworkState",
    "PaceSettings",
    "PriorSettings",
    "Setup",
    "StepInputs",
    "TrainState",
    "WarmUp",
    "Weights",
    "adversarial_terms",
    "apply_gradients",
    "draw_step_inputs",
    "weighted_sum",
]

Array = jax.Array
SETTLED = 0.25  # share of training after which the partition hardly changes any more


class ForwardPass(enum.IntEnum):
    """The forward passes of a step. Each folds its number into the step's key, so that no two share a draw.

    A number that changes gives other draws, and so other results from the same seed.
    """

    D_CLUSTERER = 0  # in the discriminator's step
    D_GENERATOR = 1
    D_REAL = 2
    D_GENERATED = 3
    G_GENERATOR = 4  # in the generator's step
    G_DISCRIMINATOR = 5
    G_CYCLE = 6
    C_CLUSTERER = 7  # in the clusterer's step
    C_DISCRIMINATOR = 8
    C_CYCLE_GENERATOR = 9
    C_CYCLE = 10
    C_VARIATIONS = 11  # draws the variations
    C_RANDOM = 12  # the clusterer on randomly varied images
    C_VIRTUAL = 13  # and on virtual adversarial ones
    G_REAL = 14  # in the generator's step, the clusterer on real images


class Weights(NamedTuple):
    """Weights of the terms; 0 switches a term off."""

    joint: float
    image: float
    code: float
    cycle: float
    cycle_generator: float
    consistency: float
    entropy: float
    pseudo_labels: float
    diversity: float


class WarmUp(NamedTuple):
    """Share of training over which a term grows from 0 to its weight; 0: at once."""

    adversarial: float
    cycle: float
    consistency: float
    entropy: float


class PriorSettings(NamedTuple):
    """The latent codes that images are generated from."""

    noise: str  # kind of noise, see prior.noisy_codes
    width: float
    width_end: float
    style: int


class PaceSettings(NamedTuple):
    """The self-paced weights of the entropy loss; see the table of settings."""

    method: str
    scope: str
    schedule: str
    start: float
    full_at: float
    rho: float
    reference: int


class NetworkState(NamedTuple):
    """Training state of one network."""

    variables: Variables
    opt_state: optax.OptState


class TrainState(NamedTuple):
    """Training state of the networks, and what each epoch computes for the whole data set."""

    clusterer: NetworkState
    generator: NetworkState
    discriminator: NetworkState
    average: Variables  # running mean of the clusterer's variables; this mean is what clusters
    labels: Array  # [n] int32, block assignment
    weights: Array  # [n], self-paced weights of the entropy loss
    pseudo_labels: Array  # [n] int32, initial clustering
    confident: Array  # [n], 1 where the pseudo-label is used, else 0
    proportions: Array  # [c], prior of the clusters
    radius: Array  # [], of the virtual adversarial variation
    steps: Array  # [] int32, taken so far


class Setup(NamedTuple):
    """Networks and settings: what stays the same over all steps."""

    networks: Networks
    views: Views
    optimizer: optax.GradientTransformation
    codes: Array  # [c, m], clean code of each cluster
    total_steps: int
    weights: Weights
    warm_up: WarmUp
    prior: PriorSettings
    pace: PaceSettings
    form: str  # of the adversarial loss
    noise_end: float  # share of the discriminator's noise that is left at the end
    average: float  # per step, of the running mean; 0: none
    virtual: float  # radius of the virtual adversarial variations, in distances to the 10th neighbor; 0: none
    pseudo_labels_until: float  # share of training

    @property
    def n_clusters(self) -> int:
        """Number of clusters c."""
        return len(self.codes)

    def progress(self, state: TrainState) -> Array:
        """Share of training that is done, in [0, 1]."""
        return jnp.minimum(state.steps / self.total_steps, 1).astype(self.codes.dtype)

    def ramp(self, state: TrainState, over: float) -> Array | float:
        """Share of its weight that a term has reached; `over` is its warm-up."""
        return 1.0 if over == 0 else jnp.minimum(self.progress(state) / over, 1)

    def noise(self, state: TrainState) -> Array | float:
        """Factor on the discriminator's noise: 1 until the partition is made, then falling to `noise_end`."""
        if self.noise_end == 1:
            return 1.0
        return 1 - (1 - self.noise_end) * jnp.maximum(self.progress(state) - SETTLED, 0) / (1 - SETTLED)


class StepInputs(NamedTuple):
    """The inputs of one step, the same for all networks: real images, and codes to generate from."""

    images: Array  # [b, ...] x
    codes: Array  # [b, m] clean
    noisy_codes: Array  # [b, m] what the discriminator is given of them
    latent: Array  # [b, m + style] what the generator is given
    batch: Batch
    key: Array
    axis_name: str | None
    noise: Array | float  # factor on the discriminator's

    def context(self, forward_pass: ForwardPass) -> Context:
        """Context of one forward pass."""
        key = jax.random.fold_in(self.key, int(forward_pass))
        return Context(key, self.batch.position, self.batch.valid, self.axis_name, self.noise)


def draw_step_inputs(
    setup: Setup, state: TrainState, batch: Batch, key: Array, axis_name: str | None = None
) -> StepInputs:
    """Draw a step's codes and styles, and rescale its images ([P1] Algorithm 1, line 2)."""
    block_key, noise_key, style_key, step_key = jax.random.split(key, 4)
    codes = setup.codes[prior.sample_blocks(block_key, batch.position, state.proportions)]
    width = prior.noise_width(setup.progress(state), setup.prior.width, setup.prior.width_end)
    noisy = prior.noisy_codes(noise_key, codes, batch.position, width=width, kind=setup.prior.noise)
    style = draw_by_position(jax.random.uniform, style_key, batch.position, (setup.prior.style,), codes.dtype)
    return StepInputs(
        images=setup.views.clean(batch.images),
        codes=codes,
        noisy_codes=noisy,
        latent=jnp.concatenate([noisy, style], axis=1),
        batch=batch,
        key=step_key,
        axis_name=axis_name,
        noise=setup.noise(state),
    )


def weighted_sum(inputs: StepInputs, terms: dict[str, tuple[Array | float, Array]]) -> tuple[Array, dict[str, Array]]:
    """Share of this device in the weighted sum of mean losses, and in each mean.

    Args:
        inputs: of the step; its valid samples count.
        terms: name -> (weight, losses [b]).
    """
    valid = inputs.batch.valid
    ones = jnp.ones(valid.shape, inputs.codes.dtype)
    shares = {
        name: losses.weighted_mean(each, ones, valid=valid, over="all", axis_name=inputs.axis_name)[0]
        for name, (_, each) in terms.items()
    }
    return sum(weight * shares[name] for name, (weight, _) in terms.items()), shares


def adversarial_terms(setup: Setup, scores: Scores, names: tuple[str, ...], *, target: float) -> dict[str, tuple]:
    """Weight and losses of each score that is on, for a network that trains the scores towards `target`."""
    weights = setup.weights._asdict()
    return {
        name: (weights[name], losses.adversarial_loss(getattr(scores, name), target=target, form=setup.form))
        for name in names
        if weights[name] > 0
    }


def apply_gradients(
    optimizer: optax.GradientTransformation, network: NetworkState, loss_of, axis_name: str | None
) -> tuple[NetworkState, dict[str, Array]]:
    """Take one step of a network.

    Args:
        optimizer: of all networks.
        network: before the step.
        loss_of: variables -> (share of the loss, (statistics, shares of the terms)).
        axis_name: the mapped axis that the batch is spread over.

    Returns:
        (network, terms): after the step, and the means of the terms over the global batch.
    """

    def of_params(params):
        return loss_of({"params": params, "stats": network.variables["stats"]})

    (_, (stats, terms)), gradient = jax.value_and_grad(of_params, has_aux=True)(network.variables["params"])
    if axis_name is not None:
        gradient, terms = jax.lax.psum((gradient, terms), axis_name)
    updates, opt_state = optimizer.update(gradient, network.opt_state, network.variables["params"])
    params = optax.apply_updates(network.variables["params"], updates)
    return NetworkState({"params": params, "stats": stats}, opt_state), terms
