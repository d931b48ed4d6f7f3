"""Liveness by sd_notify: expects WATCHDOG=1 messages of the process and reports when they stop."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.supervisor.event_loop import AbstractLoop, Timer


class Heartbeat:
    """Calls `on_silent()` once when no watchdog message has arrived for `limit` seconds; `text` is the reason then."""

    def __init__(self, loop: AbstractLoop, limit: float, on_silent: Callable[[], None], *, first: float = 0.0) -> None:
        """`first` is extra time, in seconds, for the first message."""
        self.text = ""
        self._loop = loop
        self._limit = limit
        self._on_silent = on_silent
        self._timer: Timer | None = None
        self._wait(limit + first)

    def beat(self) -> None:
        """Record a watchdog message: the wait starts anew."""
        if self._timer is not None:
            self._wait(self._limit)

    def allow(self, seconds: float) -> None:
        """Set the limit that the process has requested with WATCHDOG_USEC."""
        self._limit = seconds
        self.beat()

    def fail(self) -> None:
        """Mark the process as hung: it has sent `WATCHDOG=trigger`."""
        if self._timer is not None:
            self.stop()
            self.text = "it reported WATCHDOG=trigger"
            self._on_silent()

    def stop(self) -> None:
        """Stop waiting; no callback follows."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, seconds: float) -> None:
        self.stop()
        self._timer = self._loop.call_later(seconds, self._silent)

    def _silent(self) -> None:
        self._timer = None
        self.text = f"no sign of life for {self._limit:g} s"
        self._on_silent()
