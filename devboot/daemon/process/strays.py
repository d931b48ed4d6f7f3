"""Lists processes that have left the sessions of a project, so that they can be ended after daemon and guardian died.

A process that daemonised with an empty environment has nothing else that shows the next command where it came from. The
system doesn't report adoptions, so the daemon looks at its descendants now and then: soon after something has ended,
rarely in quiet times.
"""

from __future__ import annotations

from devboot.daemon.leases import ChildLease
from devboot.supervisor.system import proctable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from devboot.supervisor.event_loop import Loop, Timer
    from devboot.supervisor.system.proctable import Seen

SOON, _RARELY = 0.05, 5.0  # seconds between looks, at least
_SHARE, _SHARE_WHEN_BUSY = 20_000, 200  # at most one of so many seconds is spent on looking


class Strays:
    """Keeps the list of strays up to date: calls `write(entries)` with the whole list; that returns False if it failed.

    `look` returns the descendants outside of supervised sessions; `kept` are processes of an earlier run that could not
    be ended.
    """

    def __init__(
        self,
        loop: Loop,
        look: Callable[[], Iterable[Seen]],
        write: Callable[[Iterable[ChildLease]], bool],
        kept: Iterable[ChildLease] = (),
    ) -> None:
        self._loop = loop
        self._look = look
        self._write = write
        self._kept = tuple(kept)
        self._known: frozenset[tuple[int, str]] = frozenset()
        self._delay = SOON
        self._cost = 0.0  # seconds that a look takes
        self._timer: Timer = loop.call_later(SOON, self._turn)

    def look_soon(self) -> None:
        """Search for strays soon, because a process has ended and may have left children."""
        if self._delay > SOON:
            self._timer.cancel()
            self._delay = max(SOON, self._cost * _SHARE_WHEN_BUSY)
            self._timer = self._loop.call_later(self._delay, self._turn)

    def write_again(self) -> None:
        """Rewrite the list of strays soon, for instance because the file was deleted."""
        self._known = frozenset()
        self.look_soon()

    def close(self) -> None:
        """Stop the search for strays."""
        self._timer.cancel()

    def _turn(self) -> None:
        began = self._loop.now()
        found = frozenset((seen.pid, seen.started) for seen in self._look())
        self._cost = self._loop.now() - began
        if found != self._known:
            entries = [ChildLease(pid, at.replace(" ", "_"), proctable.name_of(pid)) for pid, at in sorted(found)]
            if self._write([*entries, *self._kept]):
                self._known = found
            self._delay = SOON
        self._delay = 4 * self._delay if self._delay < 1 else max(_RARELY, self._cost * _SHARE)
        self._timer = self._loop.call_later(self._delay, self._turn)
