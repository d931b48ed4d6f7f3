"""Who is told when a process has ended: all that asked, once, and nobody who no longer wants to know."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from devboot.supervisor.event_loop import Loop
from devboot.supervisor.system.child_exits import Exits


@pytest.fixture
def loop():
    made = Loop()
    yield made
    made.close()


@pytest.fixture
def child():
    """A process that ends when its input is closed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as made:
        yield made


def test_all_that_asked_are_told_once_in_their_order(loop, child):
    told, exits = [], Exits(loop)
    exits.watch(child.pid, lambda pid: told.append(("probe", pid)))
    exits.watch(child.pid, lambda pid: told.append(("end", pid)))

    child.stdin.close()
    while len(told) < 2:
        loop.turn(0.05)
    loop.turn(0.01)

    assert [("probe", child.pid), ("end", child.pid)] == told


def test_who_no_longer_wants_to_know_leaves_the_others_their_watch(loop, child):
    told, exits = [], Exits(loop)

    def other(pid):
        told.append("other")

    exits.watch(child.pid, other)
    exits.watch(child.pid, told.append)
    exits.unwatch(child.pid, other)
    child.stdin.close()
    while not told:
        loop.turn(0.05)

    assert [child.pid] == told


def test_one_that_is_told_may_take_back_what_another_asked(loop, child):
    told, exits = [], Exits(loop)

    def second(pid):
        told.append("second")

    def first(pid):
        told.append("first")
        exits.unwatch(pid, second)

    exits.watch(child.pid, first)
    exits.watch(child.pid, second)
    child.stdin.close()
    while not told:
        loop.turn(0.05)
    loop.turn(0.01)

    assert ["first"] == told


def test_what_has_gone_already_is_told_in_the_next_turn_and_no_descriptor_stays(loop, child):
    told, exits = [], Exits(loop)
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    child.stdin.close()
    child.wait()

    exits.watch(child.pid, told.append)
    exits.watch(child.pid, told.append)
    assert [] == told
    loop.turn(1.0)

    assert [child.pid, child.pid] == told
    exits.unwatch(child.pid, told.append)
    exits.close()
    assert before == 0 or len(os.listdir("/proc/self/fd")) <= before
