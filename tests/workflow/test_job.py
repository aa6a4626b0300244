"""What identifies the data of a run: other data are never taken for the same."""

import numpy as np
import pytest

from jaxcluster.data import Dataset
from jaxcluster.workflow.job import _fingerprint

IMAGES = np.arange(60, dtype=np.uint8).reshape(3, 4, 5, 1)


def dataset(images=IMAGES, **changes):
    return Dataset(images, None, 0.0, 1 / 255, "any", None, None)._replace(**changes)


def one_other_pixel():
    images = IMAGES.copy()
    images[2, 3, 4, 0] += 1
    return dataset(images)


@pytest.mark.parametrize(
    ("other", "field"),
    [
        (one_other_pixel(), "checksum"),
        (dataset(IMAGES[::-1]), "checksum"),
        (dataset(IMAGES.reshape(3, 5, 4, 1)), "shape"),
        (dataset(IMAGES.view(np.int8)), "dtype"),
        (dataset(offset=1.0), "offset"),
        (dataset(scale=1.0), "scale"),
        (dataset(transform={"kind": "images"}), "transform"),
    ],
)
def test_other_data_have_another_fingerprint(other, field):
    one, found = _fingerprint(dataset()), _fingerprint(other)
    assert [name for name in found if found[name] != one.get(name)] == [field]


def test_labels_and_names_are_no_part_of_it():
    named = dataset(name="other", labels=np.zeros(3, np.int32))
    assert _fingerprint(dataset()) == _fingerprint(named)
