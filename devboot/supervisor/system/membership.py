"""Who belongs to a process and who listens right now, looked up as rarely as possible."""

from __future__ import annotations

import os

from devboot.supervisor.system import proctable
from devboot.supervisor.system.process_tree import Census, census

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Set as AbstractSet

    from devboot.supervisor.event_loop import Loop


class Watcher:
    """Hands out one census to all that ask within the same turn of the loop.

    `adopts`: this process is a subreaper, so what an ended leader has left is a child of ours that isn't in `own`.
    """

    def __init__(self, loop: Loop, own: AbstractSet[int], *, adopts: bool) -> None:
        self._loop = loop
        self._own = own
        self._adopts = adopts
        self._census: Census | None = None
        self._turn = self._listeners_turn = -1
        self._listeners: dict[int, frozenset[int]] = {}

    def census(self) -> Census:
        """The census of this turn: it was taken after everything that the loop reports in this turn had happened."""
        if self._census is None or self._turn != self._loop.turns:
            self._census, self._turn = census(), self._loop.turns
        return self._census

    def left_behind(self, leader: int, mark: str) -> frozenset[int]:
        """What is alive of the session and the descendants of a leader that has ended."""
        return (
            frozenset() if self._has_nothing_adopted() else self.census().members(leader, mark) - {leader, os.getpid()}
        )

    def listeners(self, port: int) -> frozenset[int]:
        """Inodes of the sockets that listen on `port` in this turn. Raises OSError where nobody can tell."""
        return self.all_listeners().get(port, frozenset())

    def all_listeners(self) -> Mapping[int, frozenset[int]]:
        """Inodes of all sockets that listen in this turn, by their port. Raises OSError where nobody can tell."""
        if self._listeners_turn != self._loop.turns:
            from devboot.supervisor.system.listening_sockets import listeners

            self._listeners, self._listeners_turn = proctable.with_reserve(listeners), self._loop.turns
        return self._listeners

    def is_unclear(self, leader: int) -> bool:
        """Whether there are processes younger than `leader` of which nobody can tell yet whose they are."""
        return not self._has_nothing_adopted() and self.census().has_unmarked(leader)

    def _has_nothing_adopted(self) -> bool:
        """The usual case, which costs one small read instead of a look at all processes of the machine."""
        mine = proctable.own_children() if self._adopts else None
        return mine is not None and mine <= self._own
