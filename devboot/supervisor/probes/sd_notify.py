"""Receives sd_notify messages (READY, WATCHDOG, STATUS) of one process on a socket made for it."""

from __future__ import annotations

import _socket as sockets
import os
import sys
from _struct import Struct

from devboot.supervisor.event_loop import READ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.supervisor.event_loop import AbstractLoop

VARIABLE = "NOTIFY_SOCKET"
WATCHDOG = "WATCHDOG_USEC"  # microseconds within which the process has to send a sign of life
_CREDENTIALS = Struct("3i")  # pid, uid, gid
_PASS_CREDENTIALS = 16  # SO_PASSCRED of Linux
_LONGEST = 4096


class Notifications:
    """Listens on a socket until closed; calls `on_word(key, value)` for each `KEY=value` that the process sends.

    Raises OSError if the socket can't be created.
    """

    def __init__(self, loop: AbstractLoop, folder: str, on_word: Callable[[str, str], None]) -> None:
        self.text = ""  # the latest STATUS=, for `ps`
        self._loop = loop
        self._on_word = on_word
        self._has_credentials = sys.platform == "linux"
        name = f"devboot-notify-{os.urandom(8).hex()}"
        # Linux has abstract names, which need no file, vanish with the socket and aren't limited by a folder's length.
        self._path = "" if self._has_credentials else os.path.join(folder, name)
        self.address = f"@{name}" if self._has_credentials else self._path
        self._socket = sockets.socket(sockets.AF_UNIX, sockets.SOCK_DGRAM)
        self._socket.setblocking(False)
        if self._has_credentials:
            self._socket.setsockopt(sockets.SOL_SOCKET, _PASS_CREDENTIALS, 1)
        self._socket.bind(f"\0{name}" if self._has_credentials else self._path)
        loop.watch(self._socket.fileno(), READ, self._readable)

    def close(self) -> None:
        """Close the socket."""
        if self._socket.fileno() >= 0:
            self._loop.unwatch(self._socket.fileno())
            self._socket.close()
            if self._path and os.path.exists(self._path):
                os.unlink(self._path)

    def _readable(self, _ready: int) -> None:
        try:
            data, ancillary, _, _ = self._socket.recvmsg(_LONGEST, sockets.CMSG_SPACE(_CREDENTIALS.size))
        except BlockingIOError:
            return
        # Every user of this machine can write to an abstract name; accept messages of this user's processes only.
        if self._has_credentials and not any(_is_ours(payload) for _, _, payload in ancillary):
            return
        for line in data.decode("utf-8", "replace").split("\n"):
            key, _, value = line.partition("=")
            if key == "STATUS":
                self.text = value
            else:
                self._on_word(key, value)


def _is_ours(payload: bytes) -> bool:
    return len(payload) == _CREDENTIALS.size and _CREDENTIALS.unpack(payload)[1] == os.getuid()
