"""ASPC-DA on fashion."""

from jaxcluster.algorithms import aspc


def get_config():
    config = aspc.get_config()
    config.data.name = "fashion_mnist"
    return config
