"""Answers `ps`: sends the table once, or after each change until the client leaves or everything is down."""

from __future__ import annotations

import os

from devboot.daemon.views import ps_verbose
from devboot.text import process_table
from devboot.text.paint import terminal_text
from devboot.wire import frames
from devboot.wire.jsontext import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.daemon.clients.connection import Connection
    from devboot.daemon.clients.request import Request, View
    from devboot.daemon.running_project import RunningProject
    from devboot.model.process import ProcessStatus

_GATHERED = 0.1  # seconds for which changes are collected
_REFRESHED = 2.0  # seconds between updates of times and memory on a live terminal


class Ps:
    """Answers `ps`; `statuses()` returns the rows of the table."""

    def __init__(self, project: RunningProject, statuses: Callable[[], tuple[ProcessStatus, ...]]) -> None:
        self._project = project
        self._statuses = statuses
        self._streams: list[_Stream] = []  # of `ps --watch`

    def answer(self, connection: Connection, request: Request) -> None:
        """Send the table of processes as text or JSON; with `watch`, again after each change."""
        if request.watch:
            stream = _Stream(self._project, connection, request.view, lambda: "".join(self._texts(request)))
            self._streams.append(stream)
            stream.begin()
            return
        title, table, hints = self._texts(request)
        connection.say(title)
        connection.say(table, frames.OUT)
        connection.say(hints)
        connection.finish(0)

    def changed(self) -> None:
        """Send the table again to clients with `--watch`."""
        for stream in tuple(self._streams):
            stream.connection.call(stream.changed)

    def forget(self, connection: Connection) -> None:
        """Stop sending to a disconnected client."""
        self._streams = [stream for stream in self._streams if stream.connection is not connection]

    @property
    def is_watched(self) -> bool:
        """True if a client uses `--watch`."""
        return bool(self._streams)

    def document(self, *, more: bool = False) -> dict[str, object]:
        """Return the content of `ps --json`; `more` adds the details of `ps -v`."""
        project = self._project
        return {
            "schema": 1,
            "devboot": project.version,
            "project": project.plan.project,
            "root": project.plan.root,
            "pid": os.getpid(),
            "since": process_table.iso_time(project.since),
            "processes": [
                process_table.process_facts(status) | (ps_verbose.facts(project, status.name) if more else {})
                for status in self._statuses()
            ],
        }

    def _texts(self, request: Request) -> tuple[str, str, str]:
        """Return title, table and hints of `ps` as text; with `--json`, the JSON in place of the table."""
        if request.view.json:
            return "", to_json(self.document(more=request.view.verbose)) + "\n", ""  # type: ignore[arg-type]
        project, statuses = self._project, self._statuses()
        title = process_table.title(project.plan.project, os.getpid(), project.age)
        table = process_table.process_table(statuses, project.wall_clock(), request.view.table_style())
        hints = process_table.hints(statuses)
        below = "".join(["\n", *(f"{hint}\n" for hint in hints)]) if hints else ""
        more = ps_verbose.text(project) if request.view.verbose else ""
        return f"{title}\n\n", "\n".join(table) + "\n" + more, below


class _Stream:
    """Sends the text that `render()` returns at once and after each change.

    On a live terminal it replaces the last one.
    """

    def __init__(self, project: RunningProject, connection: Connection, view: View, render: Callable[[], str]) -> None:
        self._project = project
        self.connection = connection
        self._view = view
        self._render = render
        self._rows = 0
        self._is_due = False

    def begin(self) -> None:
        """Send the table for the first time."""
        self._send()
        if self._view.live:
            self._refresh()

    def changed(self) -> None:
        """Send the table again soon, because a process has changed."""
        if self._project.is_stopping:
            self._send()  # the daemon may end before a later turn
        elif not self._is_due:
            self._is_due = True
            self._project.loop.call_later(_GATHERED, self._send)

    def _refresh(self) -> None:
        if self.connection.is_open:
            self._project.loop.call_later(_REFRESHED, self._refresh)
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
