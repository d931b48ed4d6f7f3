"""The ways up and down as clients are told of them: who became ready when, what failed, who has ended."""

from __future__ import annotations

import os

from devboot.daemon.server.more_time import MoreTime
from devboot.daemon.views import timings
from devboot.daemon.views.first_pages import FirstPages
from devboot.daemon.views.progress import Progress
from devboot.daemon.views.timings import BEFORE, Start, Stopwatch
from devboot.errors import WorkError
from devboot.model import process as model
from devboot.record import Record
from devboot.supervisor.core import process_status
from devboot.supervisor.core.planning import base_of
from devboot.text import summary
from devboot.text.columns import cells, pad, printable
from devboot.text.paint import GREEN, RED, paint
from devboot.text.problem_facts import error_as_json
from devboot.text.problems import render_problem
from devboot.text.symbols import symbols
from devboot.text.units import duration
from devboot.wire import frames
from devboot.wire.jsontext import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from devboot.daemon.clients.connection import Connection
    from devboot.daemon.clients.request import Request, View
    from devboot.daemon.server.server import Server
    from devboot.supervisor.core.process_status import Failure
    from devboot.supervisor.event_loop import Timer

_SPAWNED = (model.STARTING, model.RUNNING)
_UP = (model.RUNNING, model.READY)
_LAST_WORDS = 3  # failures that are told of again at the very end


class _Waiter(Record):
    connection: Connection
    request: Request
    progress: Progress
    is_same: bool = False  # all was up when it asked


class Arrival:
    """Tells those who wait for it that everything is up, or what isn't."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._waiters: list[_Waiter] = []
        self._spawned: dict[str, float] = {}  # name → loop time of the latest spawn
        self._took: dict[str, float] = {}  # name → seconds from spawn to ready
        self._limit: Timer | None = None
        self._is_settled = False
        self._watch = Stopwatch()
        self._is_first = True  # no start of this daemon has come to its end yet
        self._slower = ""
        self._pages = FirstPages(server)
        self._more = MoreTime(server.supervisor.worked_on_start)

    def wait(self, connection: Connection, request: Request, *, is_first: bool = False, is_same: bool = False) -> None:
        """Tell this client once; a detached one then gets its exit code. The first one is told of all there is.

        `is_same`: there is nothing to do for it.
        """
        alive = () if is_first else (each.name for each in self._server.supervisor.statuses() if each.pid is not None)
        progress = Progress(self._server, connection, request, alive, lambda: self._pages.asked)
        self._waiters.append(_Waiter(connection, request, progress, is_same))
        self._is_settled = False
        self._start_limit()

    def forget(self, connection: Connection) -> None:
        """It has gone."""
        self._waiters = [waiter for waiter in self._waiters if waiter.connection is not connection]

    def changed(self, status: model.ProcessStatus) -> None:
        """Keep the times."""
        now = self._server.loop.now()
        if status.phase in _SPAWNED and status.started is not None:
            now -= max(0.0, self._server.wall_clock() - status.started)  # the first ones are told of a little late
        self._watch.changed(status, now)
        if status.phase in _SPAWNED and (status.phase == model.STARTING or status.name not in self._spawned):
            self._spawned[status.name] = now
            self._took.pop(status.name, None)
            self._start_limit()
        elif status.phase == model.READY and status.name not in self._took:
            self._took[status.name] = now - self._spawned.get(status.name, now)
        if status.kind == model.TASK and status.phase == model.EXITED:
            self._start_limit()  # whatever waited for it gets the whole time

    def _is_task_at_work(self) -> bool:
        return any(
            status.kind == model.TASK and status.phase in (*_SPAWNED, model.STOPPING)
            for status in self._server.supervisor.statuses()
        )

    def settled(self) -> None:
        """Nothing is on its way any more."""
        self._is_settled = True
        self._stop_limit()
        mover = self._server.moves.mover  # its start goes on with other ports
        if self._is_first and self._waiters and mover is None:
            self._is_first = False
            self._judge(self._waiters[0].request)
        if any(waiter.connection is not mover for waiter in self._waiters):
            self._pages.ask(self._answer_all)

    def _answer_all(self) -> None:
        """The first pages have answered: so are those who wait, unless something has changed meanwhile."""
        if not self._is_settled or not self._server.supervisor.verdict().settled:
            self._start_limit()  # `settled` comes again
            return
        mover = self._server.moves.mover
        waiters = [waiter for waiter in self._waiters if waiter.connection is not mover]
        self._waiters = [waiter for waiter in self._waiters if waiter.connection is mover]
        for waiter in waiters:
            self._answer(waiter, timed_out=False)

    def _judge(self, request: Request) -> None:
        """Keep how long this start took, if it went well, and compare it with earlier ones."""
        if not request.began or not self._server.supervisor.verdict().ok:
            return
        state, at = self._server.plan.state, self._server.wall_clock()
        took = {**self._watch.took(), BEFORE: self._before(request)}
        start = Start(at, bool(request.installed), max(0.0, at - request.began), took)
        earlier = timings.read_starts(state)
        self._slower = timings.slower(start, earlier)
        timings.keep(state, start, earlier)

    def _before(self, request: Request) -> float:
        """Seconds from the command's being typed to this daemon's having its plan."""
        return max(0.0, self._server.since - request.began)

    def _times(self, request: Request, took: float, *, is_same: bool = False) -> list[str]:
        """What is said of the time, if something is to be."""
        lines = [self._slower] if self._slower and not is_same else []
        if request.timings:
            lines += timings.describe(self._watch, self._server.plan.processes, self._before(request), took)
        return lines

    def ask_for_other_ports(self) -> None:
        """Send those who wait in the background, and can do that, to prepare a plan with other ports."""
        able = [waiter for waiter in self._waiters if waiter.request.detach and waiter.request.moves]
        self._waiters = [waiter for waiter in self._waiters if waiter not in able]
        for connection, _, progress, _ in able:
            progress.end()
            connection.send(frames.WORD, frames.PORT_TAKEN)
            connection.finish(1)

    def abandon(self) -> None:
        """Everything was stopped before it was up."""
        self._pages.cancel()
        waiters, self._waiters = self._waiters, []
        for connection, request, progress, _ in waiters:
            progress.end()
            if request.detach:
                text = f"{printable(self._server.plan.project)} was stopped before it was up\n"
                connection.say(text)
                connection.finish(1)

    def _start_limit(self, *, is_anew: bool = True) -> None:
        self._stop_limit()
        patience = [waiter.request.wait for waiter in self._waiters if waiter.request.detach]
        if patience:
            self._more.begin(self._server.loop.now(), is_anew=is_anew)
            self._limit = self._server.loop.call_later(min(patience), self._give_up)

    def _stop_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _give_up(self) -> None:
        self._limit = None
        if self._is_task_at_work():  # migrations may take minutes; the limit is for what should listen by now
            self._start_limit()
            return
        impatient = [waiter for waiter in self._waiters if waiter.request.detach]
        if all(each.request.may_wait_longer for each in impatient) and self._more.is_due(self._server.loop.now()):
            self._start_limit(is_anew=False)
            return
        self._waiters = [waiter for waiter in self._waiters if not waiter.request.detach]
        for waiter in impatient:
            self._answer(waiter, timed_out=True)

    def _answer(self, waiter: _Waiter, *, timed_out: bool) -> None:
        connection, request, progress, is_same = waiter
        failures = [*self._failures(timed_out=timed_out), *self._pages.errors()]
        if request.detach:  # who looks on has been told when it happened
            failures += self._endings()
        is_watching = self._server.audience.viewer_of(connection) is not None
        untold = [each for each in failures if not is_watching or each not in self._server.told]
        texts = [render_problem(error, colour=request.view.colour_err) for error in untold]
        texts += [] if failures else [self._summary(request, is_same=is_same)]
        text = "\n".join(texts)
        viewer = self._server.audience.viewer_of(connection)
        if viewer is not None and not text:
            viewer.release()
        elif viewer is not None:
            viewer.say(text, first=not failures)
        elif text:
            connection.say(text)
        progress.end()
        if request.detach:
            for error in failures if request.view.json else ():
                connection.send(frames.OUT, f"{to_json(error_as_json(error))}\n".encode())
            connection.finish(1 if failures else 0)

    def _failures(self, *, timed_out: bool) -> list[WorkError]:
        return [failure.error for failure in self._server.supervisor.verdict(final=timed_out).failures]

    def _endings(self) -> list[WorkError]:
        supervisor = self._server.supervisor
        return [each.error for each in process_status.endings(map(supervisor.process, supervisor.names))]

    def _summary(self, request: Request, *, is_same: bool) -> str:
        if request.view.quiet:
            return ""
        statuses = self._server.supervisor.statuses()
        took = max(0.0, self._server.wall_clock() - request.began) if request.began else 0.0
        shown = [status for status in statuses if status.kind != model.TASK and status.phase in _UP]
        times = [(status.name, self._took.get(status.name)) for status in shown]
        headline = summary.headline(self._server.plan.project, took, request.installed if request.detach else "")
        if request.detach:
            if is_same:
                age = self._server.wall_clock() - self._server.since
                headline = summary.unchanged(self._server.plan.project, age, request.installed)
            lines = [headline, *self._times(request, took, is_same=is_same), *self._addresses(shown, only_web=True)]
            lines += [*self._unanswered(), _NEXT]
            return "\n".join(lines) + "\n"
        if not request.view.live:
            names = ", ".join(printable(name) for name, _ in times)
            where = ", ".join(f"{name} {value}" for name, value in self._entries(self._pages_first(shown)))
            lines = [
                summary.event_line(took, "processes", "ok", f"{names} ready" if names else "none"),
                summary.event_line(took, "up", "ok", where),
                *self._times(request, took),
            ]
            return "\n".join(lines) + "\n"
        line = summary.step_line(
            "processes", summary.ready_text(times), took, colour=request.view.colour_err, unicode=request.view.unicode
        )
        about_time = self._times(request, took)
        about_servers = [*self._addresses(shown, only_web=False), *self._unanswered()]
        return "\n".join([line, "", headline, *about_time, *about_servers, "", ""])

    def _unanswered(self) -> list[str]:
        """Name the servers that processes were seen to connect to in vain: they may try again without an end."""
        plan = self._server.plan
        if not any(spec.observed for spec in plan.processes):
            return []
        from devboot.supervisor.explain.observed import is_of_servers, lacks

        found = lacks(plan.state, (), is_running=True) or ()
        return [f"  {pad('note', 6)}  {printable(each.sentence)}" for each in found if is_of_servers(each)]

    def _addresses(self, shown: Sequence[model.ProcessStatus], *, only_web: bool) -> list[str]:
        shown = self._pages_first(shown)
        web = [status for status in shown if status.scheme]
        if only_web:
            return summary.addresses(self._entries((web or shown)[:2]))
        others = [status for status in shown if not status.scheme]
        return summary.addresses([*self._entries([*web, *others]), *_databases(self._server.plan)])

    def _pages_first(self, statuses: Sequence[model.ProcessStatus]) -> list[model.ProcessStatus]:
        """Put pages for people before the APIs behind them."""
        return sorted(statuses, key=lambda each: not self._pages.is_html(each.name))

    def _entries(self, statuses: Sequence[model.ProcessStatus]) -> list[tuple[str, str]]:
        """Name and address of each, and behind the address what its first page has answered just now."""
        return [
            (each.name, f"{summary.url(each.scheme, each.address)}  {self._pages.text(each.name)}".strip())
            if each.address
            else (each.name, "listens on no port")
            for each in statuses
            if each.address or base_of(each.name) == "web"
        ]


_NEXT = f"  {pad('next', 6)}  {summary.NEXT}"


def _databases(plan: model.Plan) -> list[tuple[str, str]]:
    """The SQLite files as a person in the project names them; a single one is just `sqlite`."""
    single = len(plan.databases) == 1
    root = plan.root.rstrip("/") + "/"
    return [("sqlite" if single else name, path.removeprefix(root)) for name, path in plan.databases]


def last_words(failures: Sequence[Failure]) -> tuple[WorkError, ...]:
    """Why a run has failed, briefly, since all was told when it happened: what the rest follows from comes last."""
    causes = [each.error for each in failures if each.error.slug != "process/waiting"]
    return tuple(map(_briefly, reversed(causes[:_LAST_WORDS])))


def _briefly(error: WorkError) -> WorkError:
    said = [line for line in error.details if line.startswith("| ")][-1:]
    helps = [each for each in error.help if not each.startswith("after a fix")]
    return WorkError(error.slug, error.what, details=said, causes=error.causes, help=helps)


class Departure:
    """Tells everybody who watches how it goes down; clients of `down` become viewers of it."""

    def __init__(self, server: Server) -> None:
        self.last_words: Sequence[WorkError] = ()
        self._server = server
        self._start = server.loop.now()
        self._stopping: dict[str, float] = {}
        self._killed: list[str] = []
        self._told: set[str] = set()
        self._listeners: list[tuple[Connection, Request]] = []
        alive = [status for status in server.supervisor.statuses() if status.pid is not None]
        self._width = max((cells(printable(status.name)) for status in alive), default=0)
        self._order = [
            [status.name for status in alive if status.kind != model.SERVICE],
            [status.name for status in alive if status.kind == model.SERVICE],
        ]

    def listen(self, connection: Connection, request: Request) -> None:
        """From now on this client is told, on standard error."""
        self._listeners.append((connection, request))
        self._tell_one(connection, request, self._announcement("; ctrl-c to force" * request.view.terminal))

    def forget(self, connection: Connection) -> None:
        """It has gone."""
        self._listeners = [(other, request) for other, request in self._listeners if other is not connection]

    def announce(self) -> None:
        """Say to those who watch what will end, in which order."""
        if any(self._order):
            self._server.audience.say(self._announcement("; ctrl-c again to force"))

    def _announcement(self, addition: str = "") -> str:
        if not any(self._order):
            return ""
        return f"stopping {summary.list_in_order([group[::-1] for group in self._order])}{addition}\n"

    def forced(self) -> None:
        """Somebody has lost patience."""
        names = [status.name for status in self._server.supervisor.statuses() if status.pid is not None]
        if names:
            self._tell(f"forcing: {', '.join(printable(name) for name in names)} killed\n")

    def changed(self, status: model.ProcessStatus) -> None:
        """Say of each how long it took."""
        now = self._server.loop.now()
        if status.phase == model.STOPPING:
            self._stopping.setdefault(status.name, now)
        elif status.name in self._stopping and status.pid is None and status.name not in self._told:
            self._told.add(status.name)
            self._tell_ended(status, now - self._stopping[status.name])

    def complain(self, text: str) -> None:
        """Something doesn't go down as it should: those that wait for it are told, even under --quiet."""
        for connection, _ in self._listeners:
            connection.say(text)

    def finish(self) -> None:
        """All is down."""
        took = duration(self._server.loop.now() - self._start)
        self._tell(f"{printable(self._server.plan.project)} is down, {took}\n")
        for error in self.last_words:
            self._server.audience.complain(error)

    def _tell_ended(self, status: model.ProcessStatus, took: float) -> None:
        for viewer in self._server.audience.viewers:
            viewer.say(self._ended_line(status, took, viewer.view))
        for connection, request in self._listeners:
            self._tell_one(connection, request, self._ended_line(status, took, request.view))

    def _ended_line(self, status: model.ProcessStatus, took: float, view: View) -> str:
        killed = status.last_exit is not None and status.last_exit.signal == _SIGKILL
        known = symbols(view.unicode)
        mark = paint(known.failed if killed else known.ok, RED if killed else GREEN, on=view.colour_err)
        note = status.note or ("killed" if killed else self._saved(status))
        name = pad(printable(status.name), self._width)
        room = view.columns - len("  * ") - len(f" {duration(took):>9}") if view.terminal else 0
        if room and cells(f"{name}  {note}") > room:
            note = note.partition(" to ")[0]  # `saved`, without the place
        text = pad(f"{name}  {note}", summary.WIDTH - 14)
        return f"  {mark} {text} {duration(took):>9}\n"

    def _saved(self, status: model.ProcessStatus) -> str:
        """Where the data of a server lies that has stopped in order; empty where it keeps none."""
        data = self._server.supervisor.process(status.name).spec.data
        if status.last_exit is None or status.last_exit.code != 0 or not _holds_something(data):
            return ""
        return f"saved to {printable(data)}"

    def _tell(self, text: str) -> None:
        self._server.audience.say(text)
        for connection, request in self._listeners:
            self._tell_one(connection, request, text)

    def _tell_one(self, connection: Connection, request: Request, text: str) -> None:
        if text and not request.view.quiet:
            connection.say(text)


_SIGKILL = 9


def _holds_something(folder: str) -> bool:
    try:
        return bool(folder) and bool(os.listdir(folder))
    except OSError:
        return False
