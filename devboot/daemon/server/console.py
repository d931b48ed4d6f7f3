"""Connects a client's terminal to that of a process: raw bytes both ways, across restarts, until either side ends."""

from __future__ import annotations

import os

from devboot.errors import WorkError
from devboot.model import process as model
from devboot.supervisor.system import pseudo_terminal
from devboot.text.columns import printable
from devboot.wire import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.daemon.clients.connection import Connection
    from devboot.daemon.clients.request import View
    from devboot.supervisor.core.supervisor import Supervisor

_TYPED_LIMIT = 64 * 1024  # most bytes of input that the process hasn't read; the terminal itself buffers 4 KB
_AGAIN = 0.01
_FULL_SCREEN, _LINES_AGAIN = b"\x1b[?1049h", b"\x1b[?1049l"
_ENDED = (model.STOPPED, model.EXITED, model.FAILED, model.GAVE_UP)


class Console:
    """A client attached to the process `name`. Raises WorkError if the process isn't running or has no terminal."""

    def __init__(self, supervisor: Supervisor, connection: Connection, name: str, view: View) -> None:
        self.name = name
        self._supervisor = supervisor
        self._connection = connection
        self._size = (view.rows, view.columns)
        self._typed = b""
        self._is_full_screen = False
        self._pid: int | None = None
        self._begin()

    def type(self, data: bytes) -> None:
        """Pass keyboard input to the process; input beyond a limit is dropped, as on any terminal."""
        self._typed = (self._typed + data)[:_TYPED_LIMIT]
        self._write()

    def resize(self, rows: int, columns: int) -> None:
        """Resize the process' terminal to that of the client."""
        self._size = (rows, columns)
        fd = self._fd()
        if fd >= 0:
            pseudo_terminal.resize(fd, rows, columns)

    def changed(self, status: model.ProcessStatus) -> None:
        """Connect the client to the next run of its process, or report the process' end.

        Other processes' statuses are ignored.
        """
        if status.name != self.name:
            return
        if status.phase in _ENDED:
            self._connection.send(frames.ERR, f"\r\n{printable(self.name)} has ended ({status.phase})\r\n".encode())
            self._connection.finish(0)
        elif status.pid is not None and status.pid != self._pid and self._fd() >= 0:
            self._begin()

    def leave(self) -> None:
        """Detach the client and restore the process' terminal size."""
        fd = self._fd()
        if fd < 0:
            return
        self._tap(on=False)
        pseudo_terminal.resize(fd, *pseudo_terminal.DEFAULT_SIZE)

    def _begin(self) -> None:
        run, fd = self._supervisor.process(self.name).run, self._fd()
        if run is None or fd < 0:
            raise self._no_terminal()
        self._pid = run.pid
        pseudo_terminal.resize(fd, *self._size)
        self._tap(on=True)

    def _no_terminal(self) -> WorkError:
        process = self._supervisor.process(self.name)
        if process.run is None:
            return WorkError("process/not-running", f"{self.name} is not running", help=[f"devboot start {self.name}"])
        from devboot.supervisor.explain.process_errors import setting

        settable = (f"{setting(process.spec, 'pty = true')}, then `devboot up -d`",)
        return WorkError(
            "process/no-terminal",
            f"{self.name} has no terminal to attach to",
            help=[f"devboot logs -f {self.name}", *(settable if process.spec.kind == model.PROCESS else ())],
        )

    def _fd(self) -> int:
        run = self._supervisor.process(self.name).run
        return -1 if run is None else run.terminal

    def _tap(self, *, on: bool) -> None:
        run = self._supervisor.process(self.name).run
        if run is not None:
            run.tap(self._show if on else None)

    def _show(self, data: bytes) -> None:
        """Send output to the client, with CR before each LF unless a full-screen program runs.

        The process' terminal doesn't add the CR, and turning that on wouldn't last: readline restores the settings it
        found.
        """
        for switch, is_full in ((_FULL_SCREEN, True), (_LINES_AGAIN, False)):
            self._is_full_screen = is_full if switch in data else self._is_full_screen
        if not self._is_full_screen:
            data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        self._connection.offer(data)

    def _write(self) -> None:
        fd = self._fd()
        if fd < 0 or not self._typed:
            return
        try:
            self._typed = self._typed[os.write(fd, self._typed) :]
        except BlockingIOError:
            pass
        except OSError:
            self._typed = b""  # the terminal was closed
        if self._typed:
            self._supervisor.loop.call_later(_AGAIN, self._write)
