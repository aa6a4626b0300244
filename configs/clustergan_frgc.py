"""ClusterGAN on FRGC, 2,462 faces of 20 people, 32x32x3 (CVPR 2019, Table 2: ACC .476, NMI .615).

    python -m jaxcluster.main --config=configs/clustergan_frgc.py --config.data.path=frgc.npz

The images are licensed and cannot be had here: bring an .npz with x [n,32,32,3] and, for scoring, y [n]. Never run on
the real data.
"""

from jaxcluster.algorithms import clustergan


def get_config(variant="recipe"):
    config = clustergan.get_config()
    config.n_clusters = 20
    config.m = 20
    config.data.path = "frgc.npz"
    config.network.family = "cifar"
    config.network.image_noise = config.network.hidden_noise = 0.0  # its discriminator has dropout instead
    return clustergan.apply_variant(config, variant)
