"""Signals become an exception at the next poll, and leave no trace behind."""

import os
import signal
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


def test_a_second_signal_acts_at_once():
    with listen():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


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
