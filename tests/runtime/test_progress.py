"""What a run says in a log, with a clock that the test turns."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jaxcluster.runtime import progress
from jaxcluster.runtime.progress import Reporter


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def reporter():
    clock, said = Clock(), io.StringIO()
    return Reporter(said, clock), clock, said


def lines(said):
    return said.getvalue().splitlines()


def test_compilation_is_not_taken_for_the_pace(monkeypatch):
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    report, clock, said = reporter()
    report.start("pretrain", epoch=0, epochs=100)
    for seconds, epoch in ((70, 0.01), (1, 0.25), (1, 0.5), (30, 1), (2, 1.5), (2, 2), (4, 3)):
        clock.now += seconds
        report.update(epoch, {})
    assert lines(said) == [
        "pretrain: epoch 0/100",  # the first call compiles
        "pretrain: epoch 0/100",
        "pretrain: epoch 0/100  4.08 s/epoch  6 min 46 s left",
        "pretrain: epoch 1/100  4.08 s/epoch  6 min 44 s left",  # the first end of an epoch compiles, too
        "pretrain: epoch 1/100  4.08 s/epoch  6 min 42 s left",
        "pretrain: epoch 2/100  4 s/epoch  6 min 32 s left",
        "pretrain: epoch 3/100  4 s/epoch  6 min 28 s left",
    ]


def test_whole_epochs_give_a_pace_from_the_second_on(monkeypatch):
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    report, clock, said = reporter()
    report.start("finetune", epoch=0, epochs=4)
    for epoch in (1, 2, 3):
        clock.now += 60 if epoch == 1 else 0.5
        report.update(epoch, {"loss": 0.25})
    assert lines(said) == [
        "finetune: epoch 1/4  loss 0.25",
        "finetune: epoch 2/4  loss 0.25  0.5 s/epoch  1 s left",
        "finetune: epoch 3/4  loss 0.25  0.5 s/epoch  0 s left",
    ]


def test_a_resumed_phase_goes_on_from_its_epoch(monkeypatch):
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    report, clock, said = reporter()
    report.start("pretrain", epoch=490, epochs=500)
    for epoch in (491, 492, 493):
        clock.now += 2
        report.update(epoch, {})
    assert lines(said)[0] == "pretrain: epoch 491/500"
    assert lines(said)[-1] == "pretrain: epoch 493/500  2 s/epoch  14 s left"


def test_the_pace_follows_the_last_updates(monkeypatch):
    """A pause of the machine is forgotten."""
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    report, clock, said = reporter()
    report.start("pretrain", epoch=0, epochs=500)
    for epoch in range(1, 200):
        clock.now += 1000 if epoch == 50 else 1
        report.update(epoch, {})
    assert "  1 s/epoch  5 min 01 s left" in lines(said)[-1]


def test_an_open_end_has_no_seconds_left_and_shares_are_in_percent():
    report, clock, said = reporter()
    report.start("finetune", epoch=0, epochs=None)
    report.update(1, {})
    clock.now += 75
    report.update(2, {"loss": 0.0123456, "selected": 0.70617, "change": 0.00455, "acc": 0.5, "nmi": 0.25})
    assert lines(said)[-1] == (
        "finetune: epoch 2  loss 0.01235  selected 70.6 %  label change 0.455 %"
        "  scoring only: ACC 0.5000 NMI 0.2500  75 s/epoch"
    )


def test_a_log_gets_a_line_now_and_then():
    report, clock, said = reporter()
    report.start("pretrain", epoch=0, epochs=100)
    for epoch in range(1, 101):
        clock.now += 1
        report.update(epoch, {})
    assert len(lines(said)) == 7  # one at the start, then one every 15 seconds


def test_what_comes_before_the_epochs_is_told_now_and_then():
    """In a log not before 15 seconds have passed, and not more often; the epochs' first line is told at once."""
    report, clock, said = reporter()
    for done in range(1, 7):
        clock.now += 6
        report.part("train", "graph", done, 6)
    report.start("train", epoch=0, epochs=2)
    report.update(1, {})
    assert lines(said) == ["train: graph 3 of 6", "train: graph 6 of 6", "train: epoch 1/2"]


def test_a_bar_of_a_part_makes_room_for_the_next(monkeypatch):
    report, _, _ = reporter()
    monkeypatch.setattr(report._console, "_force_terminal", True)
    for done in (1, 2):
        report.part("train", "graph", done, 2)
        assert (report._bar is None) == (done == 2)
    report.part("train", "partition", 1, 3)  # left half done
    part = report._bar
    report.start("train", epoch=0, epochs=2)
    assert report._bar is not part
    report.abandon()
    assert not part.live.is_started


def test_the_last_line_says_how_long_it_took_and_why_it_ended():
    report, clock, said = reporter()
    report.start("finetune", epoch=0, epochs=100)
    clock.now += 3725
    report.finish(12, {"loss": 0.5}, "it is enough")
    assert lines(said) == ["finetune: epoch 12/100  loss 0.5  took 1 h 02 min (it is enough)"]


def test_sentences_are_printed_as_they_are():
    report, _, said = reporter()
    report.say("error: [bold]x[/bold] :100: " + "long " * 60)
    assert lines(said) == ["error: [bold]x[/bold] :100: " + "long " * 60]


class Broken(io.StringIO):
    """A log on a full disk."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error

    def flush(self):
        raise self.error


@pytest.mark.parametrize(
    "error", [BrokenPipeError(32, "Broken pipe"), OSError(28, "No space left on device"), ValueError("closed file")]
)
@pytest.mark.parametrize("terminal", [False, True])
def test_a_stream_that_cannot_be_written_costs_its_text_and_nothing_else(error, terminal, monkeypatch):
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    monkeypatch.setattr(Broken, "isatty", lambda self: terminal)
    report = Reporter(Broken(error))
    report.say("a sentence")
    report.start("pretrain", epoch=0, epochs=2)
    report.update(1, {"loss": 0.5})
    report.finish(2, {"loss": 0.5})
    report.abandon()


def test_what_comes_from_files_cannot_steer_the_terminal():
    report, _, said = reporter()
    report.say("run \x1b]0;owned\x07 of \r x")
    assert lines(said) == [r"run \x1b]0;owned\x07 of \r x"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("streams", [">/dev/full", "2>/dev/full", ">/dev/full 2>&1", ">&- 2>&-", "2>&1 | true"])
def test_a_process_whose_streams_cannot_be_written_ends_well(streams):
    code = (
        "from jaxcluster.runtime import progress; import sys, time; progress.guard_streams(); time.sleep(0.2)\n"
        "print('x' * 9000); print('y', file=sys.stderr); sys.stdout.flush(); progress.Reporter().say('z'); "
        "assert open('/dev/null').fileno() > 2; sys.exit(3)"
    )
    shell = f'set -o pipefail; "{sys.executable}" -c "$CODE" {streams}'
    ended = subprocess.run(
        ["bash", "-c", shell], env={**os.environ, "CODE": code, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert ended.returncode == 3
