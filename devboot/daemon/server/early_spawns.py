"""Spawns the first processes before the daemon imports the modules that serve clients.

The imports take longer than the spawns, and the processes start meanwhile. Events of the supervisor are kept until the
server exists.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.daemon.clients.request import Request, View
    from devboot.daemon.leases import ChildrenBook
    from devboot.errors import DevbootError
    from devboot.model.process import Plan, ProcessStatus
    from devboot.supervisor.core.listener import Listener
    from devboot.supervisor.core.supervisor import Supervisor

_LONGEST = 0.15  # seconds of spawning before clients are served: a hundred processes; others follow in the loop


class EarlyEvents:
    """The supervisor's first listener: keeps all events until `hand_over` passes them to the next one."""

    def __init__(self, book: ChildrenBook) -> None:
        self._book = book
        self._events: list[Callable[[Listener], None]] = []

    def on_output(self, name: str, data: bytes) -> None:
        """Store a block of output until the server exists."""
        self._events.append(lambda listener: listener.on_output(name, data))

    def on_change(self, status: ProcessStatus) -> None:
        """Store a changed status until the server exists; record a new pid at once."""
        if status.pid is not None:
            self._book.add(status.pid, status.name)
        self._events.append(lambda listener: listener.on_change(status))

    def on_note(self, text: str, *, error: DevbootError | None = None) -> None:
        """Store a message for viewers until the server exists."""
        self._events.append(lambda listener: listener.on_note(text, error=error))

    def on_settled(self) -> None:
        """Store, until the server exists, the event that no process is starting any more."""
        self._events.append(lambda listener: listener.on_settled())

    def on_finished(self) -> None:
        """Store, until the server exists, the event that no process runs or will start again."""
        self._events.append(lambda listener: listener.on_finished())

    def hand_over(self, supervisor: Supervisor, listener: Listener) -> None:
        """Make `listener` the supervisor's listener and pass it all stored events, in order."""
        supervisor.report_to(listener)
        events, self._events = self._events, []
        for report in events:
            report(listener)


def spawn(supervisor: Supervisor, request: Request) -> None:
    """Start the processes of the first request. Raises UsageError `usage/unknown-name`."""
    names = known_names(supervisor.plan, request)
    fit_terminals(supervisor, request.view)
    supervisor.up(names, dependencies=request.dependencies)
    limit = supervisor.loop.now() + _LONGEST
    while supervisor.is_acting and supervisor.loop.now() < limit:
        supervisor.act()


def known_names(plan: Plan, request: Request) -> tuple[str, ...]:
    """Return the process names that a request selects, wildcards expanded; empty if the request has no names.

    Raises UsageError `usage/unknown-name`.
    """
    if not request.names:
        return ()
    from devboot.supervisor.core.name_patterns import expand

    return expand(request.names, [spec.name for spec in plan.processes])


def fit_terminals(supervisor: Supervisor, view: View) -> None:
    """Set the size of the processes' terminals to that of the client's, minus the width of the line prefix."""
    if view.columns > 0 and view.rows > 0:
        from devboot.text.loglines import prefix_width

        columns = view.columns - prefix_width(spec.name for spec in supervisor.plan.processes)
        supervisor.resize(view.rows, max(20, columns))
