"""ASPC-DA: adaptive self-paced deep clustering with data augmentation (Guo et al., TKDE 2019; [P2] below).

Two phases. `pretrain`: an autoencoder learns to reconstruct augmented images. `finetune`: k-means on the embeddings
fixes the cluster centers, and the encoder is trained to carry the augmented images to the center of their cluster,
on the samples that adaptive self-paced learning selects; clusters are assigned anew, on clean images, every epoch.
"""

from jaxcluster.algorithms.aspc.algorithm import build
from jaxcluster.algorithms.aspc.defaults import check, get_config, remarks
from jaxcluster.algorithms.aspc.variants import VARIANTS, apply_variant

__all__ = ["FIRST_PHASE", "VARIANTS", "apply_variant", "build", "check", "get_config", "remarks"]

FIRST_PHASE = "pretrain"  # whose model `config.init_from` takes from another run
