"""Random damages to the files of a run, finished or interrupted: each does no harm, or what is damaged is named.

    pytest -m long tests/main/test_damages.py -s

prints how often each came out. JAXCLUSTER_DAMAGES sets the number for each algorithm (250).
"""

import collections
import contextlib
import json
import os
import random
import shutil
import time

import jax
import numpy as np
import pytest

from jaxcluster.files import checkpoint, storage, workdir
from jaxcluster.runtime import trainer
from jaxcluster.runtime.signals import Interrupted
from jaxcluster.workflow import fit
from jaxcluster.workflow.predict import load_fitted
from jaxcluster.workflow.results import read_result
from tests.main.commands import CONFIG, ROOT, SMALL, command, two_kinds

OPTIONS = {
    "aspc": (CONFIG, *SMALL, "--config.pretrain.batch_size=12", "--config.finetune.batch_size=12"),
    "clustergan": (
        f"--config={ROOT / 'configs' / 'clustergan_digits.py'}", "--config.data.name=", "--config.n_clusters=2",
        "--config.m=6", "--config.initial.hidden=(9,)", "--config.initial.n_neighbors=3",
        "--config.pretrain.epochs=2", "--config.pretrain.batch_size=12", "--config.adversarial.epochs=2",
        "--config.adversarial.batch_size=12", "--config.cluster.n_init=2", "--config.network.clusterer_hidden=(9,)",
        "--config.network.generator_hidden=(8,)", "--config.network.discriminator_hidden=(7,)",
    ),
}  # fmt: skip
FROM_THE_END = {
    "aspc": 4,
    "clustergan": 1,
}  # polls before the last one comes the interruption: a step takes long to trace
KINDS = ("flipped", "cut", "emptied", "deleted", "swapped")


class Run:
    """The command of one algorithm on 24 images, finished, and interrupted near its end."""

    def __init__(self, name, folder):
        x, y = two_kinds((4, 5))
        np.savez(folder / "gray.npz", x=x, y=y)
        data = f"--config.data.path={folder / 'gray.npz'}"
        self.arguments = (*OPTIONS[name], data, "--config.checkpoint_seconds=0")
        self.folders = {state: folder / state for state in ("finished", "interrupted")}
        polls = []
        with listening(polls):
            said = command(*self.arguments, f"--workdir={self.folders['finished']}")
        assert said.code in (0, 3), said.text
        self.code = said.code
        with listening([], stop_at=len(polls) - FROM_THE_END[name]):
            said = command(*self.arguments, f"--workdir={self.folders['interrupted']}")
        assert said.code == 130, said.text
        said = command(f"--predict={folder / 'gray.npz'}", f"--workdir={self.folders['finished']}")
        assert said.code == 0, said.text
        finished = self.folders["finished"]
        identity = json.loads((finished / "config.json").read_text())
        self.identity = {name: identity[name] for name in ("config", "data")}
        self.expected = {"finished": read(finished, self.identity)[1], "interrupted": made(finished)[1]}

    def look(self, state, folder):
        """(sentences, what is there) of a folder that the same command is started in again."""
        if state == "finished":
            return read(folder, self.identity)
        said = command(*self.arguments, f"--workdir={folder}", "--nopictures")
        if said.code != self.code:
            raise ValueError(said.error)
        more, found = made(folder)
        return [*said.text.splitlines(), *more], found


def read(folder, identity):
    """A finished run as a second start finds it, and then a program that reads or predicts."""
    said = []
    workdir.claim(folder, identity, report=said.append)
    if workdir.read_finished(folder, report=said.append) is None:
        return [*said, "the run is not complete"], None
    result, fitted = read_result(folder), load_fitted(folder)
    predicted = {
        file.name: file.read_bytes()
        for file in (folder / "predictions" / "gray").iterdir()
        if file.name != "manifest.json"  # without it they are read unverified, as those of older versions
    }
    return said, {"arrays": [result.outputs, fitted], "records": [result.history, result.summary, predicted]}


def made(folder):
    """What a run has just written; a model that cannot be read is told."""
    said, models = [], {}
    for model in sorted((folder / "model").iterdir()):
        try:
            models[model.name] = checkpoint.load_model(model)
        except storage.WorkdirError as error:
            said.append(str(error))
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    results = json.loads((folder / "summary.json").read_text())["results"]
    arrays = {file.name: np.load(file) for file in folder.glob("*.npy")}
    text = (folder / "clusters.csv").read_text()
    return said, {"arrays": [arrays, text, models], "records": [[{**r, "seconds": 0} for r in records], results]}


def same(one, other):
    left, right = (jax.tree_util.tree_leaves_with_path(tree) for tree in (one, other))
    return [path for path, _ in left] == [path for path, _ in right] and all(
        np.asarray(a).dtype == np.asarray(b).dtype and np.array_equal(a, b) for (_, a), (_, b) in zip(left, right)
    )


def damage(folder, draw):
    """Damage one file, or change two for each other; the names of the files, and what was done."""
    file, other = draw.sample(sorted(file for file in folder.rglob("*") if file.is_file()), 2)
    content, kind = bytearray(file.read_bytes()), draw.choice(KINDS)
    if kind == "flipped" and content:
        bit = draw.randrange(8 * len(content))
        content[bit // 8] ^= 1 << bit % 8
        file.write_bytes(content)
    elif kind == "cut" and content:
        file.write_bytes(content[: draw.randrange(len(content))])
    elif kind == "swapped":
        file.write_bytes(other.read_bytes())
        other.write_bytes(content)
    elif kind == "deleted":
        file.unlink()
    else:
        file.write_bytes(b"")
    files = [file, other] if kind == "swapped" else [file]
    return [file.relative_to(folder) for file in files], kind


def outcome(run, state, folder, files):
    """How a damage came out; an empty string in front if it is as it must be, else "wrong: "."""
    try:
        said, found = run.look(state, folder)
    except (ValueError, OSError) as error:
        return "refused by name" if names(str(error), files) else f"wrong: refused: {error}"
    except Exception as error:
        return f"wrong: {type(error).__name__}: {error}"
    wanted, told = run.expected[state], any(names(sentence, files) for sentence in said)
    if found is None:  # the results are to be written again, as from an interrupted run
        return "named, results written again" if told else f"wrong: begun again: {said}"
    if same(found, wanted):
        return "named, same results" if told else "harmless"
    if not told or not same(found["arrays"], wanted["arrays"]):
        if not told or not missing_models(found, wanted):
            return f"wrong: other results: {said}"
        return "named, a model is refused"
    return "named, records lost"


def missing_models(found, wanted):
    """Whether the only difference is that models cannot be read."""
    here, there = found["arrays"][-1], wanted["arrays"][-1]
    return same(found["arrays"][:-1], wanted["arrays"][:-1]) and here.keys() < there.keys()


def names(sentence, files):
    """Whether a sentence names one of the files, or the checkpoint or the model that it is of."""
    kept = [str(file) if file.parts[0] not in ("checkpoints", "model") else "/".join(file.parts[:2]) for file in files]
    return any(name in sentence for name in kept) and "Traceback" not in sentence


@contextlib.contextmanager
def listening(polls, stop_at=None):
    """Count how often a run listens for signals, and let it hear Ctrl-C once."""

    @contextlib.contextmanager
    def listen():
        def poll():
            polls.append(1)
            if len(polls) == stop_at:
                raise Interrupted(2)

        yield poll

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "listen", listen)
        yield


@pytest.mark.long
@pytest.mark.parametrize("name", ["aspc", "clustergan"])
def test_random_damages(name, tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "CALL_SECONDS", 0.0)
    run, draw, counts, wrong = Run(name, tmp_path), random.Random(0), collections.Counter(), []
    for number in range(int(os.environ.get("JAXCLUSTER_DAMAGES", "250"))):
        state, folder = ("finished", "interrupted")[number % 2], tmp_path / "damaged"
        shutil.copytree(run.folders[state], folder)
        files, kind = damage(folder, draw)
        began, came_out = time.process_time(), outcome(run, state, folder, files)
        if came_out.startswith("wrong"):
            wrong.append(f"{number}, {state}, {' and '.join(map(str, files))} {kind}: {came_out}")
        print(f"{number} {state} {' '.join(map(str, files))} {kind}: {came_out} {time.process_time() - began:.1f} s")
        counts[state, came_out.split(":")[0]] += 1
        shutil.rmtree(folder)
    print(f"\n{name}: {counts.total()} damages: " + ", ".join(f"{a} {b} {n}" for (a, b), n in sorted(counts.items())))
    assert wrong == []
