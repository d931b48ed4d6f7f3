"""Accepts clients; pauses while no file descriptors are left, so that the loop doesn't spin."""

from __future__ import annotations

import os

from devboot.supervisor.event_loop import READ
from devboot.wire import sockets

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

    from devboot.supervisor.event_loop import Loop, Timer

_PAUSE, _LONGEST_PAUSE = 0.05, 1.0  # seconds; the pause doubles each time


class Acceptor:
    """Accepts clients of this user and of root from one listening socket; calls `on_client(socket)` for each.

    It keeps one descriptor in reserve. When none is left, the reserve is used for one more client, so that `down` and
    `ps` still work, and accepting pauses until the reserve can be opened again.
    """

    def __init__(self, loop: Loop, uid: int, on_client: Callable[[_socket.socket], object]) -> None:
        self._loop = loop
        self._uid = uid
        self.on_client = on_client
        self._listener: _socket.socket | None = None
        self.reserve = -1
        self._pause = _PAUSE
        self._timer: Timer | None = None

    def listen(self, listener: _socket.socket) -> None:
        """Accept clients from `listener` from now on, in place of the previous socket.

        Clients in the queue of the previous socket are accepted first; the caller closes it.
        """
        if self._timer is not None:
            self._timer.cancel()
        if self._listener is not None:
            self._loop.unwatch(self._listener.fileno())
            self._accept_all(self._listener)
        self._listener = listener
        self._resume()

    def _resume(self) -> None:
        """Resume accepting if the reserve descriptor can be opened again, else try again later."""
        self._timer = None
        if self._listener is None or self._listener.fileno() < 0:
            return
        if self.reserve < 0 and not self._open_reserve():
            self._wait()
            return
        try:
            self._loop.watch(self._listener.fileno(), READ, self._ready)
        except OSError:  # out of kernel memory, or over this user's limit of watches
            self._wait()
        else:
            self._pause = _PAUSE

    def _open_reserve(self) -> bool:
        try:
            self.reserve = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        return True

    def _wait(self) -> None:
        self._timer = self._loop.call_later(self._pause, self._resume)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _ready(self, _events: int) -> None:
        assert self._listener is not None
        try:
            sock = sockets.accept(self._listener)
        except (BlockingIOError, ConnectionAbortedError):
            return  # the client has gone already
        except OSError:
            self._accept_last(self._listener)
        else:
            self._take(sock)

    def _accept_last(self, listener: _socket.socket) -> None:
        """Accept one more client with the reserve descriptor, then pause accepting."""
        self._loop.unwatch(listener.fileno())
        os.close(self.reserve)
        self.reserve = -1
        try:
            self._take(sockets.accept(listener))
        except OSError:
            pass  # the system has no descriptors or memory left; the client stays in the queue
        finally:
            self._wait()

    def _accept_all(self, listener: _socket.socket) -> None:
        try:
            while True:
                self._take(sockets.accept(listener))
        except OSError:  # no more, or no descriptor for more: those ask again
            return

    def _take(self, sock: _socket.socket) -> None:
        try:
            is_stranger = sockets.peer_uid(sock) not in (self._uid, 0)
        except OSError:
            is_stranger = True
        if is_stranger:
            sock.close()
        else:
            self.on_client(sock)
