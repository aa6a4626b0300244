"""Losses as pure functions: one value per sample, and the mean over what counts.

Squared errors (`reconstruction`, `cluster_center`), the adversarial losses (`discriminator`, `adversarial_loss`), the
entropy of pairwise similarities (`pairwise_entropy`), consistency of a sample with its variations (`consistency`,
`virtual_adversarial`), the variance within clusters (`within_cluster_variance`); `weighted_mean` makes a batch's loss
of them.
"""

from jaxcluster.losses.adversarial import adversarial_loss, discriminator
from jaxcluster.losses.consistency import consistency, virtual_adversarial
from jaxcluster.losses.entropy import pairwise_entropy, pairwise_entropy_chunked, similarity
from jaxcluster.losses.mean import weighted_mean
from jaxcluster.losses.neighbors import neighbor_distance
from jaxcluster.losses.spread import within_cluster_variance
from jaxcluster.losses.squares import cluster_center, reconstruction

__all__ = [
    "adversarial_loss",
    "cluster_center",
    "consistency",
    "discriminator",
    "neighbor_distance",
    "pairwise_entropy",
    "pairwise_entropy_chunked",
    "reconstruction",
    "similarity",
    "virtual_adversarial",
    "weighted_mean",
    "within_cluster_variance",
]
