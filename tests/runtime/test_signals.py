"""Signals become an exception at the next poll, and leave no trace behind."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from jaxcluster.runtime.signals import Interrupted, listen


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_heard_at_the_next_poll(number, exit_code):
    before = signal.getsignal(number)
    with listen() as poll:
        poll()
        os.kill(os.getpid(), number)
        with pytest.raises(Interrupted) as caught:
            poll()
    assert caught.value.exit_code == exit_code
    assert signal.getsignal(number) is before


def test_a_signal_after_the_last_poll_is_not_lost():
    def run():
        with listen():
            os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("it was lost")

    with pytest.raises(Interrupted):
        run()


HANGING = """
import hashlib, os, signal, sys, threading, time
from jaxcluster.runtime import signals
signals.END_SECONDS = 1.0
threading.excepthook = lambda *_: None
with signals.bounded_exit():
    if sys.argv[1] == "exit":  # a thread that Python waits for
        threading.Thread(target=time.sleep, args=(1000,)).start()
        sys.exit(3)
    with signals.listen() as poll:
        if sys.argv[1] == "call":  # one that comes back to no instruction of Python
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
            hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
        os.kill(os.getpid(), signal.SIGTERM)
        if sys.argv[1] == "save":
            time.sleep(1000)
        try:
            poll()
        except signals.Interrupted as heard:
            threading.Thread(target=time.sleep, args=(1000,)).start()
            sys.exit(heard.exit_code)
"""


@pytest.mark.parametrize(("where", "code"), [("save", 143), ("call", 143), ("after", 143), ("exit", 3)])
def test_a_command_ends_after_a_signal_and_at_its_end_whatever_hangs(where, code):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(
        [sys.executable, "-c", HANGING, where], env=environment, capture_output=True, text=True, timeout=100
    )
    assert ended.returncode == code, ended.stderr
    told = "SIGTERM: not all was saved. The same command goes on from the last good checkpoint\n"
    assert ended.stderr == ("" if where == "exit" else told)


def test_a_second_signal_acts_at_once():
    def run():
        with listen():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run()


def test_other_threads_may_train_as_well():
    outcome = []

    def work():
        with listen() as poll:
            poll()
            outcome.append("done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert outcome == ["done"]
