"""ASPC-DA as an `Algorithm`: what both phases share, and the outputs."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxcluster import augment, networks
from jaxcluster.algorithms.aspc.finetune import finetune_phase
from jaxcluster.algorithms.aspc.pretrain import pretrain_phase
from jaxcluster.clusterers import squared_distances
from jaxcluster.protocol import Algorithm, Outputs

__all__ = ["build"]

Array = jax.Array


class Inputs(NamedTuple):
    """How stored images become inputs of the network."""

    clean: Callable[[Array], Array]  # images as stored [b, ...] -> [b, D] in [0, 1]
    augmented: Callable[[Array, Array, Array], Array]  # (key, images, position) -> [b, D]


def build(config, *, num_samples: int, sample_shape: tuple[int, ...], offset: float, scale: float) -> Algorithm:
    """Build ASPC-DA for one data set.

    Args:
        config: as `defaults.get_config()` gives it, checked.
        num_samples: n.
        sample_shape: shape of one sample, (h, w, c) or (d,).
        offset: what is subtracted from stored values, and
        scale: what the difference is multiplied by, to bring them into [0, 1].

    Returns:
        `Algorithm` with the phases "pretrain" and "finetune".
    """
    inputs = _inputs(config.augment, sample_shape, offset, scale)
    features = 1
    for size in sample_shape:
        features *= size
    network = networks.autoencoder(
        features, hidden=tuple(config.network.hidden), embedding=config.network.embedding, dtype=_float_type()
    )
    return Algorithm(
        name="aspc",
        phases=(
            pretrain_phase(config, network, inputs, _optimizer(config.pretrain)),
            finetune_phase(config, network, inputs, _optimizer(config.finetune), num_samples),
        ),
        outputs=_outputs,
    )


def _float_type():
    return jnp.zeros(()).dtype  # float64 where jax_enable_x64 is on


def _inputs(config, sample_shape: tuple[int, ...], offset: float, scale: float) -> Inputs:
    is_image = len(sample_shape) == 3

    def scaled(images: Array) -> Array:
        return (images.astype(_float_type()) - offset) * scale

    def flat(x: Array) -> Array:
        return x.reshape(x.shape[0], -1)

    def augmented(key: Array, images: Array, position: Array) -> Array:
        affine_key, noise_key = jax.random.split(key)
        x = scaled(images)
        if is_image and (config.rotation > 0 or config.shift > 0):
            x = augment.random_affine(
                affine_key, x, position, rotation=config.rotation, shift=config.shift, center=config.center
            )
        if config.noise > 0:
            x = augment.gaussian_noise(noise_key, x, position, sd=config.noise)
        # Without the barrier XLA fuses the warp into each of its users and computes it several times.
        return jax.lax.optimization_barrier(flat(x))

    return Inputs(clean=lambda images: flat(scaled(images)), augmented=augmented)


def _optimizer(config) -> optax.GradientTransformation:
    if config.optimizer == "sgd":
        return optax.sgd(config.learning_rate, momentum=config.momentum or None)
    return optax.adam(config.learning_rate, eps=1e-7)  # eps of the authors' framework


def _outputs(model: dict, rows: dict) -> Outputs:
    """Nearest fixed centre ([P2] Eq. 15), and how clearly it is the nearest.

        confidence = 1 − (distance to the nearest centre) / (distance to the second nearest)

    1 at a centre, 0 on the border between two clusters.
    """
    embedding, centers = rows["embedding"], model["centers"]
    distances = squared_distances(embedding, centers)
    two_nearest = -jax.lax.top_k(-distances, 2)[0]
    # Two equal centres leave 0/0 for a sample that sits on both: it lies on their border.
    ratio = jnp.where(two_nearest[:, 1] > 0, two_nearest[:, 0] / jnp.maximum(two_nearest[:, 1], 1e-30), 1)
    return Outputs(
        labels=jnp.argmin(distances, axis=1).astype(jnp.int32),
        confidence=1 - jnp.sqrt(ratio),
        embedding=embedding,
        centers=centers,
    )
