"""What was asked of some processes, until each is as it was wanted, or can't be: then the client is answered."""

from __future__ import annotations

from devboot.model import process as model
from devboot.text.columns import printable
from devboot.text.problems import render_problem
from devboot.text.processes import signal_name
from devboot.text.units import duration
from devboot.wire import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.daemon.connection import Connection
    from devboot.daemon.server import Server
    from devboot.daemon.view import Request
    from devboot.errors import DevbootError


class Errand:
    """Waits until each of some processes is as it was asked for, tells of each, then answers."""

    def __init__(
        self,
        server: Server,
        connection: Connection,
        request: Request,
        verb: str,
        names: tuple[str, ...],
        is_done: Callable[[model.ProcessStatus], bool],
    ) -> None:
        self._server = server
        self._connection = connection
        self._quiet, self._colour = request.view.quiet, request.view.colour_err
        self._verb = verb
        self._left = list(names)
        self._is_done = is_done
        self._start = server.loop.now()
        self._code = 0

    def begin(self, act: Callable[[tuple[str, ...]], None]) -> None:
        """Act, and look at what is so already."""
        self._server.changes.append(self.look)
        self._server.complaints.append(self.complain)
        act(tuple(self._left))
        for status in self._server.supervisor.statuses():
            for told in tuple(self._server.changes):  # those before us may wait for what will never be now
                told(status)
        self._answer_when_done()

    def look(self, status: model.ProcessStatus) -> None:
        """A process has changed."""
        if status.name not in self._left:
            return
        failed = self._has_failed(status)
        if not failed and not self._is_done(status):
            return
        self._left.remove(status.name)
        self._tell(status, failed=failed)
        if failed and self._verb == "ready":
            self._left.clear()  # what waits for it would do so for ever
        self._answer_when_done()

    def complain(self, error: DevbootError) -> None:
        """One of them says why it can't stop cleanly: worth knowing before its grace limit ends it."""
        processes = map(self._server.supervisor.process, self._left)
        stopping = [process.spec for process in processes if process.state.phase == model.STOPPING]
        if error.slug in {hint.slug for spec in stopping for hint in spec.failure_hints}:
            self._code = 1
            err(self._connection, render_problem(error, colour=self._colour))

    def _has_failed(self, status: model.ProcessStatus) -> bool:
        if self._verb == "stopped":
            return False
        ended_badly = self._verb == "ready" and status.phase == model.EXITED and not self._is_done(status)
        # Stopped: by somebody who came after this request.
        return ended_badly or status.phase in (model.FAILED, model.GAVE_UP, model.STOPPED)

    def _tell(self, status: model.ProcessStatus, *, failed: bool) -> None:
        name = printable(status.name)
        if failed:
            self._code = 1
            how = "could not be started" if self._verb != "ready" else "is not ready"
            err(self._connection, f"{name} {how}: {_why(status)}\n")
        elif not self._quiet:
            took = duration(self._server.loop.now() - self._start)
            pid = f" (pid {status.pid})" if status.pid is not None else ""
            err(self._connection, f"{name} {self._verb}{pid}, {took}\n")

    def give_up(self) -> None:
        """What isn't so by now counts as failed."""
        late = [status for status in self._server.supervisor.statuses() if status.name in self._left]
        self._left.clear()
        for status in late:
            self._tell(status, failed=True)
        self._answer_when_done()

    def _answer_when_done(self) -> None:
        if not self._left and self.look in self._server.changes:
            self._server.changes.remove(self.look)
            self._server.complaints.remove(self.complain)
            self._connection.finish(self._code)


def _why(status: model.ProcessStatus) -> str:
    last = status.last_exit
    if status.phase != model.EXITED or last is None:
        return status.note or status.phase
    return f"killed by {signal_name(last.signal)}" if last.signal else f"exit {last.code}"  # its note says when


def is_spawned(status: model.ProcessStatus) -> bool:
    """Whether it is on its way, or there."""
    return status.pid is not None and status.phase in (model.STARTING, model.RUNNING, model.READY, model.UNREADY)


def is_up(status: model.ProcessStatus) -> bool:
    """Whether it serves; a task: whether it is done."""
    if status.kind == model.TASK:
        return status.phase == model.EXITED and (status.last_exit is None or status.last_exit.code == 0)
    return status.phase in (model.RUNNING, model.READY)


def is_gone(status: model.ProcessStatus) -> bool:
    """Whether nothing of it runs."""
    return status.phase in (model.STOPPED, model.EXITED, model.FAILED, model.GAVE_UP)


def err(connection: Connection, text: str) -> None:
    """Something for people."""
    if text:
        connection.send(frames.ERR, text.encode("utf-8", "replace"))
