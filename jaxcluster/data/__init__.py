"""Data as users have it: a dataset's name, a file of arrays, a table or a folder of images becomes a `Dataset`.

    from jaxcluster import data
    digits = data.load(name="digits")
    x = (digits.images - digits.offset) * digits.scale  # in [0, 1]
    new = data.load(path="new.npz", like=digits)  # the same shape, offset and scale
    table = data.from_arrays(X, y)  # arrays, lists and data frames from memory

`python -m jaxcluster.data.usps` makes usps.npz from the public USPS files.
"""

from jaxcluster.data.dataset import DataError, Dataset, Frame
from jaxcluster.data.in_memory import from_arrays
from jaxcluster.data.loading import load

__all__ = ["DataError", "Dataset", "Frame", "from_arrays", "load"]
