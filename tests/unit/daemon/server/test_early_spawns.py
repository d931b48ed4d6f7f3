"""The first spawns come before the server; what is told meanwhile reaches it afterwards, in order."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from devboot.daemon.server.early_spawns import EarlyEvents, spawn
from devboot.model.process import RUNNING, WAITING, Plan, ProcessStatus

WAITS = ProcessStatus("web", "process", WAITING)
RUNS = ProcessStatus("web", "process", RUNNING, 4711)


class Book:
    def __init__(self):
        self.written = []

    def add(self, pid, name):
        self.written.append((pid, name))


class Listener:
    def __init__(self):
        self.told = []

    def on_output(self, name, data):
        self.told.append((name, data))

    def on_change(self, status):
        self.told.append(status)

    def on_note(self, text, *, error=None):
        self.told.append((text, error))

    def on_settled(self):
        self.told.append("settled")

    def on_finished(self):
        self.told.append("finished")


class Teller:
    def __init__(self):
        self.listener = None

    def report_to(self, listener):
        self.listener = listener


def test_the_next_listener_is_told_all_that_the_first_one_was_told_in_order():
    opening, listener, teller = EarlyEvents(Book()), Listener(), Teller()
    opening.on_change(WAITS)
    opening.on_note("web: slow")
    opening.on_change(RUNS)
    opening.on_output("web", b"hello\n")
    opening.on_settled()
    opening.on_finished()

    opening.hand_over(teller, listener)

    assert listener.told == [WAITS, ("web: slow", None), RUNS, ("web", b"hello\n"), "settled", "finished"]
    assert teller.listener is listener


def test_a_pid_is_written_down_before_anybody_else_is_there():
    book = Book()
    opening = EarlyEvents(book)

    opening.on_change(WAITS)
    opening.on_change(RUNS)

    assert book.written == [(4711, "web")]


class Spawner:
    """A supervisor of many processes, each of which takes `seconds` to spawn, and its loop."""

    def __init__(self, count, seconds):
        self.plan = Plan("shop", "/p", "/s", (), ())
        self.left, self.seconds, self.time, self.loop = count, seconds, 100.0, self

    def now(self):
        return self.time

    def up(self, names, *, dependencies):
        assert (names, dependencies) == ((), True)

    @property
    def is_acting(self):
        return self.left > 0

    def act(self):
        self.left -= 1
        self.time += self.seconds


@pytest.mark.parametrize(("count", "left"), [(0, 0), (1, 0), (100, 0), (300, 150)])
def test_a_hundred_processes_are_spawned_before_clients_are_served_and_of_more_the_first(count, left):
    supervisor = Spawner(count, 0.001)
    request = SimpleNamespace(names=(), dependencies=True, view=SimpleNamespace(columns=0, rows=0))

    spawn(supervisor, request)

    assert supervisor.left == pytest.approx(left, abs=1)
