"""Vectors to hash, and a method fitted to what it encodes."""

import numpy as np

from jaxcluster import hashing


def vectors(seed=0, n=300, d=12):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) * np.linspace(3, 1, d) + rng.normal(size=d)


def fitted(name, X, bits, seed=0):
    method = hashing.METHODS[name]
    return method.encode(method.fit(seed, X, bits), X)
