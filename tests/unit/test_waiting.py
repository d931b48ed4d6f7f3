"""Helpers that tests wait with: stopped processes have stopped, and no two tests have a port in common."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.fakes import ports
from tests.fakes.processes import freeze, is_alive, state_of, wait_until

TAKES = (
    "import sys; from tests.fakes import ports; ports.NAMES = sys.argv[1]\n"
    "print(*[ports.free_ports() for _ in range(50)], flush=True); input()"
)


@pytest.fixture
def names(monkeypatch):
    """Names of claims that no other test has: there are 200 blocks, and two tests that wait for them wait for ever."""
    monkeypatch.setattr(ports, "NAMES", f"devboot-test-waiting-{os.getpid()}")
    yield ports.NAMES
    ports.release()


def test_a_later_signal_reaches_a_frozen_process_only_when_it_goes_on():
    child = subprocess.Popen(["sleep", "1000"])
    try:
        freeze(child.pid)
        assert "T" == state_of(child.pid)
        child.terminate()
        assert is_alive(child.pid)

        os.kill(child.pid, signal.SIGCONT)
        wait_until(lambda: not is_alive(child.pid))
    finally:
        child.kill()
        child.wait()


def test_another_worker_gets_other_ports_until_they_are_given_back(names):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", TAKES, names], text=True, **pipes) as other:
        try:
            theirs = {int(port) for port in other.stdout.readline().split()}
            ours = {ports.free_ports() for _ in range(50)}
        finally:
            other.communicate("\n")

    assert (50, 50, set()) == (len(theirs), len(ours), theirs & ours)
    taken = {port // ports.BLOCK for port in ours}
    assert not any(map(ports.claim, taken))
    ports.release()
    assert all(map(ports.claim, taken))


@pytest.mark.usefixtures("names")
def test_ports_on_which_somebody_listens_are_not_given_away():
    port = ports.free_ports(3)
    ports.release()
    with socket.create_server(("127.0.0.1", port + 2)):
        assert port not in {ports.free_ports(3) for _ in range(150)}
