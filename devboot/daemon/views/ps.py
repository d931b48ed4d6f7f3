"""`ps`: how things stand, once, or again after each change until the client leaves or all is down."""

from __future__ import annotations

import os

from devboot.daemon.views import ps_verbose
from devboot.text import processes
from devboot.text.paint import terminal_text
from devboot.wire import frames
from devboot.wire.jsontext import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.daemon.clients.connection import Connection
    from devboot.daemon.clients.request import Request, View
    from devboot.daemon.server.server import Server
    from devboot.model.process import ProcessStatus

_GATHERED = 0.1  # seconds in which changes are gathered
_REFRESHED = 2.0  # seconds after which a person is shown new times and memory


def ps(server: Server, connection: Connection, request: Request) -> None:
    """The table, or the same facts as JSON; with `watch` again after each change."""
    if request.watch:
        Stream(server, connection, request.view, lambda: "".join(_ps_texts(server, request)))
        return
    title, table, hints = _ps_texts(server, request)
    connection.say(title)
    connection.say(table, frames.OUT)
    connection.say(hints)
    connection.finish(0)


def _ps_texts(server: Server, request: Request) -> tuple[str, str, str]:
    """Title, table and hints; JSON is all table."""
    statuses = server.statuses(memory_too=True)
    if request.view.json:
        return "", to_json(document(server, statuses, more=request.view.verbose)) + "\n", ""  # type: ignore[arg-type]
    now = server.wall_clock()
    title = processes.title(server.plan.project, os.getpid(), now - server.since)
    table = processes.process_table(statuses, now, request.view.table_style())
    hints = processes.hints(statuses)
    below = "".join(["\n", *(f"{hint}\n" for hint in hints)]) if hints else ""
    more = ps_verbose.text(server) if request.view.verbose else ""
    return f"{title}\n\n", "\n".join(table) + "\n" + more, below


def document(server: Server, statuses: tuple[ProcessStatus, ...], *, more: bool = False) -> dict[str, object]:
    """What `ps` says, for programs; `more` of each process for `ps -v`."""
    return {
        "schema": 1,
        "devboot": server.version,
        "project": server.plan.project,
        "root": server.plan.root,
        "pid": os.getpid(),
        "since": processes.iso_time(server.since),
        "processes": [
            processes.process_facts(status) | (ps_verbose.facts(server, status.name) if more else {})
            for status in statuses
        ],
    }


class Stream:
    """Sends `render()` (whole lines) at once and after each change; to a live terminal in place of the last time's."""

    def __init__(self, server: Server, connection: Connection, view: View, render: Callable[[], str]) -> None:
        self._server = server
        self.connection = connection
        self._view = view
        self._render = render
        self._rows = 0
        self._is_due = False
        server.streams.append(self)
        self._send()
        if view.live:
            self._refresh()

    def changed(self) -> None:
        """Send it anew soon."""
        if self._server.departure is not None:
            self._send()  # there may be no later
        elif not self._is_due:
            self._is_due = True
            self._server.loop.call_later(_GATHERED, self._send)

    def _refresh(self) -> None:
        if self.connection.is_open:
            self._server.loop.call_later(_REFRESHED, self._refresh)
            self._send()

    def _send(self) -> None:
        self._is_due = False
        text, control = self._render(), b""
        if self._view.live:
            lines = text.splitlines()[: max(1, self._view.rows - 1)]
            control = b"\x1b[%dA\x1b[J" % self._rows if self._rows else b"\x1b[J"
            self._rows = len(lines)
            text = "".join(f"{line}\n" for line in lines)
        self.connection.send(frames.OUT, control + terminal_text(text).encode("utf-8", "replace"))
