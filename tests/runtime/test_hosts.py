"""What is said of errors of JAX where several processes train together; the runs themselves are in tests/main."""

import jax
import pytest

from jaxcluster.runtime import hosts

LOST = jax.errors.JaxRuntimeError("UNAVAILABLE: Connection closed by peer")


@pytest.mark.parametrize(
    ("several", "error", "told"),
    [
        (True, LOST, True),
        (True, ValueError("Gloo all-reduce failed: timed out"), True),
        (False, LOST, False),
        (True, ValueError("shapes differ"), False),
        (True, jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes"), False),
    ],
)
def test_a_lost_process_is_told_and_nothing_else_is_taken_for_one(monkeypatch, several, error, told):
    monkeypatch.setattr(hosts, "is_multiprocess", lambda: several)
    with pytest.raises(hosts.HostError if told else type(error)) as raised, hosts.broken_is_told():
        raise error
    assert ("another process of this run has ended" in str(raised.value)) == told
    assert (raised.value is error) != told
