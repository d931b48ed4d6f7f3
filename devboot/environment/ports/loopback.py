"""Checks whether a port of this machine is free; light enough for the fast path."""

from __future__ import annotations

import _socket  # the socket package costs a warm start 8 ms

_HOSTS = ((_socket.AF_INET, "127.0.0.1"), (_socket.AF_INET6, "::1"))
_REFUSED = (98, 48, 13)  # EADDRINUSE of Linux and macOS, EACCES


def is_free(port: int) -> bool:
    """Return whether a server could listen on the port on both loopback addresses; a missing IPv6 is no conflict."""
    return all(_can_bind(family, host, port) for family, host in _HOSTS)


def _can_bind(family: int, host: str, port: int) -> bool:
    try:
        probe = _socket.socket(family, _socket.SOCK_STREAM)
    except OSError:
        return True
    try:
        # a connection that was just closed blocks this bind, but not a server's
        probe.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
    except OSError as error:
        return error.errno not in _REFUSED
    finally:
        probe.close()
    return True
