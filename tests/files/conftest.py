"""A bucket for the tests of this room."""

import importlib.util

import pytest

from tests.files.bucket import serve


@pytest.fixture(scope="module")
def bucket():
    if importlib.util.find_spec("gcsfs") is None:
        pytest.skip("gcsfs is not installed (pip install -e '.[gcs]')")
    with serve() as bucket, pytest.MonkeyPatch.context() as patch:
        for name, value in bucket.environment().items():
            patch.setenv(name, value)
        yield bucket
