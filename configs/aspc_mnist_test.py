"""ASPC-DA on mnist_test."""

from jaxcluster.algorithms import aspc


def get_config():
    config = aspc.get_config()
    config.data.name = "mnist"
    config.data.split = "test"
    return config
