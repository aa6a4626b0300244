"""ClusterGAN on MNIST, all 70,000 images (Ghasedi Dizaji et al., CVPR 2019, Table 2: ACC .964, NMI .921).

    python -m jaxcluster.data.prepare mnist     # once; needs `pip install "jaxcluster[prepare]"`
    python -m jaxcluster.main --config=configs/clustergan_mnist.py
    python -m jaxcluster.main --config=configs/clustergan_mnist.py --config.network.family=mlp     # on a CPU
    python -m jaxcluster.main --config=configs/clustergan_mnist.py --config.m=32                   # to hash; or 64

Convolutional networks of Triple-GAN, which need an accelerator. What was measured is in README's table.
"""

from jaxcluster.algorithms import clustergan


def get_config(variant="recipe"):
    config = clustergan.get_config()
    config.data.name = "mnist"
    config.network.family = "mnist"
    config.adversarial.epochs = 30
    config.pretrain.epochs = 30
    return clustergan.apply_variant(config, variant)
