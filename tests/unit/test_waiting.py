"""Helpers that tests wait with: stopped processes have stopped, and no two tests have a port in common."""

import os
import signal
import socket
import subprocess
import sys

from tests.fakes import ports
from tests.fakes.processes import freeze, is_alive, state_of, wait_until

TAKES = "from tests.fakes.ports import free_ports; print(*[free_ports() for _ in range(50)], flush=True); input()"


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


def test_another_worker_gets_other_ports_until_they_are_given_back():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", TAKES], text=True, **pipes) as other:
        try:
            theirs = {int(port) for port in other.stdout.readline().split()}
            ours = {ports.free_ports() for _ in range(50)}
        finally:
            other.communicate("\n")

    assert (50, 50, set()) == (len(theirs), len(ours), theirs & ours)
    ports.release()
    again = {ports.free_ports() for _ in range(150)}
    assert 150 == len(again)


def test_ports_on_which_somebody_listens_are_not_given_away():
    port = ports.free_ports(3)
    ports.release()
    with socket.create_server(("127.0.0.1", port + 2)):
        assert port not in {ports.free_ports(3) for _ in range(150)}
