"""A training of the toy, and what can be compared of it."""

import io

import jax
import numpy as np

from jaxcluster.runtime import trainer
from jaxcluster.runtime.progress import Reporter
from jaxcluster.runtime.signals import Interrupted
from tests.runtime import toy

N = 30
IMAGES = np.random.default_rng(0).normal(size=(N, 1)).astype(np.float32)


class Poll:
    """Raises at the given call."""

    def __init__(self, at=None):
        self.calls, self.at = 0, at

    def __call__(self):
        self.calls += 1
        if self.calls == self.at:
            raise Interrupted(2)


def train(workdir, *, said=None, poll=None, images=IMAGES, seed=0, checkpoint_seconds=1e9, devices=1, **options):
    return trainer.train(
        toy.algorithm(N, **options),
        images,
        seed=seed,
        workdir=workdir,
        reporter=Reporter(said or io.StringIO()),
        poll=poll or Poll(),
        score=lambda labels: {"acc": float(labels.mean()), "nmi": 0.5},
        checkpoint_seconds=checkpoint_seconds,
        device_list=jax.local_devices()[:devices],
    )


def figures(history):
    return [{name: value for name, value in record.items() if name != "seconds"} for record in history]
