"""Shows a waiting client the progress of a start: which processes are up, and what the others wait for."""

from __future__ import annotations

from devboot.model import process as model
from devboot.supervisor.core import process_status
from devboot.text import summary
from devboot.text.columns import cells, printable
from devboot.wire import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from devboot.daemon.clients.connection import Connection
    from devboot.daemon.clients.request import Request
    from devboot.daemon.running_project import RunningProject
    from devboot.supervisor.core.process import Process

_FIRST, _LOOK = 0.03, 0.1  # seconds before the first look, and between looks
_LONG, _SELDOM = 10.0, 1.0  # seconds after which looks become rarer, and seconds between them then
_BRIEF = 1.5  # seconds; a shorter warm start in the background reports only its end
_SILENT = 1.0  # seconds after which plain output reports the wait
_LEAD = len("  x processes  ")  # before the text of the live line
_SAY_AGAIN = 10.0  # seconds after which plain output reports an unchanged wait again


class Progress:
    """Progress for one waiting client: a redrawn line on a live terminal, a line per event in plain output."""

    def __init__(
        self,
        project: RunningProject,
        connection: Connection,
        request: Request,
        up: Iterable[str],
        pages: Callable[[], Sequence[str]],
    ) -> None:
        """Processes in `up` ran before and aren't reported; `pages()` returns names whose first page is pending."""
        self._project = project
        self._connection = connection
        self._view = request.view
        self._began = request.began or project.wall_clock()
        self._is_brief = bool(request.detach and request.installed)
        self._start = project.loop.now()
        self._word = ""
        self._up = set(up)
        self._pages = pages
        self._said_at = self._start
        self._waited_for: list[str] = []  # names in the last report of plain output
        self.is_over = request.view.quiet or request.view.json
        if not self.is_over:
            project.loop.call_later(_FIRST, self._look)

    def end(self) -> None:
        """Stop showing progress and clear the progress line; the result of the start follows."""
        if not self.is_over and self._word:
            self._connection.send(frames.WORD, b"progress ")
        self.is_over = True

    def _look(self) -> None:
        if self._project.is_stopping:
            self.end()
        if self.is_over or not self._connection.is_open:
            return
        waited = self._project.loop.now() - self._start
        self._project.loop.call_later(_LOOK if waited < _LONG else _SELDOM, self._look)
        pending = [name for name in self._project.supervisor.names if process_status.is_pending(self._process(name))]
        if self._view.live:
            self._redraw(pending)
        elif not self._is_brief or waited > _BRIEF:
            self._tell(pending)

    def _redraw(self, pending: list[str]) -> None:
        word = self._waits(pending)
        if word != self._word:
            self._word = word
            self._connection.send(frames.WORD, f"progress {word}".encode("utf-8", "replace"))

    def _tell(self, pending: list[str]) -> None:
        now = self._project.loop.now()
        for name in self._project.supervisor.names:
            process = self._process(name)
            if name in self._up or name in pending or process.run is None:
                continue
            self._up.add(name)
            self._said_at = now
            kind = "ready" if process.state.phase == model.READY else "running"
            self._say(name, kind, process.address)
        pending = pending or list(self._pages())
        is_new = pending != self._waited_for and now - self._said_at >= _SILENT
        if pending and (is_new or now - self._said_at >= _SAY_AGAIN):
            self._said_at, self._waited_for = now, pending
            self._say("processes", "waits", self._waits([name for name in pending if name not in self._pages()]))

    def _say(self, name: str, kind: str, text: str) -> None:
        line = summary.event_line(self._project.wall_clock() - self._began, printable(name), kind, text)
        self._connection.say(f"{line}\n")

    def _waits(self, pending: list[str]) -> str:
        ready = [name for name in self._project.supervisor.names if self._process(name).state.phase == model.READY]
        texts = [printable(name) + _why(self._process(name)) for name in pending]
        if not texts:
            return self._waits_for_pages()
        lead = f"{', '.join(map(printable, ready))} ready" if ready else ""
        return progress_line(lead, ", ".join(texts), self._view.columns if self._view.live else 0)

    def _waits_for_pages(self) -> str:
        texts = [f"{printable(name)} (waits for its first page)" for name in self._pages()]
        return ", ".join(texts)

    def _process(self, name: str) -> Process:
        return self._project.supervisor.process(name)


def progress_line(ready: str, reasons: str, columns: int) -> str:
    """Return the progress line: `ready` and `reasons` of the wait, or only `reasons` if both are wider than `columns`.

    `columns` is 0 for plain output, where any width fits.
    """
    both = "; ".join(filter(None, (ready, reasons)))
    return reasons if 0 < columns < _LEAD + cells(both) else both


def _why(process: Process) -> str:
    """Return why a process isn't up yet, as ` (waits for port 5000)`; "" for no reason."""
    phase, probe = process.state.phase, process.spec.ready
    if phase == model.WAITING and process.blocked is not None:
        return f" (waits {process.blocked.reason})"
    if phase == model.BACKOFF:
        return f" ({process_status.note(process)})"
    if phase != model.STARTING or probe is None:
        return ""
    return f" (waits for {_wanted(probe)})"


def _wanted(probe: model.Probe) -> str:
    """Return in words what a readiness probe waits for, such as `port 5000`."""
    kinds = {
        model.LISTEN: f"port {probe.port}" if probe.port else "a port",
        model.ACCEPT: f"a worker on port {probe.port}",
        model.TCP: f"port {probe.port}",
        model.HTTP: f"http://{probe.host}:{probe.port}{probe.path}",
        model.HTTPS: f"https://{probe.host}:{probe.port}{probe.path}",
        model.EXEC: "its `ready` command",
        model.LOG: "its log line",
        model.LINE: "its log line",
        model.NOTIFY: "its READY=1",
    }
    return kinds.get(probe.kind, "its probe")
