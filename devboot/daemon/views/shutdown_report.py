"""Reports a shutdown to clients: which processes stop in which order, how long each took, why the run failed."""

from __future__ import annotations

import os

from devboot.errors import WorkError
from devboot.model import process as model
from devboot.text import summary
from devboot.text.columns import cells, pad, printable
from devboot.text.paint import GREEN, RED, paint
from devboot.text.symbols import symbols
from devboot.text.units import duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from devboot.daemon.clients.connection import Connection
    from devboot.daemon.clients.request import Request, View
    from devboot.daemon.running_project import RunningProject
    from devboot.daemon.views.viewers import Viewers
    from devboot.errors import DevbootError
    from devboot.supervisor.core.process_status import Failure

_MOST_FAILURES = 3  # failures that are told of again at the very end
_SIGKILL = 9


def failure_summary(failures: Sequence[Failure]) -> tuple[WorkError, ...]:
    """Return shortened errors of a failed run, to be repeated at its end, the most important last.

    Errors of processes that only waited for others are left out.
    """
    causes = [each.error for each in failures if each.error.slug != "process/waiting"]
    return tuple(map(_shortened, reversed(causes[:_MOST_FAILURES])))


def _shortened(error: WorkError) -> WorkError:
    said = [line for line in error.details if line.startswith("| ")][-1:]
    helps = [each for each in error.help if not each.startswith("after a fix")]
    return WorkError(error.slug, error.what, details=said, causes=error.causes, help=helps, evidence=error.evidence)


class ShutdownReport:
    """Reports a shutdown to all viewers, and to the clients of `down`."""

    def __init__(self, project: RunningProject, viewers: Viewers) -> None:
        self.failure_summary: Sequence[WorkError] = ()
        self._project = project
        self._viewers = viewers
        self._start = project.loop.now()
        self._stopping: dict[str, float] = {}
        self._told: set[str] = set()
        self._listeners: list[tuple[Connection, Request]] = []
        alive = [status for status in project.supervisor.statuses() if status.pid is not None]
        self._width = max((cells(printable(status.name)) for status in alive), default=0)
        self._order = [
            [status.name for status in alive if status.kind != model.SERVICE],
            [status.name for status in alive if status.kind == model.SERVICE],
        ]

    def listen(self, connection: Connection, request: Request) -> None:
        """Report the shutdown to this client, too, on standard error."""
        self._listeners.append((connection, request))
        self._tell_one(connection, request, self._announcement("; ctrl-c to force" * request.view.terminal))

    def forget(self, connection: Connection) -> None:
        """Send no more reports to a disconnected client."""
        self._listeners = [(other, request) for other, request in self._listeners if other is not connection]

    def announce(self) -> None:
        """Send viewers a line that says which processes will stop, in which order."""
        if any(self._order):
            self._viewers.say(self._announcement("; ctrl-c again to force"))

    def _announcement(self, addition: str = "") -> str:
        if not any(self._order):
            return ""
        return f"stopping {summary.list_in_order([group[::-1] for group in self._order])}{addition}\n"

    def forced(self) -> None:
        """Report that all running processes are being killed."""
        names = [status.name for status in self._project.supervisor.statuses() if status.pid is not None]
        if names:
            self._tell(f"forcing: {', '.join(printable(name) for name in names)} killed\n")

    def changed(self, status: model.ProcessStatus) -> None:
        """Report a process that has stopped, and how long that took."""
        now = self._project.loop.now()
        if status.phase == model.STOPPING:
            self._stopping.setdefault(status.name, now)
        elif status.name in self._stopping and status.pid is None and status.name not in self._told:
            self._told.add(status.name)
            self._tell_ended(status, now - self._stopping[status.name])

    def complain(self, error: DevbootError) -> None:
        """Report a problem with the shutdown to clients of `down`, even with --quiet."""
        for connection, request in self._listeners:
            connection.complain(error, request.view)

    def finish(self) -> None:
        """Report that everything is down."""
        took = duration(self._project.loop.now() - self._start)
        self._tell(f"{printable(self._project.plan.project)} is down, {took}\n")
        for error in self.failure_summary:
            self._viewers.complain(error)

    def _tell_ended(self, status: model.ProcessStatus, took: float) -> None:
        for viewer in self._viewers:
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
            note = note.partition(" to ")[0]  # `saved`, without the path
        text = pad(f"{name}  {note}", summary.edge(view.columns if view.terminal else 0) - 14)
        return f"  {mark} {text} {duration(took):>9}\n"

    def _saved(self, status: model.ProcessStatus) -> str:
        """Return where the stopped server has saved its data; "" if it has no data or was killed."""
        data = self._project.supervisor.process(status.name).spec.data
        if status.last_exit is None or status.last_exit.code != 0 or not _has_entries(data):
            return ""
        return f"saved to {printable(data)}"

    def _tell(self, text: str) -> None:
        self._viewers.say(text)
        for connection, request in self._listeners:
            self._tell_one(connection, request, text)

    def _tell_one(self, connection: Connection, request: Request, text: str) -> None:
        if text and not request.view.quiet:
            connection.say(text)


def _has_entries(folder: str) -> bool:
    try:
        return bool(folder) and bool(os.listdir(folder))
    except OSError:
        return False
