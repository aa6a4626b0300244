"""What a reader hands over, what the package trains on, and the one error that bad data raises.

The room speaks NumPy: nothing here or beside it imports JAX, and TFDS, scikit-learn, Pillow and rich are
imported only inside the function that needs them.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["DataError", "Dataset", "Frame", "Source"]


class DataError(ValueError):
    """Data that cannot be used: one sentence that names the field, what it got and what is allowed."""


class Frame(NamedTuple):
    """How a model sees a sample: its shape, and the map `x = (pixels - offset) * scale`.

    A fitted model keeps its frame, so that new images are brought to the scale of the ones it was fitted on,
    and not to a scale of their own.
    """

    shape: tuple[int, ...]
    offset: float
    scale: float


class Dataset(NamedTuple):
    """Images or feature vectors as they came, and how to scale them to [0, 1].

    Pixels stay in the type they came in (70,000 MNIST images are 55 MB as uint8, 220 MB as float32), so that
    whoever takes a batch scales it there: `x = (images[rows] - offset) * scale`.
    """

    images: np.ndarray
    """[n, h, w, c] images or [n, d] feature vectors; uint8 or float32."""
    labels: np.ndarray | None
    """[n] int32 class ids 0..C-1, for scoring only; None if unknown."""
    offset: float
    scale: float
    name: str
    """What a person calls the data: the name of the set, or the file's or folder's own name."""
    label_names: tuple[str, ...] | None
    """The C names behind the class ids; None without labels."""
    files: tuple[str, ...] | None
    """[n] paths relative to the folder, for a folder of images; None otherwise."""

    @property
    def frame(self) -> Frame:
        """The shape of one sample, the offset and the scale: what new data must be brought to."""
        return Frame(tuple(self.images.shape[1:]), self.offset, self.scale)


class Source(NamedTuple):
    """What a reader found, before pixels and labels are checked and scaled."""

    pixels: np.ndarray
    labels: np.ndarray | None = None
    """[n] of any label type; class ids already if `label_names` are given."""
    label_names: tuple[str, ...] | None = None
    white: float | None = None
    """The value that means 1.0, where the source defines it; None: by the type of the pixels."""
    files: tuple[str, ...] | None = None
