"""The view graph method as an `Algorithm`: its one phase, and the outputs."""

import math

import jax.numpy as jnp

from jaxcluster import networks
from jaxcluster.algorithms.viewgraph.inputs import make_inputs
from jaxcluster.algorithms.viewgraph.train import train_phase
from jaxcluster.protocol import Algorithm, Outputs

__all__ = ["build", "length_of_training", "outputs"]

SMALLEST_SIDE = 12  # pixels from which images go through convolutions
EPOCHS, LEAST_EPOCHS, LEAST_STEPS, STEPS = 24, 8, 500, 2200
STEPS_PER_EPOCH, LARGEST_BATCH = 32, 256


def build(config, *, num_samples: int, sample_shape: tuple[int, ...], offset: float, scale: float) -> Algorithm:
    """Build the method for one data set.

    Args:
        config: as `METHOD.defaults()` gives it, checked.
        num_samples: n.
        sample_shape: shape of one sample, (h, w, c) or (d,).
        offset: what is subtracted from stored values, and
        scale: what the difference is multiplied by, to bring them into [0, 1].

    Returns:
        `Algorithm` with the phase "train".
    """
    inputs = make_inputs(config.augment, tuple(sample_shape), offset, scale)
    family = config.network.family
    if family == "auto":
        large = len(sample_shape) == 3 and min(sample_shape[:2]) >= SMALLEST_SIDE
        family = "convolutional" if large else "mlp"
    hidden = tuple(config.network.hidden)
    if not hidden:
        hidden = (128,) if family == "convolutional" else (500, 500, 128) if len(sample_shape) == 3 else (256, 256)
    network = networks.classifier(
        family,
        sample_shape=inputs.shape,
        hidden=hidden,
        dtype=jnp.zeros(()).dtype,
        convolution=config.network.convolution,
    )
    epochs, batch_size = length_of_training(config.train, num_samples)
    share = config.train.relabel_after if len(sample_shape) == 3 else config.train.relabel_vectors_after
    phase = train_phase(
        config,
        network,
        inputs,
        num_samples=num_samples,
        epochs=epochs,
        batch_size=batch_size,
        relabel_after=max(1, math.ceil(share * epochs)) if share < 1 else None,
    )
    return Algorithm(
        name="viewgraph",
        phases=(phase,),
        outputs=outputs,
        start_phase="train",
        start_outputs=outputs,  # the labels at the start are the partition's; the network is untrained
    )


def length_of_training(settings, num_samples: int) -> tuple[int, int]:
    """Epochs and batch size, by the rules of this module where the settings leave them at 0.

    A batch is the largest power of two, at most 256, of which an epoch has at least 32 (or 16 samples, if there are so
    few). There are 24 epochs; more if these make less than 500 steps, and fewer, but at least 8, if they make more than
    2,200.
    """
    batch_size = settings.batch_size
    if batch_size == 0:
        batch_size = 2 ** int(math.log2(max(num_samples // STEPS_PER_EPOCH, 16)))
        batch_size = min(batch_size, LARGEST_BATCH)
    epochs = settings.epochs
    if epochs == 0:
        steps = -(-num_samples // batch_size)
        epochs = max(LEAST_EPOCHS, min(EPOCHS, -(-STEPS // steps)), -(-LEAST_STEPS // steps))
    return epochs, batch_size


def outputs(model: dict, rows: dict) -> Outputs:
    """Labels by the mean of the members' probabilities; the confidence is that mean for the label.

    Where members disagree the mean is small, however sure each of them is.
    """
    probabilities = rows["probabilities"].mean(axis=1)
    return Outputs(
        labels=jnp.argmax(probabilities, axis=1).astype(jnp.int32),
        confidence=jnp.clip(jnp.max(probabilities, axis=1), 0, 1),
        embedding=rows["embedding"],
        centers=model["centers"],
        probabilities=probabilities,
    )
