"""Every test here runs under the orphan oracle: whatever it starts carries a mark, and nothing may outlive it."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal

import pytest

from tests.fakes.processes import wait_until

MARK = "DEVBOOT_TEST_MARK"


def marked(mark: str) -> dict[int, str]:
    """Pids (but this process') whose first environment carries `mark`, with their command lines."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                environment = file.read()
            with open(f"/proc/{name}/cmdline", "rb") as file:
                command = file.read()
        except OSError:
            continue
        if f"{MARK}={mark}".encode() in environment.split(b"\0"):
            found[int(name)] = command.replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return found


def searched(values, *, quick):
    """Return values as parameters of a test, of which all but the first `quick` are slow."""
    return [pytest.param(value, marks=[pytest.mark.slow] * (number >= quick)) for number, value in enumerate(values)]


@pytest.fixture(autouse=True)
def orphan_mark(monkeypatch):
    """The mark that children inherit; at the end nothing that carries it is alive."""
    mark = secrets.token_hex(12)
    monkeypatch.setenv(MARK, mark)
    yield mark
    with contextlib.suppress(AssertionError):  # what was told to end may need a moment to do so, and a processor
        wait_until(lambda: not marked(mark))
    left = marked(mark)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == {}
