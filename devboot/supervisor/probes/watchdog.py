"""Waits for signs of life that a process gives by itself (WATCHDOG=1 of sd_notify), and says when they stay away."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.supervisor.event_loop import AbstractLoop, Timer


class Heartbeat:
    """`on_silent()` comes once, when `limit` seconds have passed without a sign; `text` says why."""

    def __init__(self, loop: AbstractLoop, limit: float, on_silent: Callable[[], None], *, first: float = 0.0) -> None:
        """`first` is what the first sign may take in addition."""
        self.text = ""
        self._loop = loop
        self._limit = limit
        self._on_silent = on_silent
        self._timer: Timer | None = None
        self._wait(limit + first)

    def beat(self) -> None:
        """A sign of life."""
        if self._timer is not None:
            self._wait(self._limit)

    def allow(self, seconds: float) -> None:
        """The process says itself how long it may be silent from now on."""
        self._limit = seconds
        self.beat()

    def fail(self) -> None:
        """The process says that it doesn't live."""
        if self._timer is not None:
            self.stop()
            self.text = "it says so itself"
            self._on_silent()

    def stop(self) -> None:
        """Wait no more; nothing is called back afterwards."""
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
