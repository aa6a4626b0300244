"""ClusterGAN on the 13,000 labeled images of STL-10, 96x96x3 (CVPR 2019, Table 2: ACC .423, NMI .335).

    python -m jaxcluster.data.prepare stl10     # once; needs `pip install "jaxcluster[prepare]"`
    python -m jaxcluster.main --config=configs/clustergan_stl10.py

Pixels in [-1, 1], variations by mirror and shift, as in the paper, and the recipe's virtual adversarial ones (not in
the variant `paper`, after a colon). Convolutional networks, which need an accelerator; never run in full here.
"""

from jaxcluster.algorithms import clustergan


def get_config(variant="recipe"):
    config = clustergan.get_config()
    config.data.name = "stl10"
    config.network.family = "cifar"
    config.network.image_noise = config.network.hidden_noise = 0.0  # its discriminator has dropout instead
    config.network.output = "tanh"
    config.consistency.flip = True
    config.consistency.translate = 3
    config.consistency.rotation = config.consistency.shift = 0.0
    config.consistency.noise = 0.05
    return clustergan.apply_variant(config, variant)
