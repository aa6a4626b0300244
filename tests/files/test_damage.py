"""One flipped bit anywhere in a workdir is named or does no harm; no run silently becomes another one.

    pytest -m long tests/files/test_damage.py -s

JAXCLUSTER_DAMAGES sets their number (500). The algorithm is a toy; for those that there are see
tests/main/test_damages.py.
"""

import collections
import io
import json
import os
import random
import shutil

import jax
import numpy as np
import pytest

from jaxcluster.files import checkpoint, manifest, storage, workdir
from jaxcluster.runtime import trainer
from jaxcluster.runtime.progress import Reporter
from jaxcluster.runtime.signals import Interrupted
from tests.runtime import toy

DATA = {"samples": 30, "shape": [4, 5, 1], "dtype": "float32", "checksum": 1, "offset": 0.0, "scale": 1.0}


class Poll:
    def __init__(self, at=None):
        self.calls, self.at = 0, at

    def __call__(self):
        self.calls += 1
        if self.calls == self.at:
            raise Interrupted(2)


class Run:
    """What a command does with its workdir, in one process."""

    def __init__(self):
        self.algorithm = toy.algorithm(30)
        self.images = np.random.default_rng(0).normal(size=(30, 1)).astype(np.float32)

    def start(self, folder, at=None):
        """(what the run gives, what it said); goes on with what is in the folder."""
        said = []
        identity = {"config": {"algorithm": "toy", "seed": 0}, "data": DATA}
        workdir.claim(folder, identity, report=said.append)
        if workdir.read_finished(folder, report=said.append) is not None:
            return self.read(folder), said
        log = io.StringIO()
        poll = Poll(at)
        trained = trainer.train(
            self.algorithm, self.images, seed=0, workdir=folder, reporter=Reporter(log), poll=poll,
            checkpoint_seconds=1e9,
        )  # fmt: skip
        self.polls = poll.calls
        said += [line for line in log.getvalue().splitlines() if "cannot" in line or "damaged" in line]
        with manifest.sealing(folder):
            outputs = self.algorithm.outputs(trained.model, trained.rows)
            for field in ("labels", "confidence", "embedding", "centers"):
                storage.write_array(folder / f"{field}.npy", np.asarray(getattr(outputs, field)))
            workdir.write_csv(folder / "clusters.csv", np.asarray(outputs.labels), np.asarray(outputs.confidence), None)
            sizes = np.bincount(outputs.labels).tolist()
            workdir.write_json(folder / "summary.json", identity | {"results": {"cluster_sizes": sizes}})
        return self.read(folder), said

    def read(self, folder):
        """All that a user or a later command may take from a finished run."""
        phases = [phase.name for phase in self.algorithm.phases]
        found = [checkpoint.load_model(folder / "model" / name) for name in (*phases, self.algorithm.start_phase)[:-1]]
        found.append(checkpoint.load_model(folder / "model" / "start"))
        found += [storage.read_array(file) for file in sorted(folder.glob("*.npy"))]
        texts = [(folder / name).read_text() for name in ("clusters.csv", "summary.json")]
        records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for record in records:
            del record["seconds"]
        return found, texts, records


def same(one, other):
    left, right = jax.tree.leaves(one), jax.tree.leaves(other)
    return len(left) == len(right) and all(np.array_equal(a, b) for a, b in zip(left, right))


def flip(folder, draw):
    """Flip one bit of one file, each file as likely as any other."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.stat().st_size)
    file = draw.choice(files)
    content = bytearray(file.read_bytes())
    bit = draw.randrange(8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(content)
    return f"{file.relative_to(folder)} bit {bit}"


def damage(count, tmp_path):
    """Flip `count` bits, each in a new copy of a finished and of an interrupted run in turn; counts by outcome."""
    run = Run()
    expected, said = run.start(tmp_path / "finished")
    assert said == []
    with pytest.raises(Interrupted):
        run.start(tmp_path / "interrupted", at=run.polls * 2 // 3)
    draw, counts, wrong = random.Random(0), collections.Counter(), []
    for number in range(count):
        kind = ("finished", "interrupted")[number % 2]
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / kind, folder)
        where = flip(folder, draw)
        try:
            found, said = run.start(folder)
            outcome = "named" if said else "harmless" if same(found, expected) else "silently other"
            if said and not same(found[0], expected[0]):
                outcome = "named, other"
        except (ValueError, OSError) as error:
            outcome = "refused in a sentence" if "\n" not in str(error) else "traceback"
        except Exception as error:
            outcome = f"traceback of {type(error).__name__}"
        counts[kind, outcome] += 1
        if outcome not in ("named", "harmless", "refused in a sentence"):
            wrong.append(f"{kind}: {where}: {outcome}")
        shutil.rmtree(folder)
    print(f"\n{count} flipped bits: {', '.join(f'{a} {b} {n}' for (a, b), n in sorted(counts.items()))}")
    return wrong


def test_a_few_flipped_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "CALL_SECONDS", 0.0)
    assert damage(2, tmp_path) == []


@pytest.mark.long
def test_many_flipped_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "CALL_SECONDS", 0.0)
    assert damage(int(os.environ.get("JAXCLUSTER_DAMAGES", "500")), tmp_path) == []
