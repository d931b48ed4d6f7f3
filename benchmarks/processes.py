"""Reads /proc: who descends from us, what CPU and memory they use, and who is left when all should have ended."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from typing import NamedTuple

_SET_CHILD_SUBREAPER = 36
WORKLOAD = frozenset({"sh", "dash", "bash", "sleep", "cat", "flood"})  # what the measured programs are asked to run


class Seen(NamedTuple):
    """One process as /proc shows it."""

    pid: int
    parent: int
    name: str
    state: str


def adopt_orphans() -> None:
    """Become the parent of whatever a measured program leaves behind, daemons included."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(root: int | None = None) -> list[Seen]:
    """All processes below `root` (default: this one), zombies left out."""
    children: dict[int, list[Seen]] = {}
    for seen in _all():
        children.setdefault(seen.parent, []).append(seen)
    found: list[Seen] = []
    todo = [root or os.getpid()]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += [seen.pid for seen in below]
    return [seen for seen in found if seen.state != "Z"]


def overhead(root: int | None = None) -> list[int]:
    """The pids below `root` that aren't the workload itself: runner, daemon, helpers."""
    return [seen.pid for seen in descendants(root) if seen.name not in WORKLOAD]


def cpu_ms(pids: list[int]) -> float:
    """Milliseconds of CPU that these processes have used so far, all threads; the dead count nothing."""
    return sum(_thread_ns(pid) for pid in pids) / 1e6


def pss_mb(pids: list[int]) -> float:
    """Proportional memory in MB: pages that are shared count in shares."""
    return sum(_pss_kb(pid) for pid in pids) / 1024


def end_leftovers(patience: float = 0.0) -> int:
    """Kill whatever still descends from us, `patience` seconds granted; how many had to be killed."""
    deadline = time.monotonic() + patience
    while (left := descendants()) and time.monotonic() < deadline:
        _reap()
        time.sleep(0.005)
    count = len(left)
    while left:
        for seen in left:
            _kill(seen.pid)
        time.sleep(0.01)
        _reap()
        left = descendants()
    _reap()
    return count


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _all() -> list[Seen]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            text = _read(f"/proc/{name}/stat")
            if text:
                # The name stands in brackets and may hold any character.
                head, _, tail = text.rpartition(")")
                state, parent = tail.split()[:2]
                found.append(Seen(int(name), int(parent), head.partition("(")[2], state))
    return found


def _thread_ns(pid: int) -> int:
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return 0
    return sum(int((_read(f"/proc/{pid}/task/{thread}/schedstat") or "0").split()[0]) for thread in threads)


def _pss_kb(pid: int) -> int:
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""
