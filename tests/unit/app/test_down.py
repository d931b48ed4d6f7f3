"""What `down` does where a process ends in the very moment in which it is about to be signalled."""

import subprocess
import sys

import pytest

from devboot.app import down
from devboot.daemon import client
from devboot.daemon.leases import DaemonLease


@pytest.fixture
def ended(tmp_path):
    """The lease of a daemon and a guardian that have both gone."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    fields = dict.fromkeys(DaemonLease._fields, "1")
    return DaemonLease(**{**fields, "pid": child.pid, "guardian": child.pid, "socket": str(tmp_path / "socket")})


def test_a_guardian_that_ends_before_it_is_woken_is_no_error(ended, monkeypatch):
    monkeypatch.setattr(down, "_is_there", lambda *_: True)

    down._wake(ended)


def test_a_daemon_that_ends_before_it_is_asked_for_a_new_socket_is_not_there(ended):
    assert client._revive(ended) is None
