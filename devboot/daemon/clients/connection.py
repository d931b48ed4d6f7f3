"""The daemon's end of a client's connection: never blocks, buffers a bounded amount, counts omitted lines."""

from __future__ import annotations

from devboot.errors import WorkError
from devboot.supervisor.event_loop import READ, WRITE, Scope
from devboot.text.paint import terminal_text
from devboot.text.problems import error_as_json, in_folder, render_problem
from devboot.wire import frames, sockets
from devboot.wire.frames import frame
from devboot.wire.jsontext import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections import deque
    from collections.abc import Callable
    from typing import ParamSpec

    from devboot.daemon.clients.request import View
    from devboot.errors import DevbootError, Evidence
    from devboot.supervisor.event_loop import AbstractLoop
    from devboot.wire.jsontext import Plain

    P = ParamSpec("P")
else:
    from _collections import deque  # the package costs a millisecond

# Limits of buffered output. Above BEHIND, flooding processes are held, so that a slower reader loses nothing, until the
# buffer is down to ENOUGH. A client that reads nothing for STALLED seconds isn't waited for: its buffer is cut to KEPT,
# since many clients may stop reading, and further lines are counted and omitted until it reads again. FULL is reached
# only by output that can't be held, such as the last output of many processes.
BEHIND = 256 * 1024  # small enough that buffered data is still in the CPU caches when it is sent
ENOUGH = BEHIND // 2  # well below BEHIND, since holding and resuming processes costs more than a block
FULL = 64 * BEHIND
KEPT = 256 * 1024
STALLED = 0.5
# Answers are never omitted; a client with this many unread bytes is disconnected.
HOPELESS = 64 * 1024 * 1024
_REQUEST_LIMIT = 16 * 1024 * 1024


class Connection:
    """Connection to one client. Calls `on_frame(kind, payload)` for each frame and `on_closed()` at the end."""

    def __init__(
        self,
        loop: AbstractLoop,
        sock: _socket.socket,
        on_frame: Callable[[Connection, bytes, bytes], None],
        on_closed: Callable[[Connection], None],
    ) -> None:
        self._loop = scope = Scope(loop, self.fail)
        self._sock = sock
        self._fd = sock.fileno()
        self._on_frame = on_frame
        self._on_closed = on_closed
        self._reader = frames.FrameReader(_REQUEST_LIMIT)
        self._waiting: deque[bytes | memoryview] = deque()
        self.size = 0
        self._is_full = self._was_behind = False
        self._progress = loop.now()
        self._ends = False
        self._watched = READ
        self.is_open, self.has_failed = True, False
        self.left_out = 0  # lines omitted since the buffer was full
        self.on_room: Callable[[], None] | None = None  # called when the client has caught up
        sock.setblocking(False)
        scope.watch(self._fd, READ, self._ready)

    @property
    def is_catching_up(self) -> bool:
        """True if the client is behind with reading but makes progress, so that it is worth waiting for."""
        return self.is_open and self.size > BEHIND and self._loop.now() - self._progress < STALLED

    def send(self, kind: bytes, payload: bytes) -> None:
        """Send one frame to the client, buffered while the client doesn't read."""
        if not self.is_open or self._ends:
            return
        self._waiting.append(frame(kind, payload))
        self.size += len(payload) + frames.HEADER
        if len(self._waiting) == 1:
            self._flush()
        if self.size > HOPELESS:
            self.close()

    def say(self, text: str, kind: bytes = frames.ERR) -> None:
        """Send a message of devboot to the client's standard error (or as another kind of frame); "" sends nothing."""
        if text:
            self.send(kind, terminal_text(text).encode("utf-8", "replace"))

    def complain(self, error: DevbootError, view: View, kind: bytes = frames.ERR) -> None:
        """Send an error to the client: as text for standard error, or as JSON if `view` asks for JSON.

        A client that adds advice itself gets the unrendered error of a process.
        """
        if view.advises and isinstance(error, WorkError) and error.evidence is not None:
            self.send(frames.FAILURE, to_json(_facts(error, error.evidence, view, kind)).encode())
            return
        if isinstance(error, WorkError):
            error = in_folder(error, view.folder)
        if kind == frames.ERR:
            self.say(view.error_text(error))
        else:
            self.send(kind, f"{to_json(error_as_json(error))}\n".encode())

    def offer(self, payload: bytes) -> bool:
        """Send output of processes if the buffer has room; else count its lines as omitted and return False."""
        if self._is_full:
            self.left_out += payload.count(b"\n")
            return False
        if not self._waiting:
            self._progress = self._loop.now()  # until now there was nothing to read
        self.send(frames.OUT, payload)
        self._was_behind = self._was_behind or self.size > BEHIND
        self._is_full = self.size > FULL
        if self.size > KEPT and self._loop.now() - self._progress >= STALLED:
            self._is_full = True
            self._shed()
        return True

    def _shed(self) -> None:
        """Drop buffered output beyond the oldest KEPT bytes, count its lines as omitted, and keep all other frames."""
        kept: deque[bytes | memoryview] = deque()
        size = 0
        for item in self._waiting:
            # A partly sent frame is the first one, and a memoryview.
            if size < KEPT or isinstance(item, memoryview) or item[:1] != frames.OUT:
                kept.append(item)
                size += len(item)
            else:
                self.left_out += item.count(b"\n", frames.HEADER)
        self._waiting, self.size = kept, size

    def take_left_out(self, *, at_end: bool = False) -> int:
        """Return the number of omitted lines and reset it, once there is room again or `at_end`; 0 before."""
        if (self._is_full and not at_end) or not self.left_out:
            return 0
        count, self.left_out = self.left_out, 0
        return count

    def finish(self, code: int) -> None:
        """Send the exit code to the client, and close the connection when the client has read it."""
        self.send(frames.EXIT, str(code).encode())
        self._ends = True
        if self.is_open and not self._waiting:
            self.close()

    def call(self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> bool:
        """Call a function on behalf of this client; return False if it raised, which ends only this connection."""
        return self._loop.call(function, *args, **kwargs)

    def fail(self, error: DevbootError) -> None:
        """Report an internal error of devboot to the client, and close the connection."""
        self.has_failed = True
        try:
            self.say(render_problem(error))
            self.finish(error.exit_code)
        except Exception:  # noqa: BLE001  sending may be the very thing that fails
            self.close()

    def feed(self, data: bytes) -> None:
        """Handle bytes of the client that were received before this object existed."""
        try:
            for kind, payload in self._reader.feed(data):
                if not self.is_open:
                    return
                self._on_frame(self, kind, payload)
        except frames.FrameError:
            self.close()

    def close(self) -> None:
        """Close the connection at once; does nothing if it is closed."""
        if not self.is_open:
            return
        self.is_open = False
        self._loop.unwatch(self._fd)
        self._sock.close()
        self._waiting.clear()
        self.size = 0
        self._on_closed(self)
        self.on_room = None  # break the reference cycle, so that both are freed now

    def _ready(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if events & READ and self.is_open:
            self._receive()

    def _receive(self) -> None:
        try:
            data = self._sock.recv(sockets.CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.feed(data)
        else:
            self.close()

    def _flush(self) -> None:
        try:
            while self._waiting:
                sent = self._sock.send(self._waiting[0])
                self.size -= sent
                self._progress = self._loop.now()
                if sent < len(self._waiting[0]):
                    self._waiting[0] = memoryview(self._waiting[0])[sent:]
                    break
                self._waiting.popleft()
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if self._ends and not self._waiting:
            self.close()
            return
        wanted = READ | WRITE if self._waiting else READ
        if wanted != self._watched:
            self._watched = wanted
            self._loop.watch(self._fd, wanted, self._ready)
        if self.size < ENOUGH and (self._is_full or self._was_behind):
            self._is_full = self._was_behind = False
            if self.on_room is not None:
                self.on_room()


def _facts(error: WorkError, evidence: Evidence, view: View, kind: bytes) -> dict[str, Plain]:
    return {
        "slug": error.slug,
        "what": error.what,
        "details": error.details,
        "causes": error.causes,
        "help": error.help,
        "kept": error.kept,
        "evidence": evidence._asdict(),
        "json": kind == frames.OUT,
        "colour": view.colour_err,
        "columns": view.columns if view.terminal else 0,
        "folder": view.folder,
    }
