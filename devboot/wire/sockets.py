"""Unix sockets through `_socket`, since the socket module costs most of what a fast command may take."""

from __future__ import annotations

import _socket
import os
import sys

CHUNK = 256 * 1024
_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_SIZE = 0, 1, 76  # macOS: struct xucred holds the uid in bytes 4 to 8


def keep_blocks() -> None:
    """Let the C library keep the memory of blocks as long as CHUNK for the next ones.

    By default it gives each back to the system and gets it anew, page by page: that costs more than the relaying. The
    GNU one learns from what is freed how long the blocks of a program are; elsewhere this does nothing. Nothing is
    written to the block (as a bytearray would be), so that it costs no memory.
    """
    bytes(4 * CHUNK)


def pair() -> tuple[_socket.socket, _socket.socket]:
    """Two connected stream sockets, closed on exec."""
    return _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)


def connect(path: str, patience: float) -> _socket.socket | None:
    """A connection to whoever listens at `path`; None when nobody does.

    `patience` (seconds) bounds this and every later call. A full queue of a daemon that doesn't accept any more also
    counts as nobody. Raises PermissionError where the socket is someone else's.
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
    """Listen at `path` (at most 100 bytes), replacing what is there in one step; mode 0600.

    Bound under another name and renamed, so that a client finds the old socket or the new one, never none, and never
    one that it may not use yet.
    """
    from devboot.files import fail_point  # of no use to a client

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
    """The next client, non-blocking. Raises OSError, BlockingIOError when there is none."""
    descriptor, _ = listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001  what the socket module calls too
    sock = _socket.socket(fileno=descriptor)
    sock.setblocking(False)
    return sock


def peer_uid(sock: _socket.socket) -> int:
    """The user id of the process at the other end. Raises OSError."""
    if sys.platform == "linux":
        credentials = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
        return int.from_bytes(credentials[4:8], sys.byteorder)
    credentials = sock.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_SIZE)
    return int.from_bytes(credentials[4:8], sys.byteorder)
