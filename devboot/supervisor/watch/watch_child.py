"""Runs the file-watching child process: starts it when needed, reads its messages, replaces it when it ends.

The child (`devboot.watching`) needs a library for file events and memory for every file; the daemon should have
neither.
"""

from __future__ import annotations

import os
import sys

from devboot.model.printable import counted
from devboot.supervisor.event_loop import READ
from devboot.supervisor.system import spawn
from devboot.supervisor.system.command import Launch
from devboot.supervisor.system.helper_command import end_of, reap
from devboot.supervisor.system.process_tree import MARKER, send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from devboot.model import process as model
    from devboot.supervisor.event_loop import Timer
    from devboot.supervisor.system.host import Host

# The child gets our import path in front of its own: the daemon may run without `site`.
PROGRAM = (
    "import ast, sys; sys.path[:] = dict.fromkeys(ast.literal_eval(sys.argv[1]) + sys.path); "
    "from devboot.watching.__main__ import main; main(sys.argv[2])"
)
_CHUNK = 64 * 1024
_AGAIN = (0.1, 1.0, 5.0)  # seconds until a child that died is replaced; then watching is given up
_SIGKILL = 9


class Watches:
    """File watches of all processes of one plan.

    `on_changed(name, paths)` is called when files that process `name` watches have changed; paths are relative to the
    project. `on_note` receives messages for the user.
    """

    def __init__(
        self,
        host: Host,
        *,
        run_id: str,
        root: str,
        on_changed: Callable[[str, tuple[str, ...]], None],
        on_note: Callable[[str], None],
    ) -> None:
        self._host = host
        self._mark = f"{run_id}:watch"
        self._root = root
        self._on_changed = on_changed
        self._on_note = on_note
        self._globs: dict[str, tuple[str, ...]] = {}
        self._child: _Child | None = None
        self._next: _Child | None = None  # the replacement, while it scans the files and the old one still watches
        self.program = sys.executable
        self.is_watching = False  # the present set of files is being watched
        self._seen = 0.0  # wall-clock time until which changes have been reported
        self._deaths = 0
        self._again: Timer | None = None

    @property
    def pid(self) -> int:
        """Pid of the watching child; 0 if there is none."""
        return self._child.pid if self._child is not None else 0

    def watch(self, specs: Iterable[model.ProcessSpec]) -> None:
        """Replace the watched globs by those of these processes. Does nothing if they are the same as before."""
        globs = {spec.name: spec.watch for spec in specs if spec.watch}
        if globs == self._globs:
            return
        self._globs = globs
        self._deaths = 0
        self._seen = self._host.wall_clock()
        if globs:
            self._start()
        else:
            self.close()

    def close(self) -> None:
        """Stop watching: end the child and wait until it has ended."""
        self._globs = {}
        if self._again is not None:
            self._again.cancel()
        for child in (self._child, self._next):
            if child is not None:
                child.end()
        self._child = self._next = None

    def _start(self) -> None:
        self.is_watching = False
        if self._next is not None:
            self._next.end()
        asked = {"root": self._root, "watch": self._globs, "since": self._seen}
        try:
            child = _Child(self._host, self.program, repr(asked), self._mark, self._tell, self._died)
        except OSError as error:
            self._on_note(f"files can't be watched: {error.strerror or error}")
            return
        if self._child is None:
            self._child = child
        else:
            self._next = child

    def _tell(self, child: _Child, words: tuple[str, ...]) -> None:
        kind, *more = words
        self._seen = self._host.wall_clock()
        if kind == "folders":
            if child is self._next and self._child is not None:
                self._child.end()
                self._child, self._next = child, None
            self.is_watching = self._next is None
        elif kind == "polling":
            self._on_note(f"polling watched files once a second: {more[0]}")
        elif kind == "changed":
            self._on_changed(more[0], tuple(more[1:]))

    def _died(self, child: _Child, why: str) -> None:
        if child is self._next:
            self._next = None
        elif child is self._child:
            self._child = None
        if not self._globs or self._child is not None:
            return
        if self._deaths >= len(_AGAIN):
            self._on_note(
                f"file changes aren't noticed any more: watching has failed {counted(self._deaths + 1, 'time')} ({why})"
            )
            return
        self._again = self._host.loop.call_later(_AGAIN[self._deaths], self._start)
        self._deaths += 1


class _Child:
    """One run of the watching program. Calls back for each message, and once when it ends without `end`."""

    def __init__(
        self,
        host: Host,
        program: str,
        asked: str,
        mark: str,
        on_message: Callable[[_Child, tuple[str, ...]], None],
        on_end: Callable[[_Child, str], None],
    ) -> None:
        self._host = host
        self._on_message = on_message
        self._on_end = on_end
        self._rest = b""
        self._last = ""  # the last line that is no message: the reason of its death
        path = [os.path.abspath(each) for each in sys.path]
        argv = (program, "-E", "-P", "-c", PROGRAM, repr(path), asked)
        env = {MARKER: mark, "PATH": os.defpath, "HOME": "/", "PYTHONDONTWRITEBYTECODE": "1"}
        started = spawn.start(Launch(argv, leads=True), cwd="/", env=env, size=None)
        self.pid = started.pid
        self._output = started.output
        host.children.add(self.pid)
        host.exits.watch(self.pid, self._ended)
        host.loop.watch(self._output, READ, lambda _events: self._read())

    def end(self) -> None:
        """Kill and reap the child, without a callback."""
        self._host.exits.unwatch(self.pid, self._ended)
        send([self.pid], _SIGKILL)
        try:  # noqa: SIM105  contextlib costs more than it saves here
            os.waitpid(self.pid, 0)
        except ChildProcessError:
            pass
        self._host.children.discard(self.pid)
        self._close()

    def _ended(self, pid: int) -> None:
        self._read()
        end = end_of(pid)
        reap(self._host, pid)
        self._close()
        self._on_end(self, self._last or (f"signal {end.signal}" if end.signal else f"exit {end.code}"))

    def _close(self) -> None:
        if self._output >= 0:
            self._host.loop.unwatch(self._output)
            os.close(self._output)
            self._output = -1

    def _read(self) -> None:
        try:
            data = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return
        if not data:
            self._host.loop.unwatch(self._output)
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        words = tuple(line.decode("utf-8", "replace").split("\t"))
        if words[0] not in ("folders", "polling", "changed"):
            self._last = words[0].strip() or self._last
        elif self._output >= 0:
            self._on_message(self, words)
