"""What a reader hands over, what the package trains on, and the one error that bad data raises.

The room speaks NumPy: nothing here or beside it imports JAX, and TFDS, scikit-learn, Pillow and rich are
imported only inside the function that needs them.
"""

from typing import Any, NamedTuple

import numpy as np

__all__ = ["DataError", "Dataset", "Frame", "Source", "printable"]


class DataError(ValueError):
    """Data that cannot be used: one sentence that names the field, what it got and what is allowed."""

    def __init__(self, sentence: str):
        super().__init__(printable(sentence))


def printable(text: str) -> str:
    """Text of a file, or its name, as a terminal may show it: control characters and lone surrogates are escaped."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class Frame(NamedTuple):
    """How a model sees a sample: how it is preprocessed, its shape, and the map `x = (stored - offset) * scale`.

    A fitted model keeps its frame, so that new data are brought to the scale of those it was fitted on,
    and not to a scale of their own.
    """

    shape: tuple[int, ...]
    """Of one sample after preprocessing."""
    offset: float
    scale: float
    transform: dict[str, Any] | None = None
    """What is done to new data before they are stored, in plain JSON types; None: nothing. See `transform`."""


class Dataset(NamedTuple):
    """Images or feature vectors, and how to scale them to [0, 1].

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
    transform: dict[str, Any] | None = None
    """What was done to the data to get `images`, and is to be done to new data; plain JSON types, None: nothing."""
    skipped: tuple[tuple[str, str], ...] = ()
    """Files of the folder that could not be read, each with the reason."""
    ids: tuple[str, ...] | None = None
    """[n] names of the samples, from the id column of a table; None where there is none."""
    feature_names: tuple[str, ...] | None = None
    """[d] headings of the columns that `images` holds; None where there are none."""
    root: str | None = None
    """The folder that `files` lie in; None without files."""

    @property
    def frame(self) -> Frame:
        """How a sample was preprocessed, its shape, offset and scale: what new data must be brought to."""
        return Frame(tuple(self.images.shape[1:]), self.offset, self.scale, self.transform)

    @property
    def sample_names(self) -> tuple[str, ...] | None:
        """[n] what the samples are called: their files, else their ids; None where they have no names."""
        return self.files if self.files is not None else self.ids

    @property
    def names_heading(self) -> str:
        """What a table calls these names."""
        return "file" if self.files is not None else "id"


class Source(NamedTuple):
    """What a reader found, before pixels and labels are checked and scaled."""

    pixels: np.ndarray
    labels: np.ndarray | None = None
    """[n] of any label type; class ids already if `label_names` are given."""
    label_names: tuple[str, ...] | None = None
    white: float | None = None
    """The value that means 1.0, where the source defines it; None: by the type of the pixels."""
    files: tuple[str, ...] | None = None
    skipped: tuple[tuple[str, str], ...] = ()
    ids: tuple[str, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    """[d] headings of the columns of `pixels`."""
    transform: dict[str, Any] | None = None
    """What the reader has done already that must be done to new data too, see `transform`."""
