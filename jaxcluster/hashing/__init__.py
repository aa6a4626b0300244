"""Shallow hash functions that need no labels: vectors in, binary codes out, by NumPy alone.

Each method is a module with the same two functions::

    params = hashing.itq.fit(seed, X, bits)     # X [n, d] training vectors
    codes = hashing.itq.encode(params, X_new)   # [n, bits] bool

`METHODS` lists them by the names that tables of retrieval results use. To score codes see
`jaxcluster.metrics.retrieval`. Everything a method draws comes from `seed` (an integer or a NumPy Generator);
methods that draw nothing ignore it.
"""

from jaxcluster.hashing import itq, kmeans, lsh, pcah, spectral, spherical

METHODS = {"KMH": kmeans, "SphH": spherical, "SpeH": spectral, "PCAH": pcah, "LSH": lsh, "ITQ": itq}

__all__ = ["METHODS", "itq", "kmeans", "lsh", "pcah", "spectral", "spherical"]
