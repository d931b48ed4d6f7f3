"""Notices that a process which is to become ready has shown why it can't, and now waits.

What reloads its code by itself, and couldn't load it, waits for an edit. A slow start isn't taken for that, as long as
it works or says something from time to time.
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
_BROKEN, _RAISED = 4.0, 10.0  # seconds without a word or work after an import error, after any other exception
_AGAIN = 30.0  # after one that it has told of before: it tries again by itself, and waits longer each time
_LAST, _SURE = 6, 3  # lines in which the import error is; the same for `only_broken`
_LINES = 400  # in which an exception is with its traceback
_LONGEST = 70  # characters of it
_IDLE = 0.1  # of one processor's time: what polls files for changes needs less


class Silence:
    """Watches one run from its first line about a problem on; `on_stuck` gets that line, once in each silence.

    `on_calm` is called when the run has gone on to write other lines. `only_broken`: nothing else shows that the run
    is not ready, so only code that can't be loaded counts, not any exception.
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
        self._timer: Timer | None = None
        self.begin_anew()

    def begin_anew(self) -> None:
        """It has written something."""
        self._since = self._host.loop.now()
        self._worked: float | None = None
        if self._timer is None:
            self._wait()

    @property
    def is_waiting(self) -> bool:
        """Whether it is still open how the run goes on."""
        return self._timer is not None

    def end(self) -> None:
        """Stop watching: the run is ready, or has ended."""
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        self._timer = self._host.loop.call_later(_LOOK, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._host.loop.now()
        lines = self._tail.lines(_LINES)
        line, patience = self._trouble(lines)
        if not line:
            self._on_calm()  # until it writes more
            return
        worked = self._worked_by(self._host.watcher.census().members(self._pid))
        if worked is None or self._worked is None or worked - self._worked > _IDLE * (now - self._since):
            self._since, self._worked = now, worked
        if now - self._since < patience:
            self._wait()
        else:
            self._on_stuck(line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…")

    def _trouble(self, lines: Sequence[str]) -> tuple[str, float]:
        """The line that says why, empty for none, and for how long there may be silence after it."""
        if line := broken_code(lines[-_SURE if self._only_broken else -_LAST :]):
            return line, _BROKEN
        line = "" if self._only_broken else raised(lines)
        return line, _AGAIN if sum(each.strip() == line for each in lines) > 1 else _RAISED
