"""Decides when a process counts as up that has no port and no probe: it has started and now waits for work."""

from __future__ import annotations

import math

from devboot.supervisor.system import proctable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from devboot.supervisor.event_loop import Timer
    from devboot.supervisor.system.host import Host

QUIET = 1.0  # seconds alive without work that show it: what imports its modules works, and may fail until then
LONGEST = 10.0  # seconds alive that are enough for a process that never stops working
_STEP = 0.2  # seconds between looks
_SOON = 0.01  # seconds until a second look at a process that happened to run during the first
_INSTALLS = (b"npm", b"npx", b"pnpm", b"yarn", b"pip", b"uv", b"poetry", b"pipenv", b"bundle", b"composer")
_VERBS = (b"install", b"ci", b"i", b"add", b"sync")  # behind one of them
_SHELLS = (b"sh", b"bash", b"dash", b"ash", b"zsh", b"ksh")
_IDLE = 0.1  # share of one processor: polling for file changes needs less


class Settling:
    """Watches one run from its spawn, and calls `on_settled` once.

    That is after `at_least` seconds, of which the last `QUIET` were without work, or after `longest`. Where the system
    doesn't report the time that a process has worked (macOS), `at_least` decides alone. While `is_waiting()` holds, the
    process counts as working: it may end for what it waits for. While it installs packages (`npm install && node x`),
    what is meant to run hasn't begun.
    """

    def __init__(
        self,
        host: Host,
        pid: int,
        on_settled: Callable[[], None],
        *,
        at_least: float = QUIET,
        longest: float = LONGEST,
        is_waiting: Callable[[], bool] = lambda: False,
        worked: Callable[[Iterable[int]], float | None] = proctable.worked,
        command_line: Callable[[int], bytes | None] = proctable.command_line,
    ) -> None:
        self._host = host
        self._pid = pid
        self._on_settled = on_settled
        self._worked_by = worked
        self._command_line = command_line
        self._began = self._looked = self._busy = host.loop.now()
        self._at_least = at_least
        self._longest = longest
        self._is_waiting = is_waiting
        self._worked = 0.0  # processor seconds until the last look
        self._is_second_look = False
        self._timer: Timer | None = None
        self._schedule()

    def cancel(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def _due(self) -> float:
        """The time at which the process settles if it doesn't work until then."""
        earliest = self._began + self._at_least
        return max(earliest, min(self._busy + QUIET, self._began + self._longest))

    def _schedule(self) -> None:
        # On a common grid, so that one census answers for all processes that were started together.
        following = math.ceil(self._host.loop.now() / _STEP + 0.5) * _STEP
        self._timer = self._host.loop.call_at(min(following, self._due), self._look)

    def _look(self) -> None:
        now = self._host.loop.now()
        members = self._host.watcher.census().members(self._pid)
        worked = self._worked_by(members)
        if worked is None and not self._is_second_look:
            self._is_second_look = True
            self._timer = self._host.loop.call_later(_SOON, self._look)
            return
        # The system counts in hundredths of a second: less than a whole step would say too much.
        has_worked = worked is None or worked - self._worked > _IDLE * max(_STEP, now - self._looked)
        if has_worked or self._is_waiting():
            self._busy = now
        self._is_second_look = False
        self._looked, self._worked = now, self._worked if worked is None else worked
        if now >= self._due and any(_installs(self._command_line(pid)) for pid in members):
            self._began = self._busy = now
        if now < self._due:
            self._schedule()
        else:
            self._timer = None
            self._on_settled()


def _installs(command_line: bytes | None) -> bool:
    """Whether a program installs packages, by its words, whose first may be all that npm shows of itself.

    A shell lives on when that is done, and has all that it runs in its words.
    """
    words = (command_line or b"").replace(b"\0", b" ").split()
    if words and words[0].rpartition(b"/")[2].lstrip(b"-") in _SHELLS:
        return False
    names = [word.rpartition(b"/")[2].partition(b"-cli.")[0].removesuffix(b"3") for word in words[:4]]
    return any(
        name in _INSTALLS and words[at + 1 : at + 2] and words[at + 1] in _VERBS for at, name in enumerate(names)
    )
