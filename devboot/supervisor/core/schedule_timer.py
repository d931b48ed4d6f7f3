"""Starts a scheduled process at its times by the wall clock, also after the machine was suspended.

Runs missed while the machine was suspended are made up for by a single one; runs due while the last one still goes on
are skipped.
"""

from __future__ import annotations

from devboot.model.schedule import next_after, parse_schedule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.supervisor.event_loop import Timer
    from devboot.supervisor.system.host import Host

# The loop's clock stops while the machine is suspended, and the wall clock can be set: look at it at least so often.
LONGEST = 30.0


class Timetable:
    """Timer for the next scheduled run of one process. Calls `on_due()` once when the time has come."""

    def __init__(self, host: Host, text: str, on_due: Callable[[], None]) -> None:
        self.text = text
        self.at = 0.0  # wall-clock seconds of the next run; 0: none is planned
        self._host = host
        self._on_due = on_due
        self._schedule = parse_schedule(text)
        self._beat = 0.0  # what intervals count from
        self._timer: Timer | None = None

    def plan(self) -> None:
        """Plan the next run, unless one is planned already."""
        if self.at:
            return
        now = self._host.wall_clock()
        self._beat = self._beat or now
        self.at = next_after(self._schedule, now, self._beat)
        self._wait()

    def cancel(self) -> None:
        """Cancel the planned run, because the process is running or is not to run."""
        self.at = 0.0
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        rest = max(0.0, self.at - self._host.wall_clock())
        self._timer = self._host.loop.call_later(min(rest, LONGEST), self.look)

    def look(self) -> None:
        """Call `on_due()` if the run is due, else wait on."""
        now = self._host.wall_clock()
        if now >= self.at:
            self.at, self._beat = 0.0, self.at if now - self.at < LONGEST else now
            self._on_due()
            return
        self._beat = min(self._beat, now)
        self.at = min(self.at, next_after(self._schedule, now, self._beat))  # the clock may have been set back
        self._wait()
