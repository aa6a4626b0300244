"""The view graph on all 70,000 images of Fashion-MNIST.

    python -m jaxcluster.data.prepare fashion_mnist     # once; needs `pip install "jaxcluster[prepare]"`
    launch/seeds.sh configs/viewgraph_fashion.py 0,1,2,3,4

The setting is the one of all image sets: the defaults. Of so many images 20,000 are anchors, see viewgraph_mnist.
"""

from jaxcluster.algorithms import viewgraph


def get_config(variant="default"):
    config = viewgraph.get_config()
    config.data.name = "fashion_mnist"
    return viewgraph.apply_variant(config, variant)
