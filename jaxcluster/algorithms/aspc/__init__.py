"""ASPC-DA: adaptive self-paced deep clustering with data augmentation (Guo et al., TKDE 2019; [P2] below).

Two phases. `pretrain`: an autoencoder learns to reconstruct augmented images. `finetune`: k-means on the embeddings
fixes the cluster centers, and the encoder is trained to carry the augmented images to the center of their cluster,
on the samples that adaptive self-paced learning selects; clusters are assigned anew, on clean images, every epoch.
"""

from functools import partial

from jaxcluster.algorithms import settings
from jaxcluster.algorithms.aspc.algorithm import build
from jaxcluster.algorithms.aspc.defaults import FIELDS, RENAMED, check, remarks
from jaxcluster.algorithms.aspc.variants import VARIANTS, apply_variant
from jaxcluster.protocol import Method

__all__ = ["FIRST_PHASE", "METHOD", "VARIANTS", "apply_variant", "build", "check", "get_config", "remarks"]

get_config = partial(settings.defaults, FIELDS)
FIRST_PHASE = "pretrain"

METHOD = Method(
    name="aspc",
    summary="ASPC-DA: an autoencoder, then self-paced training towards fixed centers (TKDE 2019)",
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
