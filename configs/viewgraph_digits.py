"""The view graph on the 1,797 digits of 8x8 pixels that come with scikit-learn: the first minute with jaxcluster.

    jaxcluster --config=viewgraph_digits

The setting is the one of all image sets: the defaults.
"""

from jaxcluster.algorithms import viewgraph


def get_config(variant="default"):
    config = viewgraph.get_config()
    config.data.name = "digits"
    return viewgraph.apply_variant(config, variant)
