"""Reaps and ends orphans: descendants that this program has adopted when their parents ended.

Works only if this program is a subreaper. Then no descendant can leave its process tree, even if it changes its
session, its parent and its environment.
"""

from __future__ import annotations

import os

from devboot.supervisor.system import proctable
from devboot.supervisor.system.process_tree import send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from signal import SIGCONT, SIGKILL, SIGTERM

    from devboot.supervisor.system.host import Host
else:
    from _signal import SIGCONT, SIGKILL, SIGTERM  # the signal package imports enum

GRACE = 2.0  # seconds between SIGTERM and SIGKILL, and again until orphans are given up


class Orphans:
    """The orphans of this program: its children that it hasn't spawned itself."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def adopted(self) -> frozenset[int]:
        """Return the pids of all orphans, including zombies."""
        return (proctable.own_children() or frozenset()) - self._host.children

    def reap(self) -> None:
        """Reap the orphans that have ended. Call it on SIGCHLD."""
        for pid in self.adopted():
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                continue

    def end(self, on_done: Callable[[frozenset[int]], None]) -> None:
        """Send SIGTERM to all orphans, later SIGKILL.

        Then call `on_done(left)` with the pids that survive, usually none.
        """
        self._round(SIGTERM, on_done)

    def _round(self, signal: int, on_done: Callable[[frozenset[int]], None]) -> None:
        self.reap()
        left = self.adopted()
        if not left:
            on_done(left)
            return
        send(left, signal)
        send(left, SIGCONT)
        waiting = set(left)

        def ended(pid: int) -> None:
            waiting.discard(pid)
            if not waiting:
                limit.cancel()
                # Their own children, if any, are adopted by us now.
                self._round(signal, on_done)

        def too_long() -> None:
            for pid in waiting:
                self._host.exits.unwatch(pid, ended)
            if signal == SIGKILL:
                on_done(self.adopted())
            else:
                self._round(SIGKILL, on_done)

        limit = self._host.loop.call_later(GRACE, too_long)
        for pid in left:
            self._host.exits.watch(pid, ended)
