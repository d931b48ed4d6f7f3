"""When a process that isn't ready counts as waiting for an edit: a clock and a machine of its own."""

from __future__ import annotations

import pytest

from devboot.supervisor.explain.import_errors import raised
from devboot.supervisor.explain.stalled_start import Silence
from devboot.supervisor.output.relay import Tail

TRACEBACK = "Traceback (most recent call last):\n  ...\n"
MISSING = b"Traceback (most recent call last):\n  ...\nModuleNotFoundError: No module named 'shop'\n"
UNSET = b"Traceback (most recent call last):\n  ...\nKeyError: 'TOKEN'\n"


class Stage:
    """Loop, host, watcher and census in one: time moves by `run`, work by itself."""

    def __init__(self, said, *, load=0.0, disk_until=0):
        self.time, self.load, self.disk_until, self.timers, self.said = 0.0, load, disk_until, [], []
        self.loop = self.watcher = self
        self.tail = Tail()
        self.tail.add(said)
        self.silence = Silence(self, 1, self.tail, lambda line: self.said.append((self.time, line)), worked=self.worked)

    def now(self):
        return self.time

    def call_later(self, delay, callback):
        self.timers.append((self.time + delay, callback))
        return self

    def census(self):
        return self

    def members(self, pid):
        return frozenset({pid})

    def worked(self, pids):
        return self.load * self.time * len(pids) if self.time >= self.disk_until else None

    def run(self, seconds):
        end = self.time + seconds
        while self.timers and self.timers[0][0] <= end:
            self.time, callback = self.timers.pop(0)
            callback()
        self.time = end


@pytest.mark.parametrize(
    ("said", "line", "seconds"),
    [
        (MISSING, "ModuleNotFoundError: No module named 'shop'", 6),
        (UNSET, "KeyError: 'TOKEN'", 12),
        (UNSET * 2, "KeyError: 'TOKEN'", 32),
    ],
    ids=["import", "other", "again"],
)
def test_an_exception_and_then_nothing_is_the_last_word(said, line, seconds):
    stage = Stage(said, load=0.02)
    stage.run(seconds)

    ((at, told),) = stage.said
    assert (told, at >= seconds - 2) == (line, True)


def test_what_tells_of_the_same_again_tries_again_by_itself():
    stage = Stage(UNSET * 2)
    stage.run(28)

    assert stage.said == []


def test_what_works_is_only_slow():
    stage = Stage(MISSING, load=0.5)
    stage.run(60)

    assert stage.said == []


def test_what_waits_for_a_disk_is_only_slow():
    stage = Stage(MISSING, disk_until=20)
    stage.run(60)

    ((at, _),) = stage.said
    assert at >= 20 + 4


@pytest.mark.parametrize(
    "afterwards",
    [b"loading the model without it\nstill loading it\nand still loading\n" * 3, b"waiting for edits\n"],
    ids=["log", "reloader"],
)
def test_what_goes_on_to_write_has_more_to_say(afterwards):
    stage = Stage(UNSET)
    stage.run(8)
    stage.tail.add(afterwards)
    stage.silence.begin_anew()
    stage.run(8)

    assert stage.said == []
    stage.run(10)
    assert len(stage.said) == (afterwards == b"waiting for edits\n")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (TRACEBACK + "shop.errors.NoToken: set it\n", "shop.errors.NoToken: set it"),
        (TRACEBACK + "KeyError: 1\n\n" + TRACEBACK + "OSError\n", "OSError"),
        (TRACEBACK + "x.Invalid: 2 errors\nTOKEN\n  missing\nKEY\n  missing\n", "x.Invalid: 2 errors"),
        (TRACEBACK, ""),
        ("INFO: no traceback\nKeyError: 1\n", ""),
        (TRACEBACK + "INFO started at 9 o'clock\n", ""),
    ],
    ids=["own", "chained", "several-lines", "cut", "none", "no-exception"],
)  # fmt: skip
def test_the_exception_is_the_line_below_the_last_traceback(text, found):
    assert raised(text.splitlines()) == found
