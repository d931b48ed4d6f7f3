"""Keeps a crash loop from showing the same lines each time: a run that says what the last one said is counted instead.

What a process writes after a crash is held back as long as it is what it wrote before, numbers aside; the first line
that differs, readiness, or a life longer than the last one shows it. Log files have everything.
"""

from __future__ import annotations

from devboot.model import process as model
from devboot.supervisor.output.line_matcher import strip_escapes
from devboot.text.columns import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.supervisor.event_loop import Loop, Timer

LONGEST = 12 * 1024  # bytes of output that are compared; whoever writes more is shown
_PATIENCE = 5.0  # seconds for which a run may say the same, beyond the life of the one before
_OVER = (model.READY, model.EXITED, model.FAILED, model.STOPPED)


class RepeatFilter:
    """`show(name, data)` shows what was held back, `say(text)` tells people, `written(name)` is a run's last output."""

    def __init__(
        self,
        loop: Loop,
        *,
        show: Callable[[str, bytes], None],
        say: Callable[[str], None],
        written: Callable[[str], bytes],
    ) -> None:
        self.loops: dict[str, _Repeat] = {}  # processes that have crashed and aren't up again
        self._loop = loop
        self._show = show
        self._say = say
        self._written = written
        self._spawned: dict[str, float] = {}

    def output(self, name: str, data: bytes) -> None:
        """A process of `loops` has written something."""
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
        """A process has another phase."""
        name, phase = status.name, status.phase
        if phase in (model.STARTING, model.RUNNING):
            self._spawned.setdefault(name, self._loop.now())
        elif phase in (model.BACKOFF, model.GAVE_UP):
            self._crashed(name)
        if name in self.loops and phase in (*_OVER, model.GAVE_UP):
            self._release(name, self.loops.pop(name))

    def look(self) -> None:
        """Something is about to be said that should come after what was written before it."""
        for name, repeat in tuple(self.loops.items()):
            self._judge(name, repeat)

    def show_all(self) -> None:
        """Somebody comes to look, who reads what was before from the files."""
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
        """Count a run that said the same, show one that said something else."""
        if not repeat.held or without_numbers(repeat.held) != repeat.before:
            self._release(name, repeat)
            return
        repeat.end()
        repeat.times += 1
        self._say(f"{printable(name)}: same output as before, {repeat.times} times\n")

    def _release(self, name: str, repeat: _Repeat) -> None:
        held = repeat.held
        repeat.end()
        if held:
            repeat.holds, repeat.times = False, 1
            self._show(name, held)


class _Repeat:
    """One crash loop: what the last run said, and what this one has said so far."""

    def __init__(self) -> None:
        self.before = b""
        self.held = b""
        self.life = 0.0
        self.times = 1
        self.holds = False
        self.timer: Timer | None = None

    def end(self) -> None:
        """Nothing is held back any more."""
        self.held = b""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


def without_numbers(output: bytes) -> bytes:
    """Output without what differs from run to run: colours, and all numbers (times, pids, addresses)."""
    import re

    return re.sub(rb"0x[0-9a-fA-F]+|[0-9]+", b"0", strip_escapes(output))
