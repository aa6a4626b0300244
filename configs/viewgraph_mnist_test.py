"""The view graph on the 10,000 test images of MNIST.

    python -m jaxcluster.data.prepare mnist     # once; needs `pip install "jaxcluster[prepare]"`
    launch/seeds.sh configs/viewgraph_mnist_test.py 0,1,2,3,4

The setting is the one of all image sets: the defaults.
"""

from jaxcluster.algorithms import viewgraph


def get_config(variant="default"):
    config = viewgraph.get_config()
    config.data.name = "mnist"
    config.data.split = "test"
    return viewgraph.apply_variant(config, variant)
