"""A slow stop, a killed daemon, `up` and `down` in every order, with the guardian held up at each of its steps."""

from __future__ import annotations

import itertools
import os
import signal
import sys

import pytest

from devboot.daemon import leases
from tests.fakes.processes import freeze, is_alive, wait_until
from tests.process.conftest import searched

SLOW = f"""exec {sys.executable} -c '
import os, _signal
_signal.pthread_sigmask(_signal.SIG_BLOCK, {{_signal.SIGTERM}})
_signal.sigwait({{_signal.SIGTERM}})
while not os.path.exists("go"): _signal.sigtimedwait(set(), 0.005)
'"""


class Command:
    """A command at work, with a file that has what it has said so far."""

    def __init__(self, project, number, words) -> None:
        self.path = f"{project.root}/said-{number}"
        with open(self.path, "wb") as file:
            self.child = project.start(*words, stderr=file)

    @property
    def said(self) -> str:
        with open(self.path, encoding="utf-8") as file:
            return file.read()

    def has_come_as_far_as_it_can(self) -> bool:
        """Whether it has ended, or says what it waits for, as each command does after a second."""
        return self.child.poll() is not None or bool(self.said)

    def end(self) -> None:
        """Wait for its end."""
        self.child.wait(60)


class Events:
    """What may happen to a running project: each has come as far as it can before the next one happens."""

    def __init__(self, project) -> None:
        self.project = project
        self.killed = project.lease()
        self.slow = project.pids()["slow"]
        self.commands = []
        self.is_asked_to_stop = False

    def kill(self) -> None:
        """The daemon is killed: the first one, or the one that runs by now."""
        lease = self.project.lease()
        if lease is not None and is_alive(lease.pid):
            os.kill(lease.pid, signal.SIGKILL)
            wait_until(lambda: not is_alive(lease.pid), "the end of the daemon")
            self.is_asked_to_stop = True

    def up(self) -> None:
        self._run("up", "-d")

    def down(self) -> None:
        self._run("down")
        self.is_asked_to_stop = True

    def stopped(self) -> None:
        """The slow process ends now, if it was asked to; the next one of its kind ends at once."""
        open(f"{self.project.root}/go", "w").close()
        if self.is_asked_to_stop:
            wait_until(lambda: not is_alive(self.slow), "the end of the slow process")

    def freeze(self) -> None:
        """The guardian is stopped, wherever it is."""
        if is_alive(self.killed.guardian):
            freeze(self.killed.guardian)

    def _run(self, *words) -> None:
        command = Command(self.project, len(self.commands), words)
        self.commands.append(command)
        wait_until(command.has_come_as_far_as_it_can, f"`{' '.join(words)}` to end, or to say what it waits for")


@pytest.mark.faults(28, 34, 131)
@pytest.mark.parametrize(
    "order", searched(itertools.permutations(("kill", "up", "down", "stopped")), quick=4), ids="-".join
)
def test_whatever_the_order_is_a_running_project_can_be_reached_and_ended(project, order):
    project.spec("slow", SLOW, stop_timeout=30.0).spec("web").write().devboot("up", "-d")
    first = project.pids().values()
    events = Events(project)

    for name in order:
        getattr(events, name)()
    for command in events.commands:
        command.end()

    assert [command.said for command in events.commands if "does not answer\n" in command.said] == []
    check_reachable(project, [events.killed.pid, events.killed.guardian, *first])


@pytest.mark.faults(28, 34, 131)
@pytest.mark.parametrize("order", searched(itertools.permutations(("kill", "freeze", "up")), quick=1), ids="-".join)
def test_a_guardian_stopped_at_any_time_does_not_make_the_next_daemon_unreachable(project, order):
    project.spec("slow", SLOW, stop_timeout=30.0).spec("web").write().devboot("up", "-d")
    first = project.pids().values()
    events = Events(project)
    events.stopped()

    for name in order:
        getattr(events, name)()
    events.commands[0].end()
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
    assert leases.orphans_of(project.state) == []
    assert project.is_down()
