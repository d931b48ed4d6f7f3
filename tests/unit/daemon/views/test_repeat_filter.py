"""Crash loops, as people are shown them."""

from __future__ import annotations

import pytest

from devboot.daemon.views.repeat_filter import LONGEST, RepeatFilter, without_numbers
from devboot.model.process import BACKOFF, GAVE_UP, PROCESS, READY, RUNNING, STOPPED, ProcessStatus
from tests.fakes.clock import Clock

TRACE = b"11:02:33 pid 4711\nTraceback\nKeyError: 0x7f00\n"
AGAIN = b"11:02:34 pid 12\nTraceback\nKeyError: 0x7fffab\n"


class Screen:
    """What people have been shown, and the output of the present run."""

    def __init__(self):
        self.clock, self.shown, self.run = Clock(), [], b""
        self.repeats = RepeatFilter(
            self.clock,
            show=lambda name, data: self.shown.append(data),
            say=self.shown.append,
            written=lambda name: self.run,
        )

    def phase(self, phase):
        self.repeats.changed(ProcessStatus("web", PROCESS, phase))

    def write(self, data):
        self.run += data
        if "web" in self.repeats.loops:
            self.repeats.output("web", data)
        else:
            self.shown.append(data)

    def crash(self, *blocks, end=BACKOFF):
        self.run = b""
        self.phase(RUNNING)
        for block in blocks:
            self.write(block)
        self.phase(end)


@pytest.fixture
def screen():
    return Screen()


def test_runs_that_say_the_same_but_for_numbers_are_counted(screen):
    screen.crash(TRACE)
    screen.crash(AGAIN)
    screen.crash(AGAIN[:20], AGAIN[20:], end=GAVE_UP)

    assert [TRACE, "web: same output as before, 2 times\n", "web: same output as before, 3 times\n"] == screen.shown
    assert {} == screen.repeats.loops


def test_a_run_that_says_something_else_is_shown_from_the_line_that_differs_on(screen):
    screen.crash(TRACE)
    screen.crash(AGAIN[:20], b"other\n", b"more\n")
    screen.crash(AGAIN[:20] + b"other\nmore\n")

    assert [TRACE, AGAIN[:20] + b"other\n", b"more\n", "web: same output as before, 2 times\n"] == screen.shown


def test_a_run_that_says_less_is_shown(screen):
    screen.crash(TRACE)
    screen.crash(AGAIN[:20])

    assert [TRACE, AGAIN[:20]] == screen.shown


def test_a_run_that_becomes_ready_or_lives_longer_is_shown(screen):
    screen.crash(TRACE)
    screen.run = b""
    screen.phase(RUNNING)
    screen.write(AGAIN)
    assert [TRACE] == screen.shown

    screen.clock.pass_(5.0)
    assert [TRACE, AGAIN] == screen.shown
    screen.phase(READY)
    screen.write(b"on\n")
    assert [TRACE, AGAIN, b"on\n"] == screen.shown


def test_who_comes_to_look_and_who_is_told_of_something_gets_what_was_held_back_first(screen):
    screen.crash(TRACE)
    screen.run = b""
    screen.phase(RUNNING)
    screen.write(AGAIN[:20])
    screen.repeats.show_all()

    assert [TRACE, AGAIN[:20]] == screen.shown
    screen.phase(STOPPED)
    assert {} == screen.repeats.loops


def test_a_silent_crash_and_a_long_output_are_not_compared(screen):
    long = b"x" * (LONGEST + 1)
    screen.crash(long)
    screen.crash(long)
    screen.crash()
    screen.crash()

    assert [long, long] == screen.shown


def test_colours_do_not_make_a_difference():
    assert without_numbers(b"\x1b[31mfailed\x1b[0m after 12 s") == without_numbers(b"failed after 7 s")
