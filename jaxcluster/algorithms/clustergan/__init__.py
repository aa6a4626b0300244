"""ClusterGAN with balanced self-paced learning (Ghasedi Dizaji et al., CVPR 2019; [P1] below).

`pretrain` (an extension, can be switched off): an autoencoder, whose clusters give pseudo-labels to the first part of
what follows. `adversarial`: generator, discriminator and clusterer are trained against each other; a pairwise entropy
loss on self-paced, balanced samples and a consistency loss train the clusterer. `cluster`: k-means on its outputs.
"""

from functools import partial

from jaxcluster.algorithms import settings
from jaxcluster.algorithms.clustergan.algorithm import build
from jaxcluster.algorithms.clustergan.defaults import FIELDS, RENAMED, check, remarks
from jaxcluster.algorithms.clustergan.variants import VARIANTS, apply_variant
from jaxcluster.protocol import Method

__all__ = ["FIRST_PHASE", "METHOD", "VARIANTS", "apply_variant", "build", "check", "get_config", "remarks"]

get_config = partial(settings.defaults, FIELDS)
FIRST_PHASE = "pretrain"

METHOD = Method(
    name="clustergan",
    summary="ClusterGAN with balanced self-paced learning: three adversarial networks (CVPR 2019)",
    defaults=get_config,
    check=check,
    remarks=remarks,
    build=build,
    variants=VARIANTS,
    apply_variant=apply_variant,
    shared_phase=FIRST_PHASE,
    renamed=RENAMED,
    docs=settings.docs(FIELDS),
)
