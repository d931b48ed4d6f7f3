"""Collapses identical output of a crash loop into a counter.

After a crash, output is held back as long as it equals that of the previous run, except for numbers. It is shown as
soon as a line differs, the process becomes ready, or it lives longer than the previous run. Log files contain
everything.
"""

from __future__ import annotations

from devboot.model import process as model
from devboot.model.printable import counted
from devboot.supervisor.output.line_matcher import strip_escapes
from devboot.text.columns import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.supervisor.event_loop import Loop, Timer

LONGEST = 12 * 1024  # most bytes that are compared; longer output is shown
_PATIENCE = 5.0  # seconds beyond the previous run's life after which equal output is shown
_OVER = (model.READY, model.EXITED, model.FAILED, model.STOPPED)


class RepeatFilter:
    """Filter for repeated output: calls `show(name, data)` with output to show, and `say(text)` with counts of repeats.

    `written(name)` returns the last output of a process' run.
    """

    def __init__(
        self,
        loop: Loop,
        *,
        show: Callable[[str, bytes], None],
        say: Callable[[str], None],
        written: Callable[[str], bytes],
    ) -> None:
        self.loops: dict[str, _Repeat] = {}  # processes that have crashed and aren't up yet
        self._loop = loop
        self._show = show
        self._say = say
        self._written = written
        self._spawned: dict[str, float] = {}

    def output(self, name: str, data: bytes) -> None:
        """Show output of a process; hold it back while a crash loop repeats the output of its last run."""
        repeat = self.loops[name]
        if not repeat.holds:
            self._show(name, data)
            return
        repeat.held += data
        if len(repeat.held) > LONGEST or not repeat.before.startswith(without_numbers(repeat.held)):
            self._release(name, repeat)
        elif repeat.timer is None:
            repeat.timer = self._loop.call_later(repeat.life + _PATIENCE, lambda: self._release(name, repeat))

    def changed(self, status: model.ProcessStatus) -> None:
        """Update a crash loop when its process' status has changed: count the repeated run, or show its output."""
        name, phase = status.name, status.phase
        if phase in (model.STARTING, model.RUNNING):
            self._spawned.setdefault(name, self._loop.now())
        elif phase in (model.BACKOFF, model.GAVE_UP):
            self._crashed(name)
        if name in self.loops and phase in (*_OVER, model.GAVE_UP):
            self._release(name, self.loops.pop(name))

    def look(self) -> None:
        """Count or show all held-back output now, because a message is to appear after it."""
        for name, repeat in tuple(self.loops.items()):
            self._judge(name, repeat)

    def show_all(self) -> None:
        """Show all held-back output, because a new viewer reads the log files up to now."""
        for name, repeat in tuple(self.loops.items()):
            self._release(name, repeat)

    def _crashed(self, name: str) -> None:
        life = self._loop.now() - self._spawned.pop(name, self._loop.now())
        repeat = self.loops.setdefault(name, _Repeat())
        self._judge(name, repeat)
        written = self._written(name)
        repeat.before = without_numbers(written) if len(written) <= LONGEST else b""
        repeat.life, repeat.holds = life, bool(repeat.before)

    def _judge(self, name: str, repeat: _Repeat) -> None:
        """Count a run whose output equals that of the run before; show the output if it differs."""
        if not repeat.held or without_numbers(repeat.held) != repeat.before:
            self._release(name, repeat)
            return
        repeat.end()
        repeat.times += 1
        self._say(f"{printable(name)}: same output as before, {counted(repeat.times, 'time')}\n")

    def _release(self, name: str, repeat: _Repeat) -> None:
        held = repeat.held
        repeat.end()
        if held:
            repeat.holds, repeat.times = False, 1
            self._show(name, held)


class _Repeat:
    """The crash loop of one process: output of the previous run, and of the present one so far."""

    def __init__(self) -> None:
        self.before = b""
        self.held = b""
        self.life = 0.0
        self.times = 1
        self.holds = False
        self.timer: Timer | None = None

    def end(self) -> None:
        """Discard the held-back output of a run that repeated the one before."""
        self.held = b""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


def without_numbers(output: bytes) -> bytes:
    """Return output with colours removed and all numbers (times, pids, addresses) replaced, for comparison."""
    import re

    return re.sub(rb"0x[0-9a-fA-F]+|[0-9]+", b"0", strip_escapes(output))
