"""Caches the process census and the listening sockets for one turn of the loop."""

from __future__ import annotations

import os

from devboot.supervisor.system import proctable
from devboot.supervisor.system.process_tree import Census, census

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Set as AbstractSet

    from devboot.supervisor.event_loop import Loop


class Watcher:
    """Provides one census and one list of listening sockets per turn of the loop.

    `adopts`: this process is a subreaper, so leftovers of an ended leader become children of it that aren't in `own`.
    """

    def __init__(self, loop: Loop, own: AbstractSet[int], *, adopts: bool) -> None:
        self._loop = loop
        self._own = own
        self._adopts = adopts
        self._census: Census | None = None
        self._turn = self._listeners_turn = -1
        self._listeners: dict[int, frozenset[int]] = {}

    def census(self) -> Census:
        """Return the census of this turn, taken after all events of the turn had happened."""
        if self._census is None or self._turn != self._loop.turns:
            self._census, self._turn = census(), self._loop.turns
        return self._census

    def left_behind(self, leader: int, mark: str) -> frozenset[int]:
        """Return the live processes of an ended leader's session, and its descendants."""
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
        """Return whether there are processes younger than `leader` whose owner can't be determined yet."""
        return not self._has_nothing_adopted() and self.census().has_unmarked(leader)

    def _has_nothing_adopted(self) -> bool:
        """Return whether nothing was adopted: one small read that usually saves a census."""
        mine = proctable.own_children() if self._adopts else None
        return mine is not None and mine <= self._own
