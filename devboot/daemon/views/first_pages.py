"""Requests the first page, `/`, of each web process at the end of a start, and keeps the answers for the report."""

from __future__ import annotations

import os

from devboot.model import process as model
from devboot.record import Record
from devboot.supervisor.core.planning import base_of
from devboot.supervisor.explain import process_errors
from devboot.supervisor.system import proctable
from devboot.text import summary
from devboot.text.columns import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.errors import WorkError
    from devboot.supervisor.core.process import Process
    from devboot.supervisor.core.supervisor import Supervisor
    from devboot.supervisor.event_loop import AbstractLoop

_PATIENCE = 2.0  # seconds for an answer, or between checks whether the server is busy
_PATIENCE_AT_WORK = 30.0  # seconds for a busy server: development servers compile requested pages
_SHARE = 0.2  # CPU share of a busy server; polling needs less
_LATE = "no answer in time"
_LATE_WORDS = 0.2  # seconds to wait for an error's traceback, or for the exit of a process that hung up
_UP = (model.RUNNING, model.READY)
_LONGEST = 60  # most characters shown of an answer
_LONGEST_HEAD = 64 * 1024  # most bytes of an answer's head
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_SAID = {401: "it wants a login", 403: "it wants a login", 404: "as an API may"}

_HOST = "localhost"
_WEB = "web"
_NOBODY = "nothing listens there"
_HUNG_UP = "closes the connection without an answer"
_SAID_INSTEAD = {"connection refused": _NOBODY}


class Page(Record):
    """Answer of a web process to the request for `/`.

    `text` is shown after the address; `status` is 0 without an answer.

    `is_html`: it is a page for people, not for programs.
    """

    pid: int
    status: int = 0
    text: str = ""
    error: WorkError | None = None
    is_html: bool = False


class FirstPages:
    """Requests the page `/` of every web process for each report, all at the same time, and keeps the answers."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._pages: dict[str, Page] = {}
        self._fresh: set[str] = set()  # requested for the present report
        self._open: dict[str, PageRequest | None] = {}
        self._done: Callable[[], None] | None = None

    def ask(self, done: Callable[[], None]) -> None:
        """Request `/` of each web process; call `done()` when all have answered.

        A page that answered well before is requested again, since an edit may have broken it.
        """
        self._done = done
        if not self._open:
            self._fresh = set()
        for process in map(self._supervisor.process, self._supervisor.names):
            if process.name not in self._open and self._is_due(process):
                self._open[process.name] = None  # the callback may come before the assignment below
                self._fresh.add(process.name)
                self._ask(process)
        self._look()

    def cancel(self) -> None:
        """Cancel all requests; no callback follows."""
        self._done = None
        for question in self._open.values():
            if question is not None:
                question.cancel()
        self._open = {}

    @property
    def asked(self) -> tuple[str, ...]:
        """Names of the processes whose answer is still awaited."""
        return tuple(self._open)

    def text(self, name: str) -> str:
        """Return the answer of `name` as text such as `302 → /login`; "" if it wasn't requested for this report."""
        return self._pages[name].text if name in self._fresh and name in self._pages else ""

    def is_html(self, name: str) -> bool:
        """Return whether the first page of `name` is HTML."""
        return name in self._pages and self._pages[name].is_html

    def errors(self) -> list[WorkError]:
        """Return an error for each first page that failed; none for processes with a `ready` probe in the manifest."""
        return [
            page.error
            for name, page in self._pages.items()
            if page.error is not None and name in self._fresh and name in self._supervisor.names
        ]

    def _is_due(self, process: Process) -> bool:
        """Return whether to request the page; not again of a server that gave no answer in this run."""
        if process.spec.kind != model.PROCESS or process.state.phase not in _UP or not process.address:
            return False
        known = self._pages.get(process.name)
        return known is None or known.pid != _pid(process) or known.status > 0 or known.error is not None

    def _ask(self, process: Process, host: str = "", *, secure: bool = False) -> None:
        """Request the first page of a process, with the shown address or `host` as Host header; `secure`: by HTTPS."""
        name, pid = process.name, _pid(process)
        host = host or process.address.rpartition(":")[0]
        kind = "https" if secure or process.scheme == "https" else "http"
        port = int(process.address.rpartition(":")[2])
        if not _listens_itself(process, port):
            self._take(name, Page(pid, 0, _NOBODY))
            return
        probe = model.Probe(kind, host="localhost", port=port, timeout=_PATIENCE_AT_WORK, host_header=host)

        def answered(good: bool, text: str) -> None:
            if name not in self._open:
                return
            page = Page(pid, *_parse(text), is_html=_is_html(text))
            if page.status == _CLIENT_ERROR and host != _HOST and _pid(process) == pid:
                self._ask(process, _HOST, secure=secure)  # the server may accept only that name as Host
                return
            if host == _HOST != process.address.rpartition(":")[0] and 0 < page.status < _CLIENT_ERROR:
                page = page._replace(text=f"400, but {page.text} at {kind}://{_HOST}:{port}")
            if text == _HUNG_UP and kind == "http" and _pid(process) == pid:
                self._ask(process, host, secure=True)
                return
            if secure:
                page = page._replace(text=f"{page.text}, over https") if page.status else Page(pid, 0, _HUNG_UP)
            self._take(name, page if good or secure else Page(pid, 0, _SAID_INSTEAD.get(text, text)))

        self._open[name] = PageRequest(self._supervisor.loop, probe, answered, lambda: _worked(process))

    def _take(self, name: str, page: Page) -> None:
        if name not in self._supervisor.names:  # it was removed from the plan meanwhile
            self._close(name)
            return
        self._pages[name] = page
        if page.status:
            self._supervisor.process(name).serves_pages = True
        if 0 < page.status < _SERVER_ERROR:
            self._close(name)
        else:
            self._open[name] = None
            self._supervisor.loop.call_later(_LATE_WORDS, lambda: self._explain(name, page))

    def _explain(self, name: str, page: Page) -> None:
        if name not in self._open:
            return
        known = self._supervisor.process(name) if name in self._supervisor.names else None
        if known is not None and _pid(known) != page.pid and self._is_due(known):  # it has restarted meanwhile
            self._ask(known)
            return
        if known is not None and (page.status or _hangs_up(known, page)):
            ready = known.spec.ready
            if ready is None or ready.kind in model.OF_ITSELF:
                tail = known.tail.lines(process_errors.TAIL_LINES)
                says = f"answers {page.text}" if page.status else page.text
                error = process_errors.error_page(known.spec, summary.url(known.scheme, known.address), says, tail)
                self._pages[name] = page._replace(error=error)
        self._close(name)

    def _close(self, name: str) -> None:
        self._open.pop(name, None)
        self._look()

    def _look(self) -> None:
        if not self._open and self._done is not None:
            done, self._done = self._done, None
            done()


class PageRequest:
    """One request for a page, abandoned when the server hasn't used the CPU for `_PATIENCE` seconds.

    It isn't repeated: a threaded server would work on both requests.
    """

    def __init__(
        self,
        loop: AbstractLoop,
        probe: model.Probe,
        answered: Callable[[bool, str], None],
        worked: Callable[[], float],
    ) -> None:
        """Send the request. `worked` returns the CPU seconds that the server has used so far."""
        from devboot.supervisor.probes.tcp_http import Conversation

        self._loop = loop
        self._answered = answered
        self._worked_by = worked
        self._worked = worked()
        self._timer = loop.call_later(_PATIENCE, self._look)
        self._conversation = Conversation(loop, probe, self._finish, read=_read_head)

    def cancel(self) -> None:
        """Close the connection; no callback follows."""
        self._timer.cancel()
        self._conversation.cancel()

    def _look(self) -> None:
        before, self._worked = self._worked, self._worked_by()
        if self._worked - before > busy_share(_load(), os.cpu_count() or 1) * _PATIENCE:
            self._timer = self._loop.call_later(_PATIENCE, self._look)
        else:
            self.cancel()
            self._answered(False, _LATE)

    def _finish(self, good: bool, text: str) -> None:
        self._timer.cancel()
        self._answered(good, text)


def busy_share(load: float, cpus: int) -> float:
    """Return the CPU share above which a server counts as busy; smaller on a machine with a high load.

    `load` is the load average.
    """
    return _SHARE / max(1.0, load / cpus)


def _load() -> float:
    """Return the load average of the last minute; 0 if unknown, as without /proc."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return 0.0


def _listens_itself(process: Process, port: int) -> bool:
    """Return whether the process itself listens on a port, or its readiness probe accepts any listener there."""
    from devboot.supervisor.probes import listen

    ready = process.spec.ready
    if ready is not None and ready.kind in ("http", "https", "tcp") and ready.port == port:
        return True
    return process.run is not None and listen.look(port, process.host.watcher, process.run.pid, process.mark)[0]


def _hangs_up(process: Process, page: Page) -> bool:
    """Return whether the process `web` closes connections without an answer, with HTTP and HTTPS alike."""
    is_same = _pid(process) == page.pid and process.state.phase in _UP
    return is_same and page.text == _HUNG_UP and base_of(process.name) == _WEB


def _worked(process: Process) -> float:
    """Return the CPU seconds that a process has used so far; 0 if unknown."""
    if process.run is None:
        return 0.0
    return proctable.used(process.host.watcher.census().members(process.run.pid))


def _pid(process: Process) -> int:
    return process.run.pid if process.run is not None else 0


def _read_head(received: bytes, *, ended: bool) -> tuple[bool, str] | None:
    """Return (True, head) when the head of an HTTP answer is complete; None while more bytes are needed."""
    head, complete, _ = received.partition(b"\r\n\r\n")
    if not complete and not ended and len(received) < _LONGEST_HEAD:
        return None
    if not head.startswith(b"HTTP/"):
        return False, "no HTTP answer" if received else _HUNG_UP
    return True, head.decode("latin-1")


def _parse(head: str) -> tuple[int, str]:
    """Parse the head of an HTTP answer into its status, and a text such as `302 → /login` or `404, as an API may`."""
    first, _, rest = head.partition("\r\n")
    words = first.split(None, 2)
    if len(words) < 2 or not words[1].isdecimal() or len(words[1]) != 3:
        return 0, "no HTTP answer"
    status = int(words[1])
    if status < _CLIENT_ERROR:
        where = next((line[9:].strip() for line in rest.split("\r\n") if line[:9].lower() == "location:"), "")
        return status, f"{status} → {_cut(where)}" if where else str(status)
    if status in _SAID:
        return status, f"{status}, {_SAID[status]}"
    return status, _cut(" ".join([str(status), *words[2:]]))


def _is_html(head: str) -> bool:
    """Return whether the head of an HTTP answer is of a successful HTML page."""
    lines = head.lower().split("\r\n")
    is_good = lines[0].partition(" ")[2].startswith("2")
    return is_good and any(line.startswith("content-type:") and "text/html" in line for line in lines)


def _cut(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
