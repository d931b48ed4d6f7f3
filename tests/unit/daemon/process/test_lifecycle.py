"""What the caller is told when a daemon can't begin."""

from __future__ import annotations

import errno
import os
import sys

import pytest

from devboot.daemon.process import lifecycle
from devboot.daemon.process.lifecycle import told as told_of


def told(error, state):
    try:
        raise error
    except OSError as raised:
        return told_of(raised, str(state), colour=False)


@pytest.mark.faults(12, 42)
@pytest.mark.parametrize(
    ("number", "name", "slug"),
    [(errno.ENOSPC, None, "disk-full"), (errno.EEXIST, "run", "in-the-way"), (errno.ENXIO, "run", "in-the-way")],
)
def test_what_the_machine_refuses_is_no_bug(number, name, slug, tmp_path):
    path = str(tmp_path / name) if name else None
    text, code = told(OSError(number, os.strerror(number), path), tmp_path)

    assert text.startswith(f"error[machine/{slug}]: ")
    assert code == 6


@pytest.mark.faults(36)
def test_whatever_else_is_one_and_leaves_its_trace(tmp_path):
    (tmp_path / "run").mkdir()
    text, code = told(OSError(errno.EBADF, os.strerror(errno.EBADF)), tmp_path)

    assert text.startswith("error[bug]: the daemon failed because of a bug in devboot (OSError)\n")
    assert code == 70
    assert "in told" in (tmp_path / "run/crash").read_text()


class Unreadable:
    """A finder of modules that can't read one module, as without descriptors, until `error` is None."""

    def __init__(self, name):
        self.name = name
        self.error = OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    def find_spec(self, name, _path=None, _target=None):
        if name == self.name and self.error is not None:
            raise self.error


class Turns:
    """A loop whose next turn comes when the test says so."""

    def __init__(self):
        self.due = []

    def call_later(self, _delay, callback):
        self.due.append(callback)

    def turn(self):
        self.due.pop()()


@pytest.mark.faults(225)
def test_a_module_that_cannot_be_read_for_want_of_descriptors_is_imported_later(monkeypatch, tmp_path):
    (tmp_path / "needed_later.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    finder, loop = Unreadable("needed_later"), Turns()
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])

    lifecycle.import_the_rest(loop, ("needed_later", "json"))
    loop.turn()
    assert ("needed_later" in sys.modules, len(loop.due)) == (False, 1)
    finder.error = None
    loop.turn()

    assert "needed_later" in sys.modules
    del sys.modules["needed_later"]
