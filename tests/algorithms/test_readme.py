"""The page's code runs as it stands, and its DEC is the one of the folder."""

import io
import pathlib
import re

import jax
import numpy as np
import pytest

from jaxcluster import algorithms
from jaxcluster.runtime import trainer
from jaxcluster.runtime.progress import Reporter
from tests.algorithms.test_dec import SHAPE, N, images

PAGE = pathlib.Path(algorithms.__file__).parent / "README.md"


@pytest.fixture
def method(monkeypatch):
    monkeypatch.setattr(algorithms, "_registered", {})
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))
    exec(compile(code, str(PAGE), "exec"), {"__name__": "page"})
    return algorithms.get("my_dec")


def trained(method, workdir):
    config = method.defaults()
    config.n_clusters = 3
    config.network.hidden, config.network.embedding = (8,), 4
    config.pretrain.batch_size = config.finetune.batch_size = 16
    config.pretrain.epochs, config.finetune.epochs, config.initial.n_init = 1, 2, 3
    config.pretrain.augment, config.initial.inertia_tolerance = False, 0.0
    config.finetune.optimizer, config.finetune.learning_rate, config.finetune.tolerance = "sgd", 0.01, 0.0
    method.check(config, N)
    algorithm = method.build(config, num_samples=N, sample_shape=SHAPE, offset=0.0, scale=1 / 255)
    result = trainer.train(
        algorithm,
        images(),
        seed=0,
        workdir=workdir,
        reporter=Reporter(io.StringIO()),
        poll=lambda: None,
        checkpoint_seconds=1e9,
        device_list=jax.local_devices()[:1],
    )
    return algorithm.outputs(result.model, result.rows)


def test_the_page_is_dec(method, tmp_path):
    mine, dec = (trained(m, tmp_path / m.name) for m in (method, algorithms.get("dec")))
    np.testing.assert_allclose(mine.centers, dec.centers, rtol=1e-5)
    np.testing.assert_allclose(mine.embedding, dec.embedding, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(mine.labels, dec.labels)


def test_what_the_page_says_of_errors(method):
    config = method.defaults()
    config.finetune.tolerance = 2.0
    with pytest.raises(ValueError, match=r"config\.finetune\.tolerance must be a number between 0 and 1, got 2"):
        method.check(config, 100)
    assert "got 2" in PAGE.read_text()
