"""The default algorithm, on the data that the command names.

jaxcluster --config.data.path=FOLDER_OR_FILE --config.n_clusters=12
"""

from jaxcluster.algorithms import aspc


def get_config():
    return aspc.get_config()
