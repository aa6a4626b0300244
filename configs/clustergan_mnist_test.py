"""ClusterGAN on the 10,000 test images of MNIST, with fully connected networks for a CPU.

    python -m jaxcluster.data.prepare mnist     # once; needs `pip install "jaxcluster[prepare]"`
    launch/seeds.sh configs/clustergan_mnist_test.py:wide 0,1,2,3,4

After the colon: a variant, see jaxcluster/algorithms/clustergan/variants.py. The paper has no such row; its figures for
all of MNIST are ACC .964, NMI .921. Measured: README's table.
"""

from jaxcluster.algorithms import clustergan


def get_config(variant="recipe"):
    config = clustergan.get_config()
    config.data.name = "mnist"
    config.data.split = "test"
    return clustergan.apply_variant(config, variant)
