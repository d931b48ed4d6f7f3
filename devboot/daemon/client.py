"""Client of a daemon: finds the daemon, sends a request, and copies the answer to the terminal."""

from __future__ import annotations

import os
import time

from devboot import __version__
from devboot.daemon import leases
from devboot.daemon.leases import DaemonLease
from devboot.record import Record
from devboot.wire import frames, greeting, sockets
from devboot.wire.frames import frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable, Mapping

    from devboot.wire.jsontext import Plain

    Received = tuple[tuple[tuple[bytes, bytes], ...], bytes]
    """Frames, and bytes of the next one."""
    PassThrough = Callable[[int, int], int]
    """Moves up to so many bytes from a non-blocking socket to standard output; returns the number moved."""

FLOOD = 64 * 1024  # bytes received at once that count as a flood of output
PATIENCE = 2.0  # seconds; a daemon answers within milliseconds unless it is stopped or stuck
_REVIVAL = 1.0
_SIGUSR1 = 10 if os.uname().sysname != "Darwin" else 30


class NoAnswerError(Exception):
    """The daemon doesn't answer, or has closed the connection early."""


class ClosedError(NoAnswerError):
    """The connection ended before the greeting: the daemon is ending, or has replaced its socket."""


class Client:
    """One connection to a daemon: sends a request, receives frames, at the end the exit code.

    `received` has frames and bytes that another client of the same socket has received but not processed.
    """

    def __init__(self, sock: _socket.socket, received: Received | None = None) -> None:
        sockets.keep_blocks()
        self.sock = sock
        self._reader = frames.FrameReader()
        self._arrived: list[tuple[bytes, bytes]] = []
        self._floods = False
        self.pass_through: PassThrough | None = None  # moves floods of output without copying them here
        self.daemon: greeting.Greeting | None = None
        self.applies_by_key = False  # a person is at the keys of `up`, of which `u` applies a fix
        self.is_port_taken = False  # the daemon has sent frames.PORT_TAKEN
        if received is not None:
            self._arrived = list(received[0])
            self._take_in(received[1])

    def received(self) -> Received:
        """Return the received but unprocessed frames and bytes, to pass to another `Client` for the same socket."""
        return tuple(self._arrived), self._reader.rest

    def ask(self, request: Mapping[str, Plain]) -> None:
        """Send greeting and request to the daemon. Raises NoAnswerError."""
        self._send(frame(frames.HELLO, greeting.greeting(__version__)) + _message(request))

    def launch(self, payload: bytes) -> None:
        """Send greeting and plan to a newly forked daemon. Raises NoAnswerError."""
        self._send(frame(frames.HELLO, greeting.greeting(__version__)) + frame(frames.LAUNCH, payload))

    def tell(self, **message: Plain) -> None:
        """Send a further message to the daemon; does nothing if the daemon has ended."""
        try:
            self._send(_message(message))
        except NoAnswerError:
            return

    def type(self, data: bytes) -> None:
        """Send keyboard input to the daemon; does nothing if the daemon has ended."""
        try:
            self._send(frame(frames.INPUT, data))
        except NoAnswerError:
            return

    def next(self, patience: float | None = None) -> tuple[bytes, bytes] | None:
        """Wait for the next frame and return it as (kind, payload); None at the end of the connection.

        Raises NoAnswerError after `patience` seconds.
        """
        while not self._arrived:
            if not self.receive(patience):
                return None
        return self._arrived.pop(0)

    def put_back(self, arrived: tuple[bytes, bytes]) -> None:
        """Put a frame back to the front of the queue: the next `next` returns it."""
        self._arrived.insert(0, arrived)

    def take(self) -> list[tuple[bytes, bytes]]:
        """Remove and return the received frames that weren't processed yet."""
        arrived, self._arrived = self._arrived, []
        return arrived

    def receive(self, patience: float | None = None) -> bool:
        """Wait for data and queue its frames; return False if the connection has ended."""
        if self._floods and self.pass_through is not None and not self._arrived:
            return self._relay(self.pass_through, patience)
        data = self._received(sockets.CHUNK, patience)
        self._floods = len(data) >= FLOOD
        return self._take_in(data)

    def _relay(self, pass_through: PassThrough, patience: float | None) -> bool:
        """Receive one frame; pass large output through unparsed, since copying it would halve the throughput."""
        missing = self._reader.missing
        data = self._received(missing or frames.HEADER, patience)
        size = 0 if missing else frames.output_size(data)
        if size >= FLOOD // 2:
            self.sock.settimeout(0)
            moved = pass_through(self.sock.fileno(), size)
            return moved == size or self._take_in(frames.header(frames.OUT, size - moved))
        self._floods = missing > 0
        return self._take_in(data)

    def _received(self, size: int, patience: float | None) -> bytes:
        self.sock.settimeout(patience)
        try:
            return self.sock.recv(size)
        except TimeoutError as error:
            raise NoAnswerError("no answer") from error
        except OSError:
            return b""

    def _take_in(self, data: bytes) -> bool:
        try:
            arrived = [
                each if each[0] != frames.FAILURE else _advised(each[1], self.applies_by_key)
                for each in self._reader.feed(data)
            ]
        except (frames.FrameError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise NoAnswerError("what answers is not a daemon of devboot") from error
        self.is_port_taken = self.is_port_taken or (frames.WORD, frames.PORT_TAKEN) in arrived
        self._arrived += arrived
        return bool(data)

    def welcome(self, patience: float = PATIENCE) -> greeting.Greeting:
        """Wait for the daemon's greeting and return it.

        Raises NoAnswerError, or ClosedError if the connection ends first.
        """
        first = self.next(patience)
        if first is None:
            raise ClosedError("closed before the greeting")
        if first[0] != frames.HELLO:
            raise NoAnswerError("no greeting")
        self.daemon = greeting.parse_greeting(first[1])
        return self.daemon

    def copy(
        self,
        write: Callable[[int, bytes], None],
        on_word: Callable[[str, str], None] | None = None,
    ) -> int | None:
        """Pass all output to `write(1 or 2, bytes)` until the exit code arrives.

        Return that, None if the daemon sends none.
        """
        while (arrived := self.next()) is not None:
            kind, payload = arrived
            if kind == frames.OUT:
                write(1, payload)
            elif kind == frames.ERR:
                write(2, payload)
            elif kind == frames.WORD and on_word is not None:
                word, _, rest = payload.decode("utf-8", "replace").partition(" ")
                on_word(word, rest)
            elif kind == frames.EXIT:
                return int(payload)
        return None

    def close(self) -> None:
        """Close the connection."""
        self.sock.close()

    def _send(self, data: bytes) -> None:
        try:
            self.sock.settimeout(PATIENCE)
            self.sock.sendall(data)
        except OSError as error:
            raise NoAnswerError("it accepts no data") from error


class Found(Record):
    """A daemon and a connection to it. A lease without a client: the daemon lives but doesn't answer."""

    lease: DaemonLease | None
    client: Client | None


def find(state: str, root: str, environ: Mapping[str, str], data: str = "") -> Found:
    """Find and connect to the daemon of the project at `root`; `state` and `data` are the project's folders."""
    lease = lease_of(state, root, environ, data)
    if lease is None and not os.path.lexists(leases.lock_path(state)):  # no daemon ever ran, or its files were deleted
        lease = find_without_files(state, root, environ, data)
    path = _socket_without_lease(root, environ) if lease is None else lease.socket
    sock = _connect(path)
    if sock is None and lease is not None and not os.path.lexists(path) and lease.is_alive and not lease.is_frozen:
        sock = revive(lease)
    return Found(lease, None if sock is None else Client(sock))


def lease_of(state: str, root: str, environ: Mapping[str, str], data: str = "") -> DaemonLease | None:
    """Return the lease of the project's daemon, alive or not; None if there is none.

    If the state folder was deleted or damaged, the copy next to the socket or the one in the data folder is read.
    """
    lease = leases.read_daemon(leases.daemon_path(state))
    if lease is not None:
        return lease
    from devboot.paths import private_runtimes, socket_path

    for runtime in private_runtimes(environ, os.getuid()):
        copy = leases.read_daemon(leases.register_path(socket_path(runtime, root)))
        if copy is not None and copy.root == root and copy.is_alive:
            return copy
    return leases.read_daemon(leases.data_path(data)) if data else None


def find_without_files(state: str, root: str, environ: Mapping[str, str], data: str) -> DaemonLease | None:
    """Find a daemon in the process table because all its files were deleted; return its lease, or None.

    A live daemon is asked to recreate its files.
    """
    from devboot.daemon import search

    found = search.find_run(root, environ, state, data)
    if found is None or not found.is_alive or found.is_frozen or not _ask_to_recreate_files(found):
        return found
    deadline = time.monotonic() + _REVIVAL
    while time.monotonic() < deadline and found.is_alive:
        lease = lease_of(state, root, environ, data)
        if lease is not None and lease.is_alive:
            return lease
        time.sleep(0.01)
    return found


def _ask_to_recreate_files(lease: DaemonLease) -> bool:
    """Ask a daemon, by a signal, to recreate its lease and its socket; return False if it has just ended."""
    try:
        os.kill(lease.pid, _SIGUSR1)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def connect(lease: DaemonLease) -> Client | None:
    """Connect to the daemon of a lease; return None if it doesn't listen."""
    sock = _connect(lease.socket)
    return None if sock is None else Client(sock)


def _connect(path: str) -> _socket.socket | None:
    try:
        return sockets.connect(path, PATIENCE) if path else None
    except PermissionError:
        return None


def _socket_without_lease(root: str, environ: Mapping[str, str]) -> str:
    """Return the socket path that the project's daemon has, if any, although its lease was deleted; "" for none."""
    from devboot.errors import MachineError
    from devboot.paths import runtime_directory, socket_path

    try:
        return socket_path(runtime_directory(environ, os.getuid()), root)
    except MachineError:
        return ""


def revive(lease: DaemonLease) -> _socket.socket | None:
    """Ask the daemon to recreate its deleted socket, wait for it, and connect; None if that fails."""
    if not _ask_to_recreate_files(lease):
        return None
    deadline = time.monotonic() + _REVIVAL
    while time.monotonic() < deadline and lease.is_alive:
        sock = _connect(lease.socket)
        if sock is not None:
            return sock
        time.sleep(0.01)
    return None


def _advised(payload: bytes, applies_by_key: bool) -> tuple[bytes, bytes]:
    from devboot.supervisor.explain.advice import with_advice

    return with_advice(payload, applies_by_key=applies_by_key)


def _message(message: Mapping[str, Plain]) -> bytes:
    from devboot.wire.jsontext import to_json

    return frame(frames.MESSAGE, to_json(dict(message)).encode())
