"""Resources of the machine and the event loop that all parts of the supervisor share."""

from __future__ import annotations

from devboot.record import Record
from devboot.supervisor.event_loop import Scope
from devboot.supervisor.system.child_exits import ScopedExits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.supervisor.event_loop import AbstractLoop, Fail
    from devboot.supervisor.system.child_exits import Exits
    from devboot.supervisor.system.membership import Watcher


class Host(Record):
    """Event loop, exits of processes, process census, wall clock (seconds since the epoch), and own children."""

    loop: AbstractLoop
    exits: Exits | ScopedExits
    watcher: Watcher
    wall_clock: Callable[[], float]
    children: set[int]  # children spawned here and not reaped yet; all others are adopted

    def within(self, fail: Fail) -> Host:
        """Return these resources for callbacks in a scope: an exception in one is passed to `fail`, not to the loop."""
        scope = Scope(self.loop, fail)
        return self._replace(loop=scope, exits=ScopedExits(self.exits, scope))
