"""Probe whether a server accepts connections, which shows that a worker has loaded the application.

Servers that fork workers open their port before a worker has loaded anything. Until a connection is accepted, it is in
the queue of the listening socket, whose length the kernel reports; the probe sends nothing.
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
_SURE = 0.01  # seconds for which the queue has to be empty: a new connection is queued with a short delay
_FIRST, _LONGEST, _LAG = 0.005, 0.1, 0.1


class Acceptance:
    """A connection that the probe keeps open until the server accepts it; then calls `done(True, "")`.

    Calls `done(False, why)` if the connection is closed. `tell(text)` receives a message while the probe waits.
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
        self._socket = connection_to(port)
        tell(f"no connection was accepted on port {port} yet")
        self._again()

    def cancel(self) -> None:
        """Close the connection without a callback."""
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
        """Return True if the server accepted the connection, False if it failed, None if neither is known yet."""
        if self._socket is None:
            return False
        try:
            self._socket.recv(1)
        except BlockingIOError:
            pass
        except OSError:
            return False
        else:
            return True  # answered, or closed by the server
        try:
            is_empty = with_reserve(listening_sockets.queued, self._port) == 0
        except OSError:
            return True  # the system doesn't report the queue: being connected has to suffice
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
    """Start a probe of `port`; `done(passed, why)` is called later. Return None if the process doesn't listen there.

    `leader` and `mark` identify the process; a listener among its descendants counts, too.
    """
    listens, text = listen.look(port, watcher, leader, mark)
    if listens:
        return Acceptance(loop, port, done, tell)
    done(False, text)
    return None


def connection_to(port: int) -> _socket.socket | None:
    """Return a non-blocking socket that is connected or connecting to the port; None if that fails at once."""
    for family, host in _FAMILIES:
        try:
            made = _socket.socket(family, _socket.SOCK_STREAM)
        except OSError:  # out of descriptors; the probe will be repeated
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
