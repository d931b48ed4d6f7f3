"""Finds everything that a child has started: by session, by parents, and by the marker in its environment.

A process can leave its session (setsid), its group and its parent (a double fork); its first environment stays.
"""

from __future__ import annotations

import os

from devboot.supervisor.system import proctable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MARKER = "DEVBOOT_PROCESS"  # <run>:<name>, in the environment of everything that a supervisor starts
INSIDE = "DEVBOOT_INSIDE"  # the project's root, for whoever is started inside: a second `up` of it is refused


class Census:
    """All processes as they were at one moment; environments are read when asked for."""

    def __init__(self, table: Mapping[int, proctable.Seen]) -> None:
        self._table = table
        self._children: dict[int, list[int]] = {}
        for seen in table.values():
            self._children.setdefault(seen.parent, []).append(seen.pid)
        self._marks: dict[str, set[int]] | None = None
        self._blank: list[proctable.Seen] = []

    def members(self, leader: int, mark: str = "") -> frozenset[int]:
        """Pids (the leader's too) of its session, of what carries its `mark`, and of the descendants of these.

        Without a mark no environment is read, which takes half of the time.
        """
        found: set[int] = set()
        left = [pid for pid, seen in self._table.items() if seen.session == leader]
        left += [leader, *(self._marked().get(mark, ()) if mark else ())]
        while left:
            pid = left.pop()
            if pid not in found:
                found.add(pid)
                left.extend(self._children.get(pid, ()))
        return frozenset(pid for pid in found if pid in self._table and self._table[pid].is_alive)

    def children(self, pid: int) -> tuple[int, ...]:
        """Direct children that are alive."""
        return tuple(each for each in self._children.get(pid, ()) if self._table[each].is_alive)

    def marked_otherwise(self, mark: str) -> frozenset[int]:
        """Pids of what some supervisor has started under another mark."""
        return frozenset(pid for other, pids in self._marked().items() if other != mark for pid in pids)

    def marked_by(self, run: str) -> frozenset[int]:
        """Pids of what the supervisor with this run id has started."""
        return frozenset(pid for mark, pids in self._marked().items() if mark.startswith(f"{run}:") for pid in pids)

    def has_unmarked(self, leader: int) -> bool:
        """Whether a process that is younger than `leader` (a zombie, perhaps) has no environment, marked or not.

        In the middle of an exec there is none for a moment, and a process may just then have lost its parent.
        """
        self._marked()
        since = self._table[leader].age_order if leader in self._table else 0
        return any(seen.age_order >= since for seen in self._blank)

    def _marked(self) -> dict[str, set[int]]:
        if self._marks is None:
            self._marks = {}
            for seen in self._table.values():
                if proctable.may_be_marked(seen):
                    self._read_mark(seen, self._marks)
        return self._marks

    def _read_mark(self, seen: proctable.Seen, marks: dict[str, set[int]]) -> None:
        environment = proctable.environment(seen.pid)
        if environment == b"":
            self._blank.append(seen)
        mark = proctable.entry_after(environment, f"{MARKER}=") if environment else None
        if mark:
            marks.setdefault(mark, set()).add(seen.pid)


def census() -> Census:
    """Look at the whole machine: 20 microseconds a process on Linux, a `ps` elsewhere."""
    return Census(proctable.processes())


def send(pids: Iterable[int], signal: int) -> None:
    """Signal each; those that are gone don't matter."""
    for pid in pids:
        try:
            os.kill(pid, signal)
        except (ProcessLookupError, PermissionError):
            continue
