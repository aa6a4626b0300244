"""ClusterGAN with balanced self-paced learning (Ghasedi Dizaji et al., CVPR 2019; [P1] below).

`pretrain` (an extension, can be switched off): an autoencoder, whose k-means clusters guide the first part of what
follows. `adversarial`: generator, discriminator and clusterer play one game; a pairwise entropy loss on self-paced,
balanced samples and a consistency loss train the clusterer. `cluster`: k-means on the clusterer's outputs.
"""

from jaxcluster.algorithms.clustergan.algorithm import build
from jaxcluster.algorithms.clustergan.defaults import check, get_config, remarks
from jaxcluster.algorithms.clustergan.variants import VARIANTS, apply_variant

__all__ = ["FIRST_PHASE", "VARIANTS", "apply_variant", "build", "check", "get_config", "remarks"]

FIRST_PHASE = "pretrain"  # whose model `config.init_from` takes from another run
