"""The view graph on USPS, 9,298 digits of 16x16 pixels.

    python -m jaxcluster.data.usps --train zip.train.gz --test zip.test.gz --out usps.npz     # once; see README
    launch/seeds.sh configs/viewgraph_usps.py 0,1,2,3,4

The setting is the one of all image sets: the defaults.
"""

from jaxcluster.algorithms import viewgraph


def get_config(variant="default"):
    config = viewgraph.get_config()
    config.data.path = "usps.npz"
    return viewgraph.apply_variant(config, variant)
