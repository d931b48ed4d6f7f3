"""A loopback HTTP server that does what networks do to transfers: it breaks off, stalls, lies, answers nonsense."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

CERTIFICATES = Path(__file__).parent / "certificates"
CA = str(CERTIFICATES / "ca.pem")


class Asked(NamedTuple):
    """A request that came: headers in lower case."""

    path: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Reply:
    """One answer. `length` is what it announces: None for the truth, -1 for nothing.

    After so many bytes of `body`, `stop_after` closes, `reset_after` breaks the connection, and `stall_after` sends no
    more until the client has gone. `repeat` sends the body again and again.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    stop_after: int | None = None
    reset_after: int | None = None
    stall_after: int | None = None
    repeat: bool = False


Behaviour = Reply | Callable[[Asked], Reply]


def whole_file(body: bytes, etag: str = '"1"', **more: object) -> Callable[[Asked], Reply]:
    """A file as a good server has it: ranges, and validators that are compared."""

    def answer(asked: Asked) -> Reply:
        headers = {"ETag": etag, "Accept-Ranges": "bytes"}
        span = asked.headers.get("range", "")
        if not span or asked.headers.get("if-range", etag) != etag:
            return Reply(body, headers=headers, **more)
        start = int(span.removeprefix("bytes=").partition("-")[0])
        if start >= len(body):
            return Reply(status=416, headers={"Content-Range": f"bytes */{len(body)}"})
        headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        return Reply(body[start:], 206, headers, **more)

    return answer


class FaultServer:
    """Serves what `on` was told, in turn for each path; the last answer stays. `requests` is what it was asked."""

    def __init__(self, certificate: str = "") -> None:
        self.requests: list[Asked] = []
        self._told: dict[str, list[Behaviour]] = {}
        self._lock = threading.Lock()
        self.closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer._answer(self)

            def do_CONNECT(self) -> None:
                outer._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = False

            def handle_error(self, *_: object) -> None:
                pass  # clients that go away are what this is about

        self._server = Server(("127.0.0.1", 0), Handler)
        self._scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATES / certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def on(self, path: str, *behaviours: Behaviour) -> str:
        """Answer so for this path; returns its address."""
        self._told[path] = list(behaviours)
        return self.url(path)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """The address of a path."""
        return f"{self._scheme}://{host}:{self.port}{path}"

    def close(self) -> None:
        """End all answers and wait for them."""
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        asked = Asked(handler.path, {name.lower(): value for name, value in handler.headers.items()})
        with self._lock:
            self.requests.append(asked)
            told = self._told.get(handler.path, [Reply(status=404)])
            behaviour = told.pop(0) if len(told) > 1 else told[0]
        self._send(handler, behaviour if isinstance(behaviour, Reply) else behaviour(asked))

    def _send(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        handler.send_response(reply.status)
        length = len(reply.body) if reply.length is None else reply.length
        headers = {"Connection": "close", **({} if length < 0 else {"Content-Length": str(length)}), **reply.headers}
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        ends = (reply.stop_after, reply.reset_after, reply.stall_after)
        end = next((each for each in ends if each is not None), len(reply.body))
        with contextlib.suppress(OSError):
            handler.wfile.write(reply.body[:end])
            handler.wfile.flush()
            while reply.repeat and not self.closing.is_set():
                handler.wfile.write(reply.body)
            if reply.reset_after is not None:
                # closing with nothing to linger for sends a reset
                handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if reply.stall_after is not None:
                self._stall(handler.connection)

    def _stall(self, connection: socket.socket) -> None:
        while not self.closing.is_set():
            readable, _, _ = select.select([connection], [], [], 0.05)
            if readable and not connection.recv(4096):
                return
