"""ASPC-DA on digits."""

from jaxcluster.algorithms import aspc


def get_config():
    config = aspc.get_config()
    config.data.name = "digits"
    return config
