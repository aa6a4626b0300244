"""ASPC-DA on mnist."""

from jaxcluster.algorithms import aspc


def get_config():
    config = aspc.get_config()
    config.data.name = "mnist"
    return config
