"""Sees that a server takes connections, not only that its port is open: a worker has loaded the application by then.

Servers that fork their workers listen before these have loaded anything. A connection that nobody has taken yet stands
in the queue of the listening socket, whose length the kernel tells; nothing is sent.
"""

from __future__ import annotations

import _socket
from errno import EINPROGRESS

from devboot.supervisor.probes import listen
from devboot.supervisor.system import listening_sockets
from devboot.supervisor.system.proctable import with_reserve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.supervisor.event_loop import AbstractLoop, Timer
    from devboot.supervisor.system.membership import Watcher

_FAMILIES = ((_socket.AF_INET, "127.0.0.1"), (_socket.AF_INET6, "::1"))
_SURE = 0.01  # seconds for which the queue has to be empty: a connection comes to stand there a moment after it is made
_FIRST, _LONGEST, _LAG = 0.005, 0.1, 0.1


class Acceptance:
    """One connection, open until it is taken; then `done(True, "")`, or with False where it failed.

    `tell(text)` says what is waited for, once that is known.
    """

    def __init__(
        self, loop: AbstractLoop, port: int, done: Callable[[bool, str], None], tell: Callable[[str], None]
    ) -> None:
        self._loop = loop
        self._port = port
        self._done = done
        self._began = loop.now()
        self._empty_since: float | None = None
        self._timer: Timer | None = None
        self._socket = _connected(port)
        tell(f"nobody takes connections on port {port} yet")
        self._again()

    def cancel(self) -> None:
        """Close it, without a call back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _again(self) -> None:
        elapsed = self._loop.now() - self._began
        self._timer = self._loop.call_later(min(max(_FIRST, elapsed * _LAG), _LONGEST), self._look)

    def _look(self) -> None:
        self._timer = None
        found = self._is_taken()
        if found is None:
            self._again()
            return
        self.cancel()
        self._done(found, "" if found else f"port {self._port} closes connections")

    def _is_taken(self) -> bool | None:
        """Whether somebody has taken it; None: nobody knows yet. False where it has failed."""
        if self._socket is None:
            return False
        try:
            self._socket.recv(1)
        except BlockingIOError:
            pass
        except OSError:
            return False
        else:
            return True  # answered, or closed by whoever took it
        try:
            is_empty = with_reserve(listening_sockets.queued, self._port) == 0
        except OSError:
            return True  # where the system doesn't tell, a connection has to do
        now = self._loop.now()
        if not is_empty:
            self._empty_since = None
        elif self._empty_since is None:
            self._empty_since = now
        return True if self._empty_since is not None and now - self._empty_since >= _SURE else None


def accept(
    loop: AbstractLoop, port: int, watcher: Watcher, leader: int, mark: str, done: Callable[[bool, str], None],
    tell: Callable[[str], None],
) -> Acceptance | None:  # fmt: skip
    """Ask once that the leader or one of its own takes a connection; None where it doesn't even listen."""
    listens, text = listen.look(port, watcher, leader, mark)
    if listens:
        return Acceptance(loop, port, done, tell)
    done(False, text)
    return None


def _connected(port: int) -> _socket.socket | None:
    """A connection that is made or on its way."""
    for family, host in _FAMILIES:
        try:
            made = _socket.socket(family, _socket.SOCK_STREAM)
        except OSError:  # no descriptor is left: asked again
            return None
        made.setblocking(False)
        if made.connect_ex((host, port)) in (0, EINPROGRESS) and _has_peer(made):
            return made
        made.close()
    return None


def _has_peer(made: _socket.socket) -> bool:
    try:
        made.getpeername()
    except OSError:
        return False
    return True
