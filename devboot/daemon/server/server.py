"""The daemon at work: clients on one side, the supervisor on the other, one thread, nothing that blocks.

It ends when the project is down: by `down`, because the client that owns a foreground run asked for it or died, by
SIGTERM, or because a foreground run has nothing left to run.
"""

from __future__ import annotations

from devboot.daemon import leases
from devboot.daemon.clients.acceptor import Acceptor
from devboot.daemon.clients.connection import Connection
from devboot.daemon.clients.request import parse_request
from devboot.daemon.server import handlers
from devboot.daemon.server.port_moves import PortMoves
from devboot.daemon.views import ps
from devboot.daemon.views.live_updates import News
from devboot.daemon.views.repeat_filter import Repeats
from devboot.daemon.views.rollout import Arrival, Departure, last_words
from devboot.daemon.views.viewers import Audience
from devboot.errors import DevbootError
from devboot.files import atomic_write
from devboot.model import process as model
from devboot.text.problems import render_problem
from devboot.wire import frames, greeting

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

    from devboot.daemon.clients.request import Request
    from devboot.daemon.leases import ChildrenBook
    from devboot.daemon.server.console import Console
    from devboot.daemon.server.pending_requests import PendingRequest
    from devboot.daemon.views.ps import Stream
    from devboot.supervisor.core.supervisor import Supervisor


_PATIENCE = 0.1  # seconds between looks at whether a viewer still catches up
_LAST_WORDS = 2.0  # seconds that clients have to take the end of what they are told
_ENDED = (model.EXITED, model.FAILED, model.GAVE_UP)
_AMISS = (*_ENDED, model.BACKOFF)  # what a process has written until then explains it


class Server:
    """Listens to clients and to the supervisor.

    `since` is when this daemon was given its plan; `release` gives up socket, leases and lock when all is down.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        *,
        version: str,
        wall_clock: Callable[[], float],
        since: float,
        book: ChildrenBook,
        release: Callable[[], None],
        uid: int,
    ) -> None:
        self.loop = loop = supervisor.loop
        self.plan = plan = supervisor.plan
        self.version = version
        self.wall_clock = wall_clock
        self.since = self.planned_at = since
        self.supervisor = supervisor
        self.audience = Audience((spec.name for spec in plan.processes), self._release_held)
        self.repeats = Repeats(
            loop,
            show=lambda name, data: self.audience.output(name, data, self.wall_clock(), raw=False),
            say=self.audience.say,
            written=lambda name: self.supervisor.process(name).tail.text,
        )
        self.audience.on_join = self.repeats.show_all
        self.arrival = Arrival(self)
        self.news = News(self)
        self.moves = PortMoves(self)
        self.departure: Departure | None = None
        self.owner: Connection | None = None
        self.owner_moves = False  # the owner prepares a plan with other ports when it is asked to
        self.notes: list[str] = []
        self.told: list[DevbootError] = []  # what those who watch have read about
        self.pending: list[PendingRequest] = []
        self.streams: list[Stream] = []  # of `ps --watch`
        self.consoles: dict[Connection, Console] = {}
        self.exit_code = 0
        self._held: set[str] = set()  # processes that wait with their writing until a viewer has caught up
        self._connections: list[Connection] = []
        self._greetings: dict[Connection, greeting.Greeting] = {}
        self._book = book
        self._release = release
        self._acceptor = Acceptor(loop, uid, self.adopt)

    # Clients

    def listen(self, listener: _socket.socket) -> None:
        """Take clients from a listening socket."""
        self._acceptor.listen(listener)

    def adopt(self, sock: _socket.socket, *, greeted: bool = False) -> Connection:
        """Talk to the client at the other end of `sock`; `greeted` where both sides have done so already."""
        connection = Connection(self.loop, sock, self._frame, self._closed)
        self._connections.append(connection)
        if greeted:
            self._greetings[connection] = greeting.Greeting(greeting.PROTOCOL, self.version)
        else:
            connection.send(frames.HELLO, greeting.greeting(self.version))
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
            self.carry_out(connection, parse_request(message))
        else:
            connection.close()

    def launch(self, connection: Connection, request: Request) -> None:
        """Answer the client that has started us; what it wants has been spawned already."""
        handlers.launch(self, connection, request)

    def carry_out(self, connection: Connection, request: Request) -> None:
        """Do what the client asks for, as far as its version and ours agree on what it means."""
        other = self._greetings.get(connection, greeting.Greeting(greeting.PROTOCOL, self.version))
        handlers.carry_out(self, connection, request, other)

    def _closed(self, connection: Connection) -> None:
        self._connections.remove(connection)
        self._greetings.pop(connection, None)
        for request in [each for each in self.pending if each.connection is connection]:
            self.loop.call(request.drop)
            self.pending.remove(request)
        self.streams = [stream for stream in self.streams if stream.connection is not connection]
        forgets = [self.audience.remove, self.arrival.forget, self.news.forget, self.moves.forget]
        forgets += [self.departure.forget] if self.departure is not None else []
        for forget in forgets:
            self.loop.call(forget, connection)
        if connection in self.consoles:
            self.loop.call(self.consoles.pop(connection).leave)
        if connection is self.owner:
            self.owner = None
            if not connection.has_failed:  # a mistake of ours must not end what it runs
                self.shut_down()

    # The way down

    def shut_down(self, code: int = 0) -> None:
        """Stop everything, then the daemon itself; a second call changes nothing."""
        if self.departure is not None:
            return
        self._begin_departure(code)
        self.supervisor.shutdown()

    def _begin_departure(self, code: int) -> None:
        self.exit_code = code
        self.departure = Departure(self)
        self.loop.call(self.departure.announce)

    def force(self) -> None:
        """End everything now."""
        self.shut_down()
        if self.departure is not None:
            self.loop.call(self.departure.forced)
        self.supervisor.force()

    def _depart(self) -> None:
        if self.departure is None:
            return
        for step in (self._release, self.arrival.abandon, self.audience.end, self.departure.finish):
            self.loop.call(step)  # whatever fails: the end is near, and has to come
        for connection in tuple(self._connections):
            connection.call(connection.finish, self.exit_code)
        self._leave_when_heard(self.loop.now() + _LAST_WORDS)

    def _leave_when_heard(self, deadline: float) -> None:
        if not self._connections or self.loop.now() >= deadline:
            self.loop.stop()
            return
        self.loop.call_later(0.002, lambda: self._leave_when_heard(deadline))

    def statuses(self, *, memory_too: bool = False) -> tuple[model.ProcessStatus, ...]:
        """The lines of `ps`."""
        statuses = map(self.moves.note, self.supervisor.statuses(memory_too=memory_too))
        return tuple(map(self.news.note, statuses))

    # What the supervisor tells

    def on_output(self, name: str, data: bytes) -> None:
        """Show a block to everybody who watches."""
        if data[-1:] != b"\n" or self.news.is_anybody_asked:
            self.news.output(name, data)
        if len(self.audience):
            if name in self.repeats.loops:
                self.audience.output(name, data, self.wall_clock(), raw=True)
                self.repeats.output(name, data)
            else:
                self.audience.output(name, data, self.wall_clock())
            if self.audience.is_catching_up(name):
                self._hold()

    def _hold(self) -> None:
        """Let all that the slow viewer is shown wait: it never has to take more than a block above its limit."""
        if not self._held:
            self.loop.call_later(_PATIENCE, self._look_at_held)
        for name in self.supervisor.names:
            if self.audience.is_catching_up(name):
                self._held.add(name)
                self.supervisor.hold_output(name, True)

    def _look_at_held(self) -> None:
        """A viewer that takes nothing any more isn't waited for."""
        if self._held and self.audience.is_catching_up():
            self.loop.call_later(_PATIENCE, self._look_at_held)
        else:
            self._release_held()

    def _release_held(self) -> None:
        held, self._held = self._held, set()
        for name in held:
            self.supervisor.hold_output(name, False)

    def on_change(self, status: model.ProcessStatus) -> None:
        """A process has another phase, pid or note."""
        if status.pid is not None:
            self._book.add(status.pid, status.name)
        else:
            self._book.ended(status.name)
            self.news.ended(status.name)
        self.loop.call(self.repeats.changed, status)
        if status.phase in _AMISS and not _went_well(status):
            self.audience.release()
            self.loop.call(self._keep_failure, status)
        self.news.changed()
        self.loop.call(self.moves.changed, status)
        if self.supervisor.is_shutting_down and self.departure is None:
            self._begin_departure(_exit_code_of(self.supervisor.ended_by))  # by an `exit_ends_all` process
        self.loop.call(self.arrival.changed, status)
        self.look_at_pending()
        for stream in tuple(self.streams):
            stream.connection.call(stream.changed)
        for connection, console in tuple(self.consoles.items()):
            connection.call(console.changed, status)
        if self.departure is not None:
            self.loop.call(self.departure.changed, status)
        elif self.owner is not None and status.phase in _ENDED:
            self.loop.call_later(0, self._end_without_processes)

    def _keep_failure(self, status: model.ProcessStatus) -> None:
        """Record a failure that nothing will mend by itself, for `doctor` once all is down."""
        error = self.supervisor.process(status.name).error
        if error is None or status.phase == model.BACKOFF:
            return
        from devboot.supervisor.explain.last_failure import keep_failure

        try:
            keep_failure(self.plan.state, status.name, error)
        except (OSError, DevbootError):
            return  # a full disk: nobody is told of it later

    def _forget_failures(self) -> None:
        """Remove the records of what is up by now, or has succeeded."""
        from devboot.supervisor.explain.last_failure import forget_failure, read_failures

        failed = {failure.name for failure in self.supervisor.verdict().failures}
        for name in {each.name for each in read_failures(self.plan.state)} - failed:
            if name in self.supervisor.names and self.supervisor.process(name).error is None:
                forget_failure(self.plan.state, name)

    def on_note(self, text: str, *, error: DevbootError | None = None) -> None:
        """Something that everybody who watches should know."""
        message = text + "\n" if error is None else render_problem(error)
        self.notes = [*self.notes[-19:], message]
        if error is None:
            self.audience.say(message)
        else:
            self.repeats.look()
            self.told = [*self.told[-19:], error]
            self.audience.complain(error)
            for request in tuple(self.pending):
                request.connection.call(request.complain, error)
        if self.departure is not None and error is not None:  # what can't stop cleanly makes `down` fail
            self.exit_code = self.exit_code or error.exit_code
            self.departure.complain(message)

    def look_at_pending(self) -> None:
        """Answer the requests that have come to their end."""
        for request in tuple(self.pending):
            request.connection.call(request.look)

    def on_settled(self) -> None:
        """Everything is up, or has failed."""
        self.look_at_pending()
        self.loop.call(self._forget_failures)
        self.arrival.settled()
        if self._is_judged and self.departure is None and self._has_failed_task():
            self._fail()

    @property
    def _is_judged(self) -> bool:
        """Whether what ends ends a foreground run: not while other ports are being prepared for it."""
        return self.owner is not None and self.moves.mover is None

    def judge(self) -> None:
        """Draw the conclusions that had to wait for other ports."""
        if self.departure is not None:
            return
        if self.supervisor.has_settled:
            self.on_settled()
        self._end_without_processes()
        if self.supervisor.has_finished:
            self.on_finished()

    def on_finished(self) -> None:
        """Nothing is alive, and nothing will start again."""
        if self.departure is None and self.moves.mover is not None:
            return
        if self.departure is None and self.owner is not None:
            self.shut_down() if self.supervisor.verdict().ok else self._fail()
        self._depart()

    def _has_failed_task(self) -> bool:
        return any(
            status.kind == model.TASK and status.phase in _ENDED and not _went_well(status)
            for status in self.supervisor.statuses()
        )

    def _end_without_processes(self) -> None:
        """A foreground run is over when none of the Procfile's processes is alive or will be again."""
        if self.departure is not None or not self._is_judged:
            return
        statuses = [status for status in self.supervisor.statuses() if status.kind == model.PROCESS]
        has_ended = self.supervisor.has_ended
        if statuses and has_ended and all(status.phase in _ENDED for status in statuses):
            self.shut_down() if all(_went_well(status) for status in statuses) else self._fail()

    def _fail(self) -> None:
        """A foreground run ends since something failed: that is the last word."""
        failures = self.supervisor.verdict().failures
        self.shut_down(1)
        if self.departure is not None:
            self.departure.last_words = last_words(failures)

    # Signals

    def on_signal(self, number: int) -> None:
        """SIGTERM stops everything; SIGHUP and SIGINT, which the terminal sends, mean nothing to a daemon."""
        if number == _SIGTERM:
            self.shut_down()
        elif number == _SIGQUIT:
            self._dump()

    def _dump(self) -> None:
        """Write how things stand, for whoever looks into something strange, and go on."""
        import json

        facts = ps.document(self, self.statuses(memory_too=True))
        facts |= {"clients": len(self._connections), "viewers": len(self.audience), "held": sorted(self._held)}
        try:
            atomic_write(leases.dump_path(self.plan.state), json.dumps(facts, indent=1) + "\n", mode=0o600, sync=False)
        except DevbootError:
            return  # no state folder any more, or a full disk: nobody could read it
        self.on_note(f"state written to {leases.dump_path(self.plan.state)}")


_SIGTERM, _SIGQUIT = 15, 3


def _exit_code_of(ended: model.ProcessStatus | None) -> int:
    """The exit code that a run passes on from the process that ended it."""
    if ended is None or ended.last_exit is None:
        return 1
    return 128 + ended.last_exit.signal if ended.last_exit.signal else ended.last_exit.code or 0


def _went_well(status: model.ProcessStatus) -> bool:
    return status.phase == model.EXITED and (status.last_exit is None or status.last_exit.code == 0)
