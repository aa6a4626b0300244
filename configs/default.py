"""The default algorithm, the view graph, on the data that the command names.

jaxcluster --config.data.path=FOLDER_OR_FILE --config.n_clusters=12
"""

from jaxcluster.algorithms import viewgraph


def get_config(variant="default"):
    return viewgraph.apply_variant(viewgraph.get_config(), variant)
