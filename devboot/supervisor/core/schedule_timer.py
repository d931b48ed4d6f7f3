"""When a scheduled process runs next: by the clock that people read, also after the machine has slept.

A run that was missed while the machine slept is made up for once; those that fell into another run are left out.
"""

from __future__ import annotations

from devboot.model.schedule import next_after, parse_schedule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.supervisor.event_loop import Timer
    from devboot.supervisor.system.host import Host

# The loop's clock stands still while the machine sleeps, and people's clock can be set: so we look again and again.
LONGEST = 30.0


class Timetable:
    """The next run of one process. `on_due()` is called once when it has come."""

    def __init__(self, host: Host, text: str, on_due: Callable[[], None]) -> None:
        self.text = text
        self.at = 0.0  # wall-clock seconds of the next run; 0: none is planned
        self._host = host
        self._on_due = on_due
        self._schedule = parse_schedule(text)
        self._beat = 0.0  # what intervals count from
        self._timer: Timer | None = None

    def plan(self) -> None:
        """Plan the next run, unless one is planned."""
        if self.at:
            return
        now = self._host.wall_clock()
        self._beat = self._beat or now
        self.at = next_after(self._schedule, now, self._beat)
        self._wait()

    def cancel(self) -> None:
        """Plan nothing: it runs, or isn't to run."""
        self.at = 0.0
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        rest = max(0.0, self.at - self._host.wall_clock())
        self._timer = self._host.loop.call_later(min(rest, LONGEST), self._look)

    def _look(self) -> None:
        now = self._host.wall_clock()
        if now >= self.at:
            self.at, self._beat = 0.0, self.at if now - self.at < LONGEST else now
            self._on_due()
            return
        self._beat = min(self._beat, now)
        self.at = min(self.at, next_after(self._schedule, now, self._beat))  # the clock may have been set back
        self._wait()
