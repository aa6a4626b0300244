"""A disk that is full for a while: training goes on, the last good checkpoint stays, and nothing is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="a full disk is played by a limit to the size of files, which is Unix's")

# In a process of its own, whose every write to a file fails between two calls of poll: Python has SIGXFSZ ignored, so
# that a write beyond the limit ends in an OSError, in orbax and TensorStore too.
PROGRAM = """
import io, json, resource, sys
from pathlib import Path
from absl import logging
from jaxcluster.files import checkpoint
from jaxcluster.runtime import trainer
from jaxcluster.runtime.signals import Interrupted
from tests.runtime import toy
from tests.runtime.training import N, Poll, figures, train

logging.set_verbosity(logging.FATAL)  # as main does
root, kind = Path(sys.argv[1]), sys.argv[2]
trainer.CALL_SECONDS = 0.0  # one step per call, and a checkpoint after each
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
folder = root / "run"

def room(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))

def kept():
    checkpoints = checkpoint.Checkpoints(folder / "checkpoints", report=print)
    cursor = checkpoints.restore(lambda cursor: toy.algorithm(N).phases[cursor["phase"]].template())[1]
    checkpoints.close()
    return [cursor["phase"], cursor["epoch"], cursor["step"]]

class Full(Poll):
    def __call__(self):
        self.calls += 1
        if self.calls == 5:
            room(0)
        if self.calls == 8:
            answer["kept"] = kept()
            if kind == "a while":
                room(hard)
            if kind == "interrupted":
                raise Interrupted(2)

whole, answer, said = train(root / "whole"), {}, io.StringIO()
try:
    train(folder, poll=Full(), said=said, checkpoint_seconds=0.0)
except OSError as error:
    answer["error"] = str(error)
room(hard)
answer["said"] = said.getvalue()
answer["next"] = kept()
again = train(folder)
lines = (folder / "metrics.jsonl").read_text().splitlines()
rounded = lambda records: [{**record, "loss": round(record["loss"], 4)} for record in figures(records)]
answer["same"] = again.model["x"] == whole.model["x"]
answer["records"] = rounded(map(json.loads, lines)) == rounded(whole.history) == rounded(again.history)
print(json.dumps(answer, default=bool))
"""


def answer(folder, kind):
    root = Path(__file__).parents[2]
    # Cached programs that are cut short would be found by other tests.
    environment = {**os.environ, "PYTHONPATH": str(root), "JAX_ENABLE_COMPILATION_CACHE": "false"}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), kind],
        env=environment, cwd=root, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    assert "Traceback" not in run.stderr
    return json.loads(run.stdout.splitlines()[-1])


LONG = pytest.mark.long


@pytest.mark.parametrize(
    "kind", ["a while", pytest.param("interrupted", marks=LONG), pytest.param("to the end", marks=LONG)]
)
def test_a_full_disk_costs_no_more_than_what_came_after_the_last_good_checkpoint(tmp_path, kind):
    """Four steps make an epoch of the toy: the fourth call of poll lies at the end of the first."""
    found = answer(tmp_path, kind)
    told = (
        "a checkpoint could not be written (File too large); the last good one is kept, "
        "and the next is tried at the usual time"
    )
    said = found["said"].splitlines()
    assert told in said
    assert found["kept"] in ([0, 0, 3], [0, 1, 0])  # the last save may have been under way
    if kind == "a while":
        assert "error" not in found
        assert 2 <= said.count(told) <= 4
        assert found["next"][0] == 1
    elif kind == "interrupted":
        kept = "the same command goes on from the last good checkpoint"
        assert found["error"] == f"SIGINT: the state could not be saved; {kept}"
        assert found["next"] == found["kept"]
    else:
        assert found["error"] == (
            f"the model {tmp_path / 'run' / 'model' / 'one'} cannot be written: File too large; "
            "the same command goes on from the last good checkpoint once it can"
        )
        assert found["next"] == found["kept"]
    assert found["same"]
    assert found["records"]
