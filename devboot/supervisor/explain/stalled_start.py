"""Detects a start that is stalled after an error.

A server that reloads its code waits for an edit when it couldn't load it. A start that is merely slow uses the CPU or
writes output from time to time.
"""

from __future__ import annotations

from devboot.supervisor.explain.import_errors import broken_code, raised
from devboot.supervisor.system import proctable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devboot.supervisor.event_loop import Timer
    from devboot.supervisor.output.relay import Tail
    from devboot.supervisor.system.host import Host

_LOOK = 1.0  # seconds between looks
_BROKEN, _RAISED = 4.0, 10.0  # seconds without output or CPU use after an import error, after another exception
_AGAIN = 30.0  # the same after a repeated exception: the program retries, with growing pauses
_LAST, _SURE = 6, 3  # last lines that are searched for an import error; the same for `only_broken`
_LINES = 400  # last lines that are searched for a traceback
_LONGEST = 70  # most characters of the reported line
_IDLE = 0.1  # share of one processor: polling for file changes needs less


class Silence:
    """Watches one run after an error in its output; calls `on_stuck(line)` when the run stays silent and idle.

    `on_calm` is called if the run continues with other output. `only_broken`: without a readiness probe, only code that
    can't be loaded counts as an error, not any exception.
    """

    def __init__(
        self,
        host: Host,
        pid: int,
        tail: Tail,
        on_stuck: Callable[[str], None],
        *,
        on_calm: Callable[[], None] = lambda: None,
        only_broken: bool = False,
        worked: Callable[[Iterable[int]], float | None] = proctable.worked,
    ) -> None:
        self._host = host
        self._pid = pid
        self._tail = tail
        self._on_stuck = on_stuck
        self._on_calm = on_calm
        self._only_broken = only_broken
        self._worked_by = worked
        self.timer: Timer | None = None
        self.begin_anew()

    def begin_anew(self) -> None:
        """Restart the wait; called whenever the run has written output."""
        self._since = self._host.loop.now()
        self._worked: float | None = None
        if self.timer is None:
            self._wait()

    @property
    def is_waiting(self) -> bool:
        """True while it isn't decided whether the run is stalled."""
        return self.timer is not None

    def end(self) -> None:
        """Stop watching, because the run is ready or has ended."""
        if self.timer is not None:
            self.timer.cancel()

    def _wait(self) -> None:
        self.timer = self._host.loop.call_later(_LOOK, self._look)

    def _look(self) -> None:
        self.timer = None
        now = self._host.loop.now()
        lines = self._tail.lines(_LINES)
        line, patience = self._trouble(lines)
        if not line:
            self._on_calm()  # watching resumes with the next output
            return
        worked = self._worked_by(self._host.watcher.census().members(self._pid))
        if worked is None or self._worked is None or worked - self._worked > _IDLE * (now - self._since):
            self._since, self._worked = now, worked
        if now - self._since < patience:
            self._wait()
        else:
            self._on_stuck(line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…")

    def _trouble(self, lines: Sequence[str]) -> tuple[str, float]:
        """Return the error line at the end of `lines`, "" for none, and the seconds of silence to allow after it."""
        if line := broken_code(lines[-_SURE if self._only_broken else -_LAST :]):
            return line, _BROKEN
        line = "" if self._only_broken else raised(lines)
        return line, _AGAIN if sum(each.strip() == line for each in lines) > 1 else _RAISED
