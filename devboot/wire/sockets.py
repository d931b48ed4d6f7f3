"""Unix sockets through `_socket`, because importing the socket module is too slow for a fast command."""

from __future__ import annotations

import _socket
import os
import sys

CHUNK = 256 * 1024
_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_SIZE = 0, 1, 76  # macOS: struct xucred holds the uid in bytes 4 to 8


def keep_blocks() -> None:
    """Make the C library keep freed blocks of up to CHUNK bytes for reuse.

    By default it returns each block to the system and gets a new one, page by page, which costs more than the relaying.
    The GNU one adapts to the size of freed blocks; elsewhere this does nothing. The block isn't written to (as a
    bytearray would be), so it costs no memory.
    """
    bytes(4 * CHUNK)


def pair() -> tuple[_socket.socket, _socket.socket]:
    """Return two connected stream sockets, closed on exec."""
    return _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)


def connect(path: str, patience: float) -> _socket.socket | None:
    """Connect to the socket at `path`; None if nobody listens there.

    `patience` (seconds) limits this and every later call. A daemon whose queue is full, because it doesn't accept any
    more, counts as none. Raises PermissionError if the socket belongs to another user.
    """
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    sock.settimeout(patience)
    try:
        sock.connect(path)
    except PermissionError:
        sock.close()
        raise
    except OSError:
        sock.close()
        return None
    return sock


def listen(path: str, backlog: int = 64) -> _socket.socket:
    """Listen at `path` (at most 100 bytes), atomically replacing an existing socket; mode 0600.

    The socket is bound under another name and renamed, so that a client always finds the old or the new one, and never
    one with wrong permissions.
    """
    from devboot.files import fail_point  # clients don't need it

    fresh = f"{path}.{os.getpid() % 100000}"
    if os.path.lexists(fresh):
        os.unlink(fresh)
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        fail_point("socket/listen")
        sock.bind(fresh)
        os.chmod(fresh, 0o600)
        sock.listen(backlog)
        sock.setblocking(False)
        os.rename(fresh, path)
    except BaseException:
        sock.close()
        raise
    return sock


def accept(listener: _socket.socket) -> _socket.socket:
    """Accept the next client; return its non-blocking socket. Raises OSError, and BlockingIOError if there is none."""
    descriptor, _ = listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001  what the socket module calls too
    sock = _socket.socket(fileno=descriptor)
    sock.setblocking(False)
    return sock


def peer_uid(sock: _socket.socket) -> int:
    """Return the user id of the process at the other end. Raises OSError."""
    if sys.platform == "linux":
        credentials = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
        return int.from_bytes(credentials[4:8], sys.byteorder)
    credentials = sock.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_SIZE)
    return int.from_bytes(credentials[4:8], sys.byteorder)
