"""ASPC-DA on usps."""

from jaxcluster.algorithms import aspc


def get_config():
    config = aspc.get_config()
    config.data.path = "usps.npz"
    return config
