"""ASPC-DA as an `Algorithm`: what both phases share, and the outputs."""

import math

import jax.numpy as jnp

from jaxcluster import networks
from jaxcluster.algorithms.aspc.finetune import finetune_phase
from jaxcluster.algorithms.inputs import flat_inputs
from jaxcluster.algorithms.outputs import nearest_center
from jaxcluster.algorithms.pretraining import optimizer, pretrain_phase
from jaxcluster.protocol import Algorithm

__all__ = ["build"]


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
    inputs = flat_inputs(config.augment, sample_shape, offset, scale)
    network = networks.autoencoder(
        math.prod(sample_shape),
        hidden=tuple(config.network.hidden),
        embedding=config.network.embedding,
        dtype=jnp.zeros(()).dtype,  # float64 where jax_enable_x64 is on
    )
    return Algorithm(
        name="aspc",
        phases=(
            pretrain_phase(config.pretrain, network, inputs, optimizer(config.pretrain)),
            finetune_phase(config, network, inputs, optimizer(config.finetune), num_samples),
        ),
        outputs=nearest_center,
        start_phase="finetune",
        start_outputs=nearest_center,  # the centers are fixed from the start
        stop_change=config.finetune.tolerance or None,
    )
