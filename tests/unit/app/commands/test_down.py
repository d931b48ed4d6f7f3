"""What `down` does where a process ends in the very moment in which it is about to be signalled."""

import subprocess
import sys

import pytest

from devboot.app.commands import down
from devboot.daemon import client
from devboot.daemon.leases import DaemonLease
from devboot.daemon.signalling import SIGCONT, signal_process, wake_guardian
from devboot.supervisor.system.proctable import Seen


@pytest.fixture
def ended(tmp_path):
    """The lease of a daemon and a guardian that have both gone."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    fields = dict.fromkeys(DaemonLease._fields, "1")
    return DaemonLease(**{**fields, "pid": child.pid, "guardian": child.pid, "socket": str(tmp_path / "socket")})


def test_a_process_that_ends_before_it_is_signalled_is_no_error(ended):
    signal_process(Seen(ended.pid, 1, ended.pid, "S", "1"), SIGCONT)
    wake_guardian(ended)
    down.see_off(ended)


def test_a_daemon_that_ends_before_it_is_asked_for_a_new_socket_is_not_there(ended):
    assert client.revive(ended) is None
