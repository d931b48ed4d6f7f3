"""Caches the process table and the listening sockets for one turn of the event loop."""

from __future__ import annotations

import os

from devboot.supervisor.system import proctable
from devboot.supervisor.system.process_tree import Census, census

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Set as AbstractSet

    from devboot.supervisor.event_loop import Loop


class Watcher:
    """Provides one process table (census) and one list of listening sockets per turn of the loop.

    `adopts`: this program is a subreaper, so processes left by an ended leader become its children, but aren't in
    `own`, the pids of the children that it has spawned.
    """

    def __init__(self, loop: Loop, own: AbstractSet[int], *, adopts: bool) -> None:
        self._loop = loop
        self._own = own
        self._adopts = adopts
        self._census: Census | None = None
        self._turn = self._listeners_turn = -1
        self._listeners: dict[int, frozenset[int]] = {}

    def census(self) -> Census:
        """Return the table of all processes as of this turn of the loop, read at the first call."""
        if self._census is None or self._turn != self._loop.turns:
            self._census, self._turn = census(), self._loop.turns
        return self._census

    def left_behind(self, leader: int, mark: str) -> frozenset[int]:
        """Return pids of live processes left by an ended leader: of its session, with its mark, or their children."""
        return (
            frozenset() if self._has_nothing_adopted() else self.census().members(leader, mark) - {leader, os.getpid()}
        )

    def listeners(self, port: int) -> frozenset[int]:
        """Return the inodes of sockets listening on `port`. Raises OSError if the system has no list."""
        return self.all_listeners().get(port, frozenset())

    def all_listeners(self) -> Mapping[int, frozenset[int]]:
        """Return the inodes of all listening sockets, by port. Raises OSError if the system has no list."""
        if self._listeners_turn != self._loop.turns:
            from devboot.supervisor.system.listening_sockets import listeners

            self._listeners, self._listeners_turn = proctable.with_reserve(listeners), self._loop.turns
        return self._listeners

    def is_unclear(self, leader: int) -> bool:
        """Return whether processes younger than `leader` exist whose marker can't be read yet."""
        return not self._has_nothing_adopted() and self.census().has_unmarked(leader)

    def _has_nothing_adopted(self) -> bool:
        """Return whether this subreaper has adopted no process.

        A cheap check that often saves reading the process table.
        """
        mine = proctable.own_children() if self._adopts else None
        return mine is not None and mine <= self._own
