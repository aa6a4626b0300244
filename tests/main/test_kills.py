"""Killed at random moments, in every phase and in the middle of saves, a run ends as if nothing had been, bit for bit.

A kill is not heard by the run, so the moments are told by what the run can be seen to do from outside: its files and
what it says. When they show the moment that is waited for, and a little later by a draw, the run is stopped, looked at
again, and killed only if the moment still lasts. So each kill has landed where its name says. Further runs are killed
after times that are drawn, whatever they are doing then.

    pytest -m long tests/main/test_kills.py -s

prints at its end how many kills there were, and where.
"""

import collections
import json
import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxcluster.files import manifest
from jaxcluster.files.checkpoint import load_model
from tests.main.commands import two_kinds
from tests.main.kills import (
    PHASES,
    Moment,
    after,
    between,
    cursor,
    drawing,
    first_save_of_cluster,
    inside_an_epoch,
    kill_at,
    records,
    run_to_the_end,
    saving,
    start,
    start_and_kill,
    trained,
    writing_model,
    writing_results,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "waitid"), reason="cannot wait for a stop without reaping the process")


def arrays_of(workdir: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in [*workdir.glob("*.npy"), workdir / "clusters.csv"]}


def assert_equal_runs(found: Path, wanted: Path, *, all_pictures: bool = True) -> None:
    """Everything that is not a time is the same."""
    assert arrays_of(found).keys() >= {"labels.npy", "confidence.npy", "embedding.npy", "centers.npy"}
    assert arrays_of(found) == arrays_of(wanted)
    without_time = [[record | {"seconds": 0} for record in records(folder)] for folder in (found, wanted)]
    assert without_time[0] == without_time[1]
    summaries = [json.loads((folder / "summary.json").read_text()) for folder in (found, wanted)]
    assert summaries[0]["results"] == summaries[1]["results"]
    names = [{path.name for path in folder.glob("model/*")} for folder in (found, wanted)]
    assert names[0] == names[1]
    for name in names[0]:
        models = [load_model(folder / "model" / name) for folder in (found, wanted)]
        same = jax.tree.map(lambda a, b: a.dtype == b.dtype and a.tobytes() == b.tobytes(), *models)
        assert all(jax.tree.leaves(same)), name
    pictures = [{path.name for path in folder.glob("pictures/*")} for folder in (found, wanted)]
    assert pictures[0] == pictures[1] if all_pictures else pictures[0] <= pictures[1]


def left_over(workdir: Path) -> list[str]:
    """What a kill has left of something unfinished."""
    kinds = ("*tmp*", "*.partial", ".probe*")
    return [str(path.relative_to(workdir)) for kind in kinds for path in workdir.rglob(kind)]


def run_undisturbed(algorithm: str, folder: Path) -> Path:
    x, y = two_kinds((4, 5))
    np.savez(folder / "gray.npz", x=x, y=y)
    run_to_the_end(algorithm, folder / "whole", folder)
    return folder / "whole"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of aspc that nobody disturbs."""
    return run_undisturbed("aspc", tmp_path_factory.mktemp("kills"))


@pytest.fixture(scope="module")
def whole_clustergan(tmp_path_factory):
    return run_undisturbed("clustergan", tmp_path_factory.mktemp("kills"))


def kind(moment: Moment) -> str:
    return re.sub(r", \d.*|^\d+ ", "", moment.name)


@pytest.fixture(scope="module")
def counts():
    """Kills by algorithm and kind of moment; a line for each algorithm when all are done."""
    counts: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    yield counts
    for algorithm, kinds in counts.items():
        parts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        print(f"\n{algorithm}: {sum(kinds.values())} kills, each run ended like an undisturbed one ({parts})")


def check_starts(algorithm: str, starts: list[tuple[dict | None, str]]) -> None:
    """Each start has gone on where the newest checkpoint of the one before stood."""
    for where, said in starts:
        assert where is None or f"continuing in {PHASES[algorithm][where['phase']]} at epoch {where['epoch']}" in said
        assert "cannot be read" not in said
        assert "damaged" not in said
        assert "Warning" not in said


def killed_run(algorithm: str, moments: list[Moment], whole: Path, draw: random.Random, counts) -> None:
    folder = whole.parent
    workdir, where, starts = folder / f"killed-{len(moments)}", None, []
    for moment in moments:
        run = start_and_kill(algorithm, moment, workdir, folder, draw)
        starts.append((where, run.said))
        where = cursor(workdir)
        stands = where and [where[name] for name in ("phase", "epoch", "step")]
        print(f"killed: {moment.name}; {len(records(workdir))} records, checkpoint {stands}", *left_over(workdir))
    # As a kill in the middle of writing leaves them; files that have checksums already were written to their end.
    sealed = workdir / manifest.FILE
    entered = json.loads(sealed.read_text())["crc32"] if sealed.exists() else {}
    for array in workdir.glob("*.npy"):
        if array.name not in entered:
            array.write_bytes(array.read_bytes()[:50])
    starts.append((where, run_to_the_end(algorithm, workdir, folder)))
    check_starts(algorithm, starts)
    assert_equal_runs(workdir, whole)
    assert not left_over(workdir)
    counts[algorithm].update(map(kind, moments))


def killed_at_any_time(algorithm: str, count: int, whole: Path, draw: random.Random, counts) -> None:
    """Kill after times up to that of an undisturbed run, which compiles less than the first one did."""
    folder, number, killed = whole.parent, 0, 0
    drawing: collections.Counter = collections.Counter()  # kills in it; a second one may cost pictures
    began = time.monotonic()
    run_to_the_end(algorithm, folder / "timed", folder)
    longest = time.monotonic() - began
    while killed < count:
        workdir = folder / f"any-{number}"
        run = start(algorithm, workdir, folder)
        try:
            code = run.process.wait(timeout=draw.uniform(0, longest))
        except subprocess.TimeoutExpired:
            run.process.kill()
            run.process.wait(timeout=60)
            killed += 1
            drawing[workdir] += run.said.rstrip().endswith("drawing pictures")
            print(
                f"killed after {time.time() - run.since:.1f} s; {len(records(workdir))} records",
                *run.said[-60:].split(),
            )
            counts[algorithm]["at any time"] += 1
        else:
            assert code == 0, run.said
            number += 1
        check_starts(algorithm, [(None, run.said)])
    run_to_the_end(algorithm, workdir, folder)
    for finished in folder.glob("any-*"):
        assert_equal_runs(finished, whole, all_pictures=drawing[finished] < 2)
        assert not left_over(finished)


@pytest.mark.long
def test_killed_three_times_it_ends_as_if_nothing_had_been(whole, counts):
    draw = random.Random(0)
    moments = [saving("pretrain", draw.randrange(1, 100)), after("finetune", draw.randrange(1, 100)), drawing(2)]
    killed_run("aspc", moments, whole, draw, counts)


@pytest.mark.long
@pytest.mark.parametrize(
    "moment", [after("finetune", 40), after("pretrain", 40), drawing(2)], ids=["finetune", "pretrain", "drawing"]
)
def test_terminated_it_ends_with_143_and_goes_on(tmp_path, whole, moment):
    draw, workdir = random.Random(0), tmp_path / "terminated"
    run = start("aspc", workdir, whole.parent)
    kill_at(moment, run, draw, signal.SIGTERM)
    assert "Traceback" not in run.said
    if not run.over("finetune"):
        assert run.said.splitlines()[-1] == "SIGTERM: saved. The same command goes on from here."
    said = run_to_the_end("aspc", workdir, whole.parent)
    assert "continuing in" in said
    assert_equal_runs(workdir, whole)
    assert not left_over(workdir)


def in_turn(phase: str, count: int, draw: random.Random) -> list[Moment]:
    return [(saving, after)[i % 2](phase, draw.randrange(1, 50)) for i in range(count)]


@pytest.mark.long
@pytest.mark.parametrize("seed", [0])
def test_aspc_killed_twenty_times(whole, counts, seed):
    draw = random.Random(seed)
    moments = [
        Moment("claimed, nothing else", lambda run: bool(run.new("config.json"))),
        inside_an_epoch("pretrain"),
        *in_turn("pretrain", 6, draw),
        writing_model("pretrain"),
        between("pretrain", "finetune"),
        writing_model("start"),
        *in_turn("finetune", 5, draw),
        writing_model("finetune"),
        trained("finetune"),
        writing_results(),
        drawing(3),
    ]
    assert len(moments) == 20
    killed_run("aspc", moments, whole, draw, counts)


@pytest.mark.long
@pytest.mark.parametrize("seed", [0])
def test_clustergan_killed_twenty_times(whole_clustergan, counts, seed):
    draw = random.Random(seed)
    moments = [
        *in_turn("pretrain", 4, draw),
        writing_model("pretrain"),
        between("pretrain", "adversarial"),
        writing_model("start"),
        inside_an_epoch("adversarial"),
        *in_turn("adversarial", 5, draw),
        writing_model("adversarial"),
        between("adversarial", "cluster"),
        first_save_of_cluster(),
        writing_model("cluster"),
        trained("cluster"),
        writing_results(),
        drawing(5),
    ]
    assert len(moments) == 20
    killed_run("clustergan", moments, whole_clustergan, draw, counts)


@pytest.mark.long
@pytest.mark.parametrize("seed", [0])
def test_aspc_killed_at_any_time(whole, counts, seed):
    killed_at_any_time("aspc", 9, whole, random.Random(seed), counts)


@pytest.mark.long
@pytest.mark.parametrize("seed", [0])
def test_clustergan_killed_at_any_time(whole_clustergan, counts, seed):
    killed_at_any_time("clustergan", 8, whole_clustergan, random.Random(seed), counts)
