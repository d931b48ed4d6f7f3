"""Decides when a process without port and probe counts as up: once it is idle after its start."""

from __future__ import annotations

import math

from devboot.supervisor.system import proctable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from devboot.supervisor.event_loop import Timer
    from devboot.supervisor.system.host import Host

QUIET = 1.0  # seconds without CPU use until it counts as up; while importing modules it is busy and may still fail
LONGEST = 10.0  # seconds alive after which it counts as up even if it is never idle
_STEP = 0.2  # seconds between looks
_SHARED = 0.05  # seconds by which the last look may be late, so that processes started together share it
_SOON = 0.01  # seconds until the second look at a process that was on a processor during the first
_INSTALLS = (b"npm", b"npx", b"pnpm", b"yarn", b"pip", b"uv", b"poetry", b"pipenv", b"bundle", b"composer")
_VERBS = (b"install", b"ci", b"i", b"add", b"sync")  # subcommands of these programs that install packages
_SHELLS = (b"sh", b"bash", b"dash", b"ash", b"zsh", b"ksh")
_IDLE = 0.1  # share of one processor: polling for file changes needs less


class Settling:
    """Watches one run from its spawn on and calls `on_settled` once, when the process counts as up.

    The process counts as up after `at_least` seconds if it was idle during the last `QUIET` of them, or after
    `longest`. Where the system doesn't report CPU time (macOS), only `at_least` counts. The process counts as busy
    while `is_waiting()` is true: the answer that it waits for may end it. While it installs packages (`npm install &&
    node x`), its real start is still to come, so the clock starts anew.
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
        self.is_waiting = is_waiting
        self._worked = 0.0  # processor seconds until the last look
        self._is_second_look = False
        self._timer: Timer | None = None
        self._schedule()

    def cancel(self) -> None:
        """Stop the checks: `on_settled` is not called any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def _due(self) -> float:
        """Time at which the process counts as up if it stays idle until then."""
        earliest = self._began + self._at_least
        return max(earliest, min(self._busy + QUIET, self._began + self._longest))

    def _schedule(self) -> None:
        following = _common(self._host.loop.now() + _STEP / 2, _STEP)
        self._timer = self._host.loop.call_at(min(following, _common(self._due, _SHARED)), self._look)

    def _look(self) -> None:
        now = self._host.loop.now()
        members = self._host.watcher.census().members(self._pid)
        worked = self._worked_by(members)
        if worked is None and not self._is_second_look:
            self._is_second_look = True
            self._timer = self._host.loop.call_at(_common(now + _SOON, _SOON), self._look)
            return
        # CPU time is counted in hundredths of a second, too coarse for less than a whole step.
        has_worked = worked is None or worked - self._worked > _IDLE * max(_STEP, now - self._looked)
        if has_worked or self.is_waiting():
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


def _common(when: float, step: float) -> float:
    """Return the next multiple of `step` after `when`.

    Checks at the same moment share one read of the process table.
    """
    return math.ceil(when / step) * step


def _installs(command_line: bytes | None) -> bool:
    """Return whether a command line (raw, from /proc) belongs to a program that installs packages.

    npm replaces its arguments by one title, so the first word may hold all of them. Shells don't count: they outlive
    the installation, and their arguments contain every command.
    """
    words = (command_line or b"").replace(b"\0", b" ").split()
    if words and words[0].rpartition(b"/")[2].lstrip(b"-") in _SHELLS:
        return False
    names = [word.rpartition(b"/")[2].partition(b"-cli.")[0].removesuffix(b"3") for word in words[:4]]
    return any(
        name in _INSTALLS and words[at + 1 : at + 2] and words[at + 1] in _VERBS for at, name in enumerate(names)
    )
