"""Pending requests to start, stop or restart processes; answered when each process has reached the state or failed.

A start and a restart also wait until each process is up, as `up -d` does, unless the client doesn't want to wait. At
each change of a process, `supervisor.core.outcome` decides whether a request is fulfilled. Requests of a client that
disconnects are dropped.
"""

from __future__ import annotations

from devboot.daemon.more_time import MoreTime
from devboot.model import process as model
from devboot.supervisor.core import outcome, process_status
from devboot.text.columns import printable
from devboot.text.units import duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.daemon.clients.connection import Connection
    from devboot.daemon.clients.request import Request
    from devboot.errors import DevbootError, WorkError
    from devboot.supervisor.core.process import Process
    from devboot.supervisor.core.supervisor import Supervisor
    from devboot.supervisor.event_loop import Timer

_SILENT = 1.0  # seconds after which the wait is reported
_SILENT_START = 2.5  # the same for requests that also wait until processes are up, which takes a second at least
_SAY_AGAIN = 10.0  # seconds after which an unchanged wait is reported again


class PendingRequests:
    """All unanswered requests of one daemon."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self._requests: list[PendingRequest] = []

    def __len__(self) -> int:
        return len(self._requests)

    def __contains__(self, request: object) -> bool:
        return request in self._requests

    def add(self, request: PendingRequest) -> None:
        """Add a request to those that are answered later."""
        self._requests.append(request)

    def remove(self, request: PendingRequest) -> None:
        """Remove an answered request."""
        self._requests.remove(request)

    def look(self) -> None:
        """Answer the requests that are fulfilled or have failed."""
        for request in tuple(self._requests):
            request.connection.call(request.look)

    def complain(self, error: DevbootError) -> None:
        """Send an error about a process to the clients whose requests concern that process."""
        for request in tuple(self._requests):
            request.connection.call(request.complain, error)

    def forget(self, connection: Connection) -> None:
        """Drop the requests of a disconnected client."""
        gone = [request for request in self._requests if request.connection is connection]
        self._requests = [request for request in self._requests if request not in gone]
        for request in gone:
            self.supervisor.loop.call(request.drop)


class PendingRequest:
    """A request that waits until each of its processes has reached the requested state or failed; reports each."""

    def __init__(
        self, pending: PendingRequests, connection: Connection, request: Request, wanted: str, names: tuple[str, ...]
    ) -> None:
        self.connection = connection
        self._pending = pending
        self._supervisor = supervisor = pending.supervisor
        self._loop = supervisor.loop
        self._view = request.view
        self._wanted = wanted
        self._holds = wanted in (outcome.STARTED, outcome.RESTARTED) and request.wait > 0
        self._limit = request.wait if self._holds else 0.0
        self._may_wait_longer = self._holds and request.may_wait_longer
        self._more = MoreTime(supervisor.worked_on_start)
        self._left = {name: supervisor.process(name).starts for name in names}
        self._start = supervisor.loop.now()
        self._code = 0
        self._said, self._said_at = "", 0.0
        self._timers: list[Timer] = []

    def begin(self, act: Callable[[tuple[str, ...]], None], limit: float = 0.0) -> None:
        """Call `act(names)`, then check the processes.

        Those still pending after `limit` seconds (0: none) have failed.
        """
        self._pending.add(self)
        act(tuple(self._left))
        silent = _SILENT_START if self._holds else _SILENT
        self._timers.append(self._loop.call_later(silent, self._say_what_is_pending))
        self._limit = limit or self._limit
        if self._may_wait_longer:
            self._more.begin(self._loop.now())
        if self._limit:
            self._timers.append(self._loop.call_later(self._limit, self._give_up))
        self._pending.look()  # this request may make earlier ones impossible

    def look(self) -> None:
        """Report processes that are done or have failed to the client; send the exit code after the last one."""
        for name, starts in tuple(self._left.items()):
            process = self._process(name)
            found = outcome.FAILED if process is None else self._outcome(process, starts)
            if name not in self._left or found == outcome.PENDING:
                continue
            del self._left[name]
            self._report(name, process, failed=found == outcome.FAILED)
            if found == outcome.FAILED and self._wanted == outcome.READY:
                self._left.clear()  # the client needs all of them
        if not self._left and self in self._pending:
            self._pending.remove(self)
            self.drop()
            self.connection.finish(self._code)

    def _outcome(self, process: Process, starts: int) -> str:
        found = outcome.outcome(self._wanted, process, starts)
        if found != outcome.DONE or not self._holds:
            return found
        found = outcome.outcome(outcome.HELD, process, starts)
        return outcome.FAILED if found == outcome.DONE and self._error(process) is not None else found

    def _error(self, process: Process, *, final: bool = False) -> WorkError | None:
        """Return the error that `up -d` would report for a process, including an early end."""
        if (error := process_status.failure_of(process, final=final)) is not None:
            return error
        supervisor = self._supervisor
        ended = process_status.endings(map(supervisor.process, supervisor.names))
        return next((each.error for each in ended if each.name == process.name), None)

    def drop(self) -> None:
        """Stop waiting, because the request is answered or its client has disconnected."""
        self._left.clear()
        for timer in self._timers:
            timer.cancel()

    def complain(self, error: DevbootError) -> None:
        """Report why a process can't stop cleanly to the client, before the process is killed."""
        stopping = [
            process.spec
            for process in map(self._process, self._left)
            if process is not None and process.state.phase == model.STOPPING
        ]
        if error.slug in {hint.slug for spec in stopping for hint in spec.failure_hints}:
            self._code = 1
            self.connection.complain(error, self._view)

    def _process(self, name: str) -> Process | None:
        supervisor = self._supervisor
        return supervisor.process(name) if name in supervisor.names else None

    def _report(self, name: str, process: Process | None, *, failed: bool, final: bool = False) -> None:
        error = self._error(process, final=final) if failed and self._holds and process is not None else None
        if error is not None:
            self._code = 1
            self.connection.complain(error, self._view)
        elif failed:
            self._code = 1
            how = "could not be started" if self._wanted != outcome.READY else "is not ready"
            err(self.connection, f"{printable(name)} {how}: {_why(process)}\n")
        elif not self._view.quiet:
            took = duration(self._loop.now() - self._start)
            pid = f" (pid {process.run.pid})" if process is not None and process.run is not None else ""
            is_task = process is not None and process.spec.kind == model.TASK
            how = "done" if is_task and self._holds else self._wanted
            err(self.connection, f"{printable(name)} {how}{pid}, {took}\n")

    def _say_what_is_pending(self) -> None:
        now = self._loop.now()
        self._timers[0] = self._loop.call_later(_SILENT, self._say_what_is_pending)
        pending = [(name, process) for name in self._left if (process := self._process(name)) is not None]
        said = ", ".join(f"{printable(name)} {outcome.progress(process)}" for name, process in pending)
        if self._view.quiet or (said == self._said and now - self._said_at < _SAY_AGAIN):
            return
        self._said, self._said_at = said, now
        err(self.connection, f"{said}, {duration(now - self._start)} so far\n")

    def _give_up(self) -> None:
        takes_its_time = self._holds and any(map(_may_take_longer, map(self._process, self._left)))
        if takes_its_time or (self._may_wait_longer and self._more.is_due(self._loop.now())):
            if self._may_wait_longer:
                self._more.begin(self._loop.now(), is_anew=takes_its_time)
            self._timers[1] = self._loop.call_later(self._limit, self._give_up)
            return
        late, self._left = self._left, {}
        for name in late:
            self._report(name, self._process(name), failed=True, final=True)
        self.look()


def _may_take_longer(process: Process | None) -> bool:
    """Return whether the time limit doesn't apply to a process: it is stopping, or it is a running task."""
    if process is None or process.run is None:
        return False
    return process.spec.kind == model.TASK or process.state.phase == model.STOPPING


def _why(process: Process | None) -> str:
    if process is None:
        return "it is not part of the project any more"
    status = process_status.status(process)
    last = status.last_exit
    if status.phase != model.EXITED or last is None:
        return status.note or status.phase
    return (
        f"killed by {model.signal_name(last.signal)}" if last.signal else f"exit {last.code}"
    )  # its note has only the time


def err(connection: Connection, text: str) -> None:
    """Send text to the client's standard error."""
    if text:
        connection.say(text)
