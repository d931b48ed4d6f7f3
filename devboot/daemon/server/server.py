"""The daemon's server: handles clients and events of the supervisor, in one thread, without blocking.

It ends when the project is down: by `down`, by the owner of a foreground run that stops it or disconnects, by SIGTERM,
or when a foreground run has nothing left to run.
"""

from __future__ import annotations

from devboot.daemon import leases
from devboot.daemon.clients.acceptor import Acceptor
from devboot.daemon.clients.connection import Connection
from devboot.daemon.clients.request import parse_request
from devboot.daemon.running_project import RunningProject
from devboot.daemon.server.pending_requests import PendingRequests
from devboot.daemon.server.port_moves import PortMoves
from devboot.daemon.views.live_updates import LiveUpdates
from devboot.daemon.views.ps import Ps
from devboot.daemon.views.repeat_filter import RepeatFilter
from devboot.daemon.views.shutdown_report import ShutdownReport, failure_summary
from devboot.daemon.views.startup_report import StartupReport
from devboot.daemon.views.viewers import Viewers
from devboot.errors import DevbootError
from devboot.files import atomic_write
from devboot.model import process as model
from devboot.wire import frames, greeting

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

    from devboot.daemon.clients.request import Request
    from devboot.daemon.leases import ChildrenBook
    from devboot.daemon.server.console import Console
    from devboot.supervisor.core.supervisor import Supervisor

    CarryOut = Callable[["Server", Connection, Request, greeting.Greeting], None]

_PATIENCE = 0.1  # seconds between checks whether a viewer still catches up
_LAST_FRAMES = 2.0  # seconds that clients have to take the end of what they are told
_ENDED = (model.EXITED, model.FAILED, model.GAVE_UP)
_FAILING = (*_ENDED, model.BACKOFF)  # phases that the last output explains


class Server:
    """Serves clients and receives the supervisor's events.

    `carry_out` runs a client's request; `since` is when this daemon received its plan; `release` gives up socket,
    leases and lock after everything is down.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        *,
        carry_out: CarryOut,
        version: str,
        wall_clock: Callable[[], float],
        since: float,
        book: ChildrenBook,
        release: Callable[[], None],
        uid: int,
    ) -> None:
        self.project = project = RunningProject(supervisor, version=version, wall_clock=wall_clock, since=since)
        self.supervisor = supervisor
        self.viewers = viewers = Viewers(supervisor.names, self._release_held)
        self.startup_report = StartupReport(project, viewers)
        self.shutdown_report: ShutdownReport | None = None
        self.live_updates = LiveUpdates(supervisor, viewers)
        self.port_moves = PortMoves(
            project, viewers, ask_waiting=self.startup_report.ask_for_other_ports, judge=self._judge
        )
        self.ps = Ps(project, self._statuses)
        self.pending = PendingRequests(supervisor)
        self.consoles: dict[Connection, Console] = {}
        self.exit_code = 0
        self._loop = loop = supervisor.loop
        self._repeats = RepeatFilter(
            loop,
            show=lambda name, data: viewers.output(name, data, wall_clock(), raw=False),
            say=viewers.say,
            written=lambda name: supervisor.process(name).tail.text,
        )
        viewers.on_join = self._repeats.show_all
        self._carry_out = carry_out
        self._held: set[str] = set()  # processes whose output is held until a viewer has caught up
        self._connections: list[Connection] = []
        self._greetings: dict[Connection, greeting.Greeting] = {}
        self._book = book
        self._release = release
        self._acceptor = Acceptor(loop, uid, self.adopt)

    # Clients

    def listen(self, listener: _socket.socket) -> None:
        """Accept clients from a listening socket."""
        self._acceptor.listen(listener)

    def adopt(self, sock: _socket.socket, *, greeted: bool = False) -> Connection:
        """Serve the client connected to `sock`; return its connection. `greeted`: greetings were exchanged before."""
        connection = Connection(self._loop, sock, self._frame, self._closed)
        self._connections.append(connection)
        if greeted:
            self._greetings[connection] = greeting.Greeting(greeting.PROTOCOL, self.project.version)
        else:
            connection.send(frames.HELLO, greeting.greeting(self.project.version))
        return connection

    def _frame(self, connection: Connection, kind: bytes, payload: bytes) -> None:
        import json

        if kind == frames.HELLO:
            self._greetings[connection] = greeting.parse_greeting(payload)
            return
        if kind == frames.INPUT and connection in self.consoles:
            self.consoles[connection].type(payload)
            return
        if kind != frames.MESSAGE or connection not in self._greetings:
            connection.close()
            return
        try:
            message = json.loads(payload)
        except (ValueError, RecursionError):
            connection.close()
            return
        if isinstance(message, dict):
            self._carry_out(self, connection, parse_request(message), self._greetings[connection])
        else:
            connection.close()

    def _closed(self, connection: Connection) -> None:
        self._connections.remove(connection)
        self._greetings.pop(connection, None)
        forgets = [self.pending.forget, self.ps.forget, self.viewers.remove]
        forgets += [self.startup_report.forget, self.live_updates.forget]
        forgets += [self.shutdown_report.forget] if self.shutdown_report is not None else []
        for forget in forgets:
            self._loop.call(forget, connection)
        if connection in self.consoles:
            self._loop.call(self.consoles.pop(connection).leave)
        owner = self.project.owner
        if owner is not None and owner.connection is connection:
            self.project.owner = None
            if not connection.has_failed:  # an internal error must not stop the project
                self.shut_down()

    # Shutdown

    def shut_down(self, code: int = 0) -> None:
        """Stop all processes, then the daemon, which exits with `code`; further calls do nothing."""
        if self.shutdown_report is not None:
            return
        self._begin_shutdown(code)
        self.supervisor.shutdown()

    def _begin_shutdown(self, code: int) -> None:
        self.exit_code = code
        self.project.is_stopping = True
        self.shutdown_report = ShutdownReport(self.project, self.viewers)
        self._loop.call(self.shutdown_report.announce)

    def force(self) -> None:
        """Send SIGKILL to every process of the project now."""
        self.shut_down()
        if self.shutdown_report is not None:
            self._loop.call(self.shutdown_report.forced)
        self.supervisor.force()

    def _finish(self) -> None:
        if self.shutdown_report is None:
            return
        for step in (self._release, self.startup_report.abandon, self.viewers.end, self.shutdown_report.finish):
            self._loop.call(step)  # an error in one step must not keep the others from running
        for connection in tuple(self._connections):
            connection.call(connection.finish, self.exit_code)
        self._stop_when_received(self._loop.now() + _LAST_FRAMES)

    def _stop_when_received(self, deadline: float) -> None:
        if not self._connections or self._loop.now() >= deadline:
            self._loop.stop()
            return
        self._loop.call_later(0.002, lambda: self._stop_when_received(deadline))

    def _statuses(self) -> tuple[model.ProcessStatus, ...]:
        """Return the rows of `ps`."""
        statuses = map(self.port_moves.note, self.supervisor.statuses(memory_too=True))
        return tuple(map(self.live_updates.note, statuses))

    # Events of the supervisor

    def on_output(self, name: str, data: bytes) -> None:
        """Show a block of output to all viewers."""
        if data[-1:] != b"\n" or self.live_updates.is_in_debugger:
            self.live_updates.output(name, data)
        if len(self.viewers):
            if name in self._repeats.loops:
                self.viewers.output(name, data, self.project.wall_clock(), raw=True)
                self._repeats.output(name, data)
            else:
                self.viewers.output(name, data, self.project.wall_clock())
            if self.viewers.is_catching_up(name):
                self._hold()

    def _hold(self) -> None:
        """Stop reading output of processes shown to a slow viewer, so that the viewer's buffer stays near its limit."""
        if not self._held:
            self._loop.call_later(_PATIENCE, self._look_at_held)
        for name in self.supervisor.names:
            if self.viewers.is_catching_up(name):
                self._held.add(name)
                self.supervisor.hold_output(name, True)

    def _look_at_held(self) -> None:
        """Resume reading held output when viewers have caught up or stopped reading."""
        if self._held and self.viewers.is_catching_up():
            self._loop.call_later(_PATIENCE, self._look_at_held)
        else:
            self._release_held()

    def _release_held(self) -> None:
        held, self._held = self._held, set()
        for name in held:
            self.supervisor.hold_output(name, False)

    def on_change(self, status: model.ProcessStatus) -> None:
        """Pass the new status of a process to viewers, pending requests, consoles, `ps` and reports."""
        if status.pid is not None:
            self._book.add(status.pid, status.name)
        else:
            self._book.ended(status.name)
            self.live_updates.ended(status.name)
        self._loop.call(self._repeats.changed, status)
        if status.phase in _FAILING and not _succeeded(status):
            self.viewers.release()
            self._loop.call(self._keep_failure, status)
        self.live_updates.changed()
        self._loop.call(self.port_moves.changed, status)
        if self.supervisor.is_shutting_down and self.shutdown_report is None:
            self._begin_shutdown(_exit_code_of(self.supervisor.ended_by))  # by an `exit_ends_all` process
        self._loop.call(self.startup_report.changed, status)
        self.pending.look()
        self.ps.changed()
        for connection, console in tuple(self.consoles.items()):
            connection.call(console.changed, status)
        if self.shutdown_report is not None:
            self._loop.call(self.shutdown_report.changed, status)
        elif self.project.owner is not None and status.phase in _ENDED:
            self._loop.call_later(0, self._end_without_processes)

    def _keep_failure(self, status: model.ProcessStatus) -> None:
        """Store the failure of a process that the user has to resolve, for `doctor` after everything is down."""
        error = self.supervisor.process(status.name).error
        if error is None or status.phase == model.BACKOFF:
            return
        from devboot.supervisor.last_failure import keep_failure

        try:
            keep_failure(self.project.plan.state, status.name, error)
        except (OSError, DevbootError):
            return  # a full disk: the failure isn't stored

    def _forget_failures(self) -> None:
        """Delete stored failures of processes that are up or have succeeded."""
        from devboot.supervisor.last_failure import forget_failure, read_failures

        failed = {failure.name for failure in self.supervisor.verdict().failures}
        for name in {each.name for each in read_failures(self.project.plan.state)} - failed:
            if name in self.supervisor.names and self.supervisor.process(name).error is None:
                forget_failure(self.project.plan.state, name)

    def on_note(self, text: str, *, error: DevbootError | None = None) -> None:
        """Show a message or an error to all viewers."""
        if error is None:
            self.viewers.say(text + "\n")
            return
        self._repeats.look()
        if text := self.startup_report.before_error():
            self.viewers.say(text)
        self.viewers.complain(error)
        self.pending.complain(error)
        if self.shutdown_report is not None:  # an unclean stop makes `down` fail
            self.exit_code = self.exit_code or error.exit_code
            self.shutdown_report.complain(error)

    def on_settled(self) -> None:
        """Send the result of a start to waiting clients: every process is up or has failed."""
        self.pending.look()
        self._loop.call(self._forget_failures)
        self.startup_report.settled()
        if self._is_judged and self.shutdown_report is None and self._has_failed_task():
            self._fail()

    @property
    def _is_judged(self) -> bool:
        """True if failed processes may end the foreground run: not while a plan with other ports is being prepared."""
        return self.project.owner is not None and self.project.mover is None

    def _judge(self) -> None:
        """End the foreground run if failed or ended processes require it; called after other ports were tried."""
        if self.shutdown_report is not None:
            return
        if self.supervisor.has_settled:
            self.on_settled()
        self._end_without_processes()
        if self.supervisor.has_finished:
            self.on_finished()

    def on_finished(self) -> None:
        """Send the last clients their exit codes and end the daemon: no process runs, and none will start again."""
        if self.shutdown_report is None and self.project.mover is not None:
            return
        if self.shutdown_report is None and self.project.owner is not None:
            self.shut_down() if self.supervisor.verdict().ok else self._fail()
        self._finish()

    def _has_failed_task(self) -> bool:
        return any(
            status.kind == model.TASK and status.phase in _ENDED and not _succeeded(status)
            for status in self.supervisor.statuses()
        )

    def _end_without_processes(self) -> None:
        """End a foreground run if none of the Procfile's processes runs or will start again."""
        if self.shutdown_report is not None or not self._is_judged:
            return
        statuses = [status for status in self.supervisor.statuses() if status.kind == model.PROCESS]
        has_ended = self.supervisor.has_ended
        if statuses and has_ended and all(status.phase in _ENDED for status in statuses):
            self.shut_down() if all(_succeeded(status) for status in statuses) else self._fail()

    def _fail(self) -> None:
        """End a foreground run because processes have failed; their errors are repeated at the end."""
        failures = self.supervisor.verdict().failures
        self.shut_down(1)
        if self.shutdown_report is not None:
            self.shutdown_report.failure_summary = failure_summary(failures)

    # Signals

    def on_signal(self, number: int) -> None:
        """React to a signal: SIGTERM stops everything, SIGQUIT writes a status report, others are ignored."""
        if number == _SIGTERM:
            self.shut_down()
        elif number == _SIGQUIT:
            self.dump()

    def dump(self) -> None:
        """Write a status report for debugging to the state folder."""
        import json

        facts = self.ps.document()
        facts |= {"clients": len(self._connections), "viewers": len(self.viewers), "held": sorted(self._held)}
        try:
            atomic_write(
                leases.dump_path(self.project.plan.state), json.dumps(facts, indent=1) + "\n", mode=0o600, sync=False
            )
        except DevbootError:
            return  # the state folder was deleted, or the disk is full
        self.on_note(f"state written to {leases.dump_path(self.project.plan.state)}")


_SIGTERM, _SIGQUIT = 15, 3


def _exit_code_of(ended: model.ProcessStatus | None) -> int:
    """Return the exit code for a run that this process has ended: its own, or 128 plus the signal."""
    if ended is None or ended.last_exit is None:
        return 1
    return 128 + ended.last_exit.signal if ended.last_exit.signal else ended.last_exit.code or 0


def _succeeded(status: model.ProcessStatus) -> bool:
    return status.phase == model.EXITED and (status.last_exit is None or status.last_exit.code == 0)
