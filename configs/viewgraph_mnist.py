"""The view graph on all 70,000 images of MNIST.

    python -m jaxcluster.data.prepare mnist     # once; needs `pip install "jaxcluster[prepare]"`
    launch/seeds.sh configs/viewgraph_mnist.py 0,1,2,3,4

The setting is the one of all image sets: the defaults. Of so many images 20,000 are anchors: the others are joined to
the nearest of these, so that time grows with the number of images and not with its square.
"""

from jaxcluster.algorithms import viewgraph


def get_config(variant="default"):
    config = viewgraph.get_config()
    config.data.name = "mnist"
    return viewgraph.apply_variant(config, variant)
