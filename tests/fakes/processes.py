"""States of real processes, and waiting for them: the kernel needs a moment, and on a busy machine a long one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

PATIENCE = 60.0  # seconds until a test gives up waiting; nothing is ever asserted about how long it took

# Limits that a child is given, one after the other, until it has come as far as the test needs it
AS_LONG_AS_NEEDED = (1.0, 8.0, 60.0)

T = TypeVar("T")


def wait_until(condition: Callable[[], T], what: str = "the condition", seconds: float = PATIENCE) -> T:
    """Poll until the condition is true; return its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.005)
    return value


def state_of(pid: int | str) -> str:
    """Return the kernel's letter for the state of a process; "" for none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(") ")[2][:1]
    except OSError:
        return ""


def is_alive(pid: int | str) -> bool:
    """Return whether a process is there and more than an entry in the table."""
    return state_of(pid) not in ("", "Z", "X")


def are_alive(pids: Iterable[int | str]) -> bool:
    """Return whether these processes, at least one, are all alive."""
    known = list(pids)
    assert known, "no process to look at"
    return all(map(is_alive, known))


def are_gone(pids: Iterable[int | str]) -> bool:
    """Return whether of these processes, at least one, none is alive."""
    known = list(pids)
    assert known, "no process to look at"
    return not any(map(is_alive, known))


def freeze(pid: int) -> None:
    """Stop a process, and return when it has stopped: before that, a later signal may reach it first."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: state_of(pid) in ("T", "t", "Z", ""), f"the stop of {pid}")
