"""Probe over TCP or HTTP that never blocks the loop."""

from __future__ import annotations

import _socket as sockets
import os
from errno import EINPROGRESS

from devboot.model import process as model
from devboot.record import Record
from devboot.supervisor.event_loop import READ, WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.model.process import Probe
    from devboot.supervisor.event_loop import AbstractLoop
    from devboot.supervisor.probes.tls import Tls

LONGEST_ANSWER = 256 * 1024
LOCALHOST = ("127.0.0.1", "::1")  # some servers listen only on one of them


class Answer(Record):
    """Result of a probe's try: `good` if the received bytes are the expected answer, else `text` has the reason."""

    good: bool
    text: str


def _is_address(host: str) -> bool:
    """Return whether a host is an IP address. Looking up a name would block the loop; names here mean this machine."""
    return ":" in host or host.replace(".", "").isdigit()


def question(probe: Probe) -> bytes:
    """Return the bytes that the probe sends after connecting, such as an HTTP request."""
    if probe.kind == model.TCP:
        return probe.send.encode("latin-1")
    host = probe.host_header or probe.host
    return (
        f"GET {probe.path or '/'} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: devboot\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n"
    ).encode()


def judge(probe: Probe, received: bytes, *, ended: bool) -> Answer | None:
    """Judge the bytes received so far; None if more are needed. `ended`: the peer has closed the connection."""
    judged = _judge_tcp if probe.kind == model.TCP else judge_http
    return judged(probe, received, ended=ended)


def _judge_tcp(probe: Probe, received: bytes, *, ended: bool) -> Answer | None:
    expected, loading = probe.expect.encode("latin-1"), probe.loading.encode("latin-1")
    if received.startswith(expected):
        return Answer(good=True, text="")
    if loading and received.startswith(loading):
        return Answer(good=False, text="loading data")
    if not ended and any(each.startswith(received) for each in (expected, loading) if each):
        return None
    return Answer(good=False, text=f"answered {_first_line(received)!r}" if received else "closed the connection")


def judge_http(probe: Probe, received: bytes, *, ended: bool) -> Answer | None:
    """Judge an HTTP answer by its status and body; None while it is incomplete. `ended`: the connection is closed."""
    head, complete, body = received.partition(b"\r\n\r\n")
    if not complete and not ended and len(received) < LONGEST_ANSWER:
        return None
    words = head.split(None, 2)
    if not head.startswith(b"HTTP/") or len(words) < 2 or not words[1][:9].isdigit():
        return Answer(good=False, text="no HTTP answer" if received else "closed the connection")
    status = int(words[1][:9])
    if status not in probe.status if probe.status else status >= 500:
        return Answer(good=False, text=f"HTTP {status}")
    if not probe.expect or probe.expect.encode() in body:
        return Answer(good=True, text=f"HTTP {status}")
    if not ended and len(received) < LONGEST_ANSWER:
        return None
    return Answer(good=False, text=f"HTTP {status} without {probe.expect!r}")


def _first_line(data: bytes) -> str:
    return data.split(b"\n", 1)[0][:80].decode("utf-8", "replace").rstrip()


class Conversation:
    """One try over one connection: connects, sends, and receives until the answer is complete or the time is up."""

    def __init__(
        self,
        loop: AbstractLoop,
        probe: Probe,
        done: Callable[[bool, str], None],
        *,
        read: Callable[..., tuple[bool, str] | None] | None = None,
    ) -> None:
        """Start connecting. `read(received, ended=…)` replaces `judge`, if given."""
        self._loop = loop
        self._read = read
        self._probe = probe
        self._done: Callable[[bool, str], None] | None = done
        self._hosts = list((probe.host,) if _is_address(probe.host) else LOCALHOST)
        self._socket: sockets.socket | None = None
        self._unsent = question(probe)
        self._tls: Tls | None = None
        if probe.kind == model.HTTPS:
            from devboot.supervisor.probes.tls import Tls  # a costly import, for HTTPS only

            self._tls = Tls(probe.host_header or probe.host, self._unsent)
            self._unsent = self._tls.outgoing()
        self._received = b""
        self._limit = loop.call_later(probe.timeout, lambda: self._finish(good=False, text="no answer in time"))
        self._connect()

    def cancel(self) -> None:
        """Close the connection without a callback."""
        self._done = None
        self._close()

    def _connect(self) -> None:
        host = self._hosts.pop(0)
        family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
        try:
            self._socket = sockets.socket(family, sockets.SOCK_STREAM)
            self._socket.setblocking(False)
            error = self._socket.connect_ex((host, self._probe.port))
        except OSError as problem:
            error = problem.errno or -1
        if error in (0, EINPROGRESS):
            assert self._socket is not None
            self._loop.watch(self._socket.fileno(), WRITE, self._writable)
        else:
            self._failed(error)

    def _failed(self, error: int) -> None:
        if self._hosts:
            self._hang_up()
            self._connect()
        else:
            self._finish(good=False, text=os.strerror(error).lower() if error > 0 else "no such address")

    def _writable(self, _ready: int) -> None:
        assert self._socket is not None
        error = self._socket.getsockopt(sockets.SOL_SOCKET, sockets.SO_ERROR)
        if error:
            self._failed(error)
            return
        if not self._unsent and not self._probe.expect and self._probe.kind == model.TCP:
            self._finish(good=True, text="")
            return
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except OSError as problem:
            self._failed(problem.errno or -1)
            return
        if not self._unsent:
            self._loop.watch(self._socket.fileno(), READ, self._readable)

    def _readable(self, _ready: int) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(16384)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if self._tls is not None:
            self._decipher(self._tls, data)
            return
        self._take(data, ended=not data)

    def _decipher(self, tls: Tls, data: bytes) -> None:
        try:
            clear = tls.take(data)
        except OSError:
            self._finish(good=False, text="no TLS")
            return
        self._unsent = tls.outgoing()
        self._take(clear, ended=not data)
        if self._unsent and self._socket is not None:
            self._loop.watch(self._socket.fileno(), WRITE, self._writable)

    def _take(self, data: bytes, *, ended: bool) -> None:
        self._received += data
        read = self._read
        answer = judge(self._probe, self._received, ended=ended) if read is None else read(self._received, ended=ended)
        if answer is not None:
            self._finish(good=answer[0], text=answer[1])

    def _finish(self, *, good: bool, text: str) -> None:
        self._close()
        done, self._done = self._done, None
        if done is not None:
            done(good, text)

    def _close(self) -> None:
        self._limit.cancel()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._socket is not None:
            if self._socket.fileno() >= 0:
                self._loop.unwatch(self._socket.fileno())
            self._socket.close()
            self._socket = None
