"""A slow stop, a killed daemon, `up` and `down` in every order, with the guardian held up at each of its steps."""

from __future__ import annotations

import itertools
import os
import signal
import sys

import pytest

from devboot.daemon import leases

from .conftest import is_alive, wait_until

SLOW = f"""exec {sys.executable} -c '
import os, _signal
_signal.pthread_sigmask(_signal.SIG_BLOCK, {{_signal.SIGTERM}})
_signal.sigwait({{_signal.SIGTERM}})
while not os.path.exists("go"): _signal.sigtimedwait(set(), 0.005)
'"""


class Events:
    """What may happen to a running project; commands are started, and waited for at the end."""

    def __init__(self, project) -> None:
        self.project = project
        self.killed = project.lease()
        self.commands = []

    def kill(self) -> None:
        os.kill(self.killed.pid, signal.SIGKILL)

    def up(self) -> None:
        self.commands.append(self.project.start("up", "-d"))

    def down(self) -> None:
        self.commands.append(self.project.start("down"))

    def stopped(self) -> None:
        """The slow process ends now, if it was asked to; the next one of its kind ends at once."""
        open(f"{self.project.root}/go", "w").close()

    def freeze(self) -> None:
        """The guardian is stopped, wherever it is."""
        if is_alive(self.killed.guardian):
            os.kill(self.killed.guardian, signal.SIGSTOP)


@pytest.mark.faults(28, 34, 131)
@pytest.mark.parametrize("order", list(itertools.permutations(("kill", "up", "down", "stopped"))), ids="-".join)
def test_whatever_the_order_is_a_running_project_can_be_reached_and_ended(project, order):
    project.spec("slow", SLOW, stop_timeout=30.0).spec("web").write().devboot("up", "-d")
    first = project.pids().values()
    events = Events(project)

    for name in order:
        getattr(events, name)()
    outcomes = [(command.wait(60), command.stderr.read()) for command in events.commands]

    assert [(code, text) for code, text in outcomes if "does not answer\n" in text] == []
    check_reachable(project, [events.killed.pid, events.killed.guardian, *first])


@pytest.mark.faults(28, 34, 131)
@pytest.mark.parametrize("order", list(itertools.permutations(("kill", "freeze", "up"))), ids="-".join)
def test_a_guardian_stopped_at_any_time_does_not_make_the_next_daemon_unreachable(project, order):
    project.spec("slow", SLOW, stop_timeout=30.0).spec("web").write().devboot("up", "-d")
    first = project.pids().values()
    events = Events(project)
    events.stopped()

    for name in order:
        getattr(events, name)()
    events.commands[0].wait(60)
    if is_alive(events.killed.guardian):
        os.kill(events.killed.guardian, signal.SIGCONT)

    check_reachable(project, [events.killed.pid, events.killed.guardian, *first])


def check_reachable(project, ended):
    """`ps` agrees with what is alive, `down` ends it, and nothing is left."""
    wait_until(lambda: not any(map(is_alive, ended[:2])), "daemon and guardian")
    lease = project.lease()
    pids = [*project.pids().values()]
    runs = "not running" not in project.devboot("ps").stderr
    assert runs == (lease is not None and lease.is_alive)
    project.devboot("down")
    left = [*ended, *pids, *([lease.pid, lease.guardian] if lease else [])]
    assert [] == [pid for pid in left if is_alive(pid)]
    assert leases.left_behind(project.state) == []
    assert project.is_down()
