"""What is told before the server is there reaches it afterwards, in order."""

from __future__ import annotations

from devboot.daemon.server.early_spawns import EarlyEvents
from devboot.model.process import RUNNING, WAITING, ProcessStatus

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
