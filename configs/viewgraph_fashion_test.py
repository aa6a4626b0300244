"""The view graph on the 10,000 test images of Fashion-MNIST.

    python -m jaxcluster.data.prepare fashion_mnist     # once; needs `pip install "jaxcluster[prepare]"`
    launch/seeds.sh configs/viewgraph_fashion_test.py 0,1,2,3,4

The setting is the one of all image sets: the defaults.
"""

from jaxcluster.algorithms import viewgraph


def get_config(variant="default"):
    config = viewgraph.get_config()
    config.data.name = "fashion_mnist"
    config.data.split = "test"
    return viewgraph.apply_variant(config, variant)
