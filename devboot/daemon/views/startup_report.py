"""Reports the result of a start to clients: which processes became ready when, which failed, and the addresses."""

from __future__ import annotations

from devboot.daemon.more_time import MoreTime
from devboot.daemon.views import timings
from devboot.daemon.views.first_pages import FirstPages
from devboot.daemon.views.progress import Progress
from devboot.daemon.views.timings import BEFORE, Start, Stopwatch
from devboot.errors import DevbootError, WorkError
from devboot.model import process as model
from devboot.record import Record
from devboot.supervisor.core import process_status
from devboot.supervisor.core.planning import base_of
from devboot.text import summary
from devboot.text.columns import pad, printable
from devboot.wire import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from devboot.daemon.clients.connection import Connection
    from devboot.daemon.clients.request import Request
    from devboot.daemon.running_project import RunningProject
    from devboot.daemon.views.viewers import Viewers
    from devboot.supervisor.event_loop import Timer

_SPAWNED = (model.STARTING, model.RUNNING)
_UP = (model.RUNNING, model.READY)
_MEASURED_AFTER = 0.5  # seconds from a spawn until the CPU time used so far is measured


class _Waiter(Record):
    """A client that waits for the result of a start, with its request and its progress display."""

    connection: Connection
    request: Request
    progress: Progress
    is_same: bool = False  # everything was up before its request


class StartupReport:
    """Reports the result of a start to the clients that wait for it."""

    def __init__(self, project: RunningProject, viewers: Viewers) -> None:
        self._project = project
        self._viewers = viewers
        self._waiters: list[_Waiter] = []
        self._spawned: dict[str, float] = {}  # name → loop time of the latest spawn
        self._took: dict[str, float] = {}  # name → seconds from spawn to ready
        self._limit: Timer | None = None
        self._measurement: Timer | None = None
        self._is_settled = False
        self._watch = Stopwatch()
        self._is_first = True  # the daemon's first start isn't over yet
        self._slower = ""
        self._pages = FirstPages(project.supervisor)
        self._more = MoreTime(project.supervisor.worked_on_start)
        self._are_changes_said = False  # to viewers

    def wait(self, connection: Connection, request: Request, *, is_first: bool = False, is_same: bool = False) -> None:
        """Report the result of the start to this client; a detached client then gets its exit code.

        The first client gets the whole report. `is_same`: everything was up before the request.
        """
        alive = () if is_first else (each.name for each in self._project.supervisor.statuses() if each.pid is not None)
        progress = Progress(self._project, connection, request, alive, lambda: self._pages.asked)
        self._waiters.append(_Waiter(connection, request, progress, is_same))
        self._is_settled = False
        self._start_limit()

    def forget(self, connection: Connection) -> None:
        """Send no report to a disconnected client."""
        self._waiters = [waiter for waiter in self._waiters if waiter.connection is not connection]

    def changed(self, status: model.ProcessStatus) -> None:
        """Record when a process was spawned or became ready, from its new status."""
        now = self._project.loop.now()
        if status.phase in _SPAWNED and status.started is not None:
            now -= max(0.0, self._project.wall_clock() - status.started)  # the first events arrive late
        self._watch.changed(status, now)
        if status.phase in _SPAWNED and (status.phase == model.STARTING or status.name not in self._spawned):
            self._spawned[status.name] = now
            self._took.pop(status.name, None)
            self._start_limit()
        elif status.phase == model.READY and status.name not in self._took:
            self._took[status.name] = now - self._spawned.get(status.name, now)
        if status.kind == model.TASK and status.phase == model.EXITED:
            self._start_limit()  # its dependents get the whole time

    def _is_task_at_work(self) -> bool:
        return any(
            status.kind == model.TASK and status.phase in (*_SPAWNED, model.STOPPING)
            for status in self._project.supervisor.statuses()
        )

    def settled(self) -> None:
        """After a start has ended, request the first pages, then send the report to waiting clients."""
        self._is_settled = True
        self._stop_limit()
        mover = self._project.mover  # its start continues with other ports
        if self._is_first and self._waiters and mover is None:
            self._is_first = False
            self._judge(self._waiters[0].request)
        if any(waiter.connection is not mover for waiter in self._waiters):
            self._pages.ask(self._answer_all)

    def _answer_all(self) -> None:
        """Send the report with the first pages' answers to waiting clients, unless a process has changed meanwhile."""
        if not self._is_settled or not self._project.supervisor.verdict().settled:
            self._start_limit()  # `settled` will be called again
            return
        mover = self._project.mover
        waiters = [waiter for waiter in self._waiters if waiter.connection is not mover]
        self._waiters = [waiter for waiter in self._waiters if waiter.connection is mover]
        for waiter in waiters:
            self._answer(waiter, timed_out=False)

    def _judge(self, request: Request) -> None:
        """Store how long a successful start took, and compare it with earlier starts."""
        if not request.began or not self._project.supervisor.verdict().ok:
            return
        state, at = self._project.plan.state, self._project.wall_clock()
        took = {**self._watch.took(), BEFORE: self._before(request)}
        start = Start(at, bool(request.installed), max(0.0, at - request.began), took)
        earlier = timings.read_starts(state)
        self._slower = timings.slower(start, earlier)
        timings.keep(state, start, earlier)

    def _before(self, request: Request) -> float:
        """Return the seconds from the start of the command until this daemon had its plan."""
        return max(0.0, self._project.since - request.began)

    def _times(self, request: Request, took: float, *, is_same: bool = False) -> list[str]:
        """Return the lines about how long the start took: of `--timings`, or if it was slower than usual."""
        lines = [self._slower] if self._slower and not is_same else []
        if request.timings:
            lines += timings.describe(self._watch, self._project.plan.processes, self._before(request), took)
        return lines

    def ask_for_other_ports(self) -> None:
        """Tell waiting background clients to prepare a plan with other ports, as far as they can."""
        able = [waiter for waiter in self._waiters if waiter.request.detach and waiter.request.moves]
        self._waiters = [waiter for waiter in self._waiters if waiter not in able]
        for connection, _, progress, _ in able:
            progress.end()
            connection.send(frames.WORD, frames.PORT_TAKEN)
            connection.finish(1)

    def abandon(self) -> None:
        """Report to waiting clients that the project was stopped before it was up."""
        self._pages.cancel()
        waiters, self._waiters = self._waiters, []
        for connection, request, progress, _ in waiters:
            progress.end()
            if request.detach:
                text = f"{printable(self._project.plan.project)} was stopped before it was up\n"
                connection.say(text)
                connection.finish(1)

    def _start_limit(self, *, is_anew: bool = True) -> None:
        self._stop_limit()
        patience = [waiter.request.wait for waiter in self._waiters if waiter.request.detach]
        if patience:
            loop = self._project.loop
            # Once, soon after the last of many spawns: a measurement looks at all processes that are starting
            self._measurement = loop.call_later(
                min(_MEASURED_AFTER, min(patience) / 2), lambda: self._more.begin(loop.now(), is_anew=is_anew)
            )
            self._limit = loop.call_later(min(patience), self._give_up)

    def _stop_limit(self) -> None:
        for timer in (self._limit, self._measurement):
            if timer is not None:
                timer.cancel()
        self._limit = self._measurement = None

    def _give_up(self) -> None:
        self._limit = None
        if self._is_task_at_work():  # migrations may take minutes; the limit is for servers
            self._start_limit()
            return
        impatient = [waiter for waiter in self._waiters if waiter.request.detach]
        if all(each.request.may_wait_longer for each in impatient) and self._more.is_due(self._project.loop.now()):
            self._start_limit(is_anew=False)
            return
        self._waiters = [waiter for waiter in self._waiters if not waiter.request.detach]
        for waiter in impatient:
            self._answer(waiter, timed_out=True)

    def _answer(self, waiter: _Waiter, *, timed_out: bool) -> None:
        connection, request, progress, is_same = waiter
        failures = [*self._failures(timed_out=timed_out), *self._pages.errors()]
        if request.detach:  # viewers were told when it happened
            failures += self._endings()
        viewer = self._viewers.viewer_of(connection)
        untold = [each for each in failures if viewer is None or each not in self._viewers.reported]
        text = self.changes() if untold and viewer is None else ""
        text = text if failures else self._summary(request, is_same=is_same)
        if viewer is None:
            connection.say(text)
        elif text:
            viewer.say(text, first=True)
        else:
            viewer.release()
        for number, error in enumerate(untold):
            connection.say("\n" if number else "")
            if viewer is None:
                connection.complain(error, request.view)
            else:
                viewer.complain(error)
        progress.end()
        if request.detach:
            for error in failures if request.view.json else ():
                connection.complain(error, request.view, frames.OUT)
            connection.finish(1 if failures else 0)
        if not failures:
            self._project.loop.call_later(0, self._keep_success)

    def _keep_success(self) -> None:
        """Record in the state folder that the project has started without errors, after clients were answered."""
        from devboot.supervisor.last_success import keep_success

        try:
            keep_success(self._project.plan)
        except (OSError, DevbootError):
            return  # a full disk: changes count from an earlier start

    def changes(self) -> str:
        """Return the line about what has changed since the last start without errors; "" if nothing has."""
        from devboot.supervisor.last_success import changes_since, last_success, sentence

        plan = self._project.plan
        last = last_success(plan.state)
        if last is None:
            return ""
        found = changes_since(last, plan, plan.root, plan.state, plan.version)
        text = sentence(last, found, self._project.wall_clock())
        return f"{text}\n" if text else ""

    def before_error(self) -> str:
        """Return the line about changes if this is the start's first error shown to viewers; "" otherwise."""
        if self._are_changes_said or not self._is_first:
            return ""
        self._are_changes_said = True
        return self.changes()

    def _failures(self, *, timed_out: bool) -> list[WorkError]:
        return [failure.error for failure in self._project.supervisor.verdict(final=timed_out).failures]

    def _endings(self) -> list[WorkError]:
        supervisor = self._project.supervisor
        return [each.error for each in process_status.endings(map(supervisor.process, supervisor.names))]

    def _summary(self, request: Request, *, is_same: bool) -> str:
        if request.view.quiet:
            return ""
        statuses = self._project.supervisor.statuses()
        took = max(0.0, self._project.wall_clock() - request.began) if request.began else 0.0
        shown = [status for status in statuses if status.kind != model.TASK and status.phase in _UP]
        times = [(status.name, self._took.get(status.name)) for status in shown]
        headline = summary.headline(
            self._project.plan.project,
            took,
            request.installed if request.detach else "",
            has_processes=any(status.kind == model.PROCESS for status in statuses) or not statuses,
        )
        width = request.view.columns if request.view.terminal else 0
        if request.detach:
            if is_same:
                age = self._project.age
                headline = summary.unchanged(self._project.plan.project, age, request.installed)
            lines = [headline, *self._times(request, took, is_same=is_same), *self._addresses(shown, only_web=True)]
            lines += [] if is_same else self._unproven(shown, width)
            lines += [*self._unanswered(width), _NEXT]
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
            "processes",
            summary.ready_text(times),
            took,
            colour=request.view.colour_err,
            unicode=request.view.unicode,
            columns=width,
        )
        about_time = self._times(request, took)
        about_servers = [*self._addresses(shown, only_web=False), *self._unanswered(width)]
        return "\n".join([line, "", headline, *about_time, *about_servers, "", ""])

    def _unproven(self, shown: Sequence[model.ProcessStatus], width: int) -> list[str]:
        """Return lines about processes without a readiness probe, which count as up since they didn't exit."""
        process = self._project.supervisor.process
        settled = [each.name for each in shown if each.phase != model.READY and process(each.name).settled]
        late = [
            name for name in settled if (ready := process(name).spec.ready) is not None and ready.kind == model.LINE
        ]
        others = [name for name in settled if name not in late]
        texts = [summary.idle_text(others)] if others else []
        texts += [summary.idle_text(late, awaits_line=True)] if late else []
        return [line for text in texts for line in summary.titled("idle", text, width)]

    def _unanswered(self, width: int) -> list[str]:
        """Return notes on servers that processes could not connect to, since they may retry without a message."""
        plan = self._project.plan
        if not any(spec.observed for spec in plan.processes):
            return []
        from devboot.supervisor.explain.observed import is_of_servers, lacks

        found = lacks(plan.state, (), is_running=True) or ()
        sentences = [each.sentence for each in found if is_of_servers(each)]
        return [line for text in sentences for line in summary.titled("note", text, width)]

    def _addresses(self, shown: Sequence[model.ProcessStatus], *, only_web: bool) -> list[str]:
        shown = self._pages_first(shown)
        web = [status for status in shown if status.scheme]
        if only_web:
            return summary.addresses(self._entries((web or shown)[:2]))
        others = [status for status in shown if not status.scheme]
        return summary.addresses([*self._entries([*web, *others]), *_databases(self._project.plan)])

    def _pages_first(self, statuses: Sequence[model.ProcessStatus]) -> list[model.ProcessStatus]:
        """Return the statuses sorted: processes with an HTML first page before others, such as the APIs behind them."""
        return sorted(statuses, key=lambda each: not self._pages.is_html(each.name))

    def _entries(self, statuses: Sequence[model.ProcessStatus]) -> list[tuple[str, str]]:
        """Return (name, address) of each process, with the answer of its first page after the address."""
        return [
            (each.name, f"{summary.url(each.scheme, each.address)}  {self._pages.text(each.name)}".strip())
            if each.address
            else (each.name, "listens on no port")
            for each in statuses
            if each.address or base_of(each.name) == "web"
        ]


_NEXT = f"  {pad('next', 6)}  {summary.NEXT}"


def _databases(plan: model.Plan) -> list[tuple[str, str]]:
    """Return (name, path relative to the project) of the SQLite files; a single one is named `sqlite`."""
    single = len(plan.databases) == 1
    root = plan.root.rstrip("/") + "/"
    return [("sqlite" if single else name, path.removeprefix(root)) for name, path in plan.databases]
