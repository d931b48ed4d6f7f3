"""The first spawns of a daemon's life: they come before everything that only serves clients is imported.

That takes longer than to spawn, and the processes start meanwhile. What the supervisor tells until the server is there
is kept for it.
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

_LONGEST = 0.05  # seconds in which nobody is listened to yet: many processes are spawned in turns of the loop as well


class EarlyEvents:
    """The supervisor's first listener; `hand_over` tells the next one all that was told, in order."""

    def __init__(self, book: ChildrenBook) -> None:
        self._book = book
        self._events: list[Callable[[Listener], None]] = []

    def on_output(self, name: str, data: bytes) -> None:
        """A block of output."""
        self._events.append(lambda listener: listener.on_output(name, data))

    def on_change(self, status: ProcessStatus) -> None:
        """A process has another phase, pid or note; its pid is written down at once."""
        if status.pid is not None:
            self._book.add(status.pid, status.name)
        self._events.append(lambda listener: listener.on_change(status))

    def on_note(self, text: str, *, error: DevbootError | None = None) -> None:
        """Something that everybody who watches should know."""
        self._events.append(lambda listener: listener.on_note(text, error=error))

    def on_settled(self) -> None:
        """Everything is up, or has failed."""
        self._events.append(lambda listener: listener.on_settled())

    def on_finished(self) -> None:
        """Nothing is alive, and nothing will start again."""
        self._events.append(lambda listener: listener.on_finished())

    def hand_over(self, supervisor: Supervisor, listener: Listener) -> None:
        """From now on the supervisor tells `listener`."""
        supervisor.report_to(listener)
        for report in self._events:
            report(listener)


def spawn(supervisor: Supervisor, request: Request) -> None:
    """Start what the first request wants. Raises UsageError `usage/unknown-name`."""
    names = known_names(supervisor.plan, request)
    fit_terminals(supervisor, request.view)
    supervisor.up(names, dependencies=request.dependencies)
    limit = supervisor.loop.now() + _LONGEST
    while supervisor.is_acting and supervisor.loop.now() < limit:
        supervisor.act()


def known_names(plan: Plan, request: Request) -> tuple[str, ...]:
    """The names of processes that a request means. Raises UsageError `usage/unknown-name`."""
    if not request.names:
        return ()
    from devboot.supervisor.core.names import expand

    return expand(request.names, [spec.name for spec in plan.processes])


def fit_terminals(supervisor: Supervisor, view: View) -> None:
    """Give the processes' terminals the size of the client's, less the prefix before each line."""
    if view.columns > 0 and view.rows > 0:
        from devboot.text.loglines import prefix_width

        columns = view.columns - prefix_width(spec.name for spec in supervisor.plan.processes)
        supervisor.resize(view.rows, max(20, columns))
