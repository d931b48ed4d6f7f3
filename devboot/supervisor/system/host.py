"""What every part of the supervisor needs of the machine it runs on."""

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
    """The loop with its clock, who ends, who is there, and what time it is for people (seconds since the epoch)."""

    loop: AbstractLoop
    exits: Exits | ScopedExits
    watcher: Watcher
    wall_clock: Callable[[], float]
    children: set[int]  # what was spawned here and isn't reaped yet; all other children are adopted ones

    def within(self, fail: Fail) -> Host:
        """The same machine, where an error in a callback is reported to `fail` and ends nothing else."""
        scope = Scope(self.loop, fail)
        return self._replace(loop=scope, exits=ScopedExits(self.exits, scope))
