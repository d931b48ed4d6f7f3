"""Lists listening TCP sockets by netlink, which visits only listening sockets.

Reading /proc/net/tcp would make the kernel walk through every connection: milliseconds instead of 20 us.
"""

from __future__ import annotations

import _socket as sockets
from _struct import Struct

_INET_DIAG = 4  # NETLINK_SOCK_DIAG
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_DONE, _ERROR = 3, 2
_TCP, _LISTENING = 6, 1 << 10
_HEADER = Struct("=IHHII")  # length, type, flags, sequence, pid
_QUERY = Struct("=BBBxI48x")  # family, protocol, extensions, states, an empty socket id
_PORT = Struct("!H")
_NUMBER = Struct("=I")
_PORT_AT, _QUEUE_AT, _INODE_AT = 4, 56, 68  # within a message of the kernel

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


def listeners() -> dict[int, frozenset[int]]:
    """Return the inodes of listening TCP sockets, by port, for any address.

    Raises OSError if the system has no list.
    """
    found: dict[int, set[int]] = {}
    for port, inode, _ in _rows():
        found.setdefault(port, set()).add(inode)
    return {port: frozenset(inodes) for port, inodes in found.items()}


def queued(port: int) -> int:
    """Return how many connections to `port` wait to be accepted.

    Raises OSError if the system has no list of sockets.
    """
    return sum(waiting for number, _, waiting in _rows() if number == port)


def _rows() -> list[tuple[int, int, int]]:
    """Return port, inode and queue length of each listening socket."""
    try:
        return ask_kernel()
    except OSError:
        return read_tables()


def ask_kernel() -> list[tuple[int, int, int]]:
    """Query the kernel by netlink for all listening TCP sockets; return them in the form of `read_tables`."""
    found: list[tuple[int, int, int]] = []
    link = sockets.socket(sockets.AF_NETLINK, sockets.SOCK_RAW, _INET_DIAG)
    try:
        link.settimeout(0.1)
        for family in (sockets.AF_INET, sockets.AF_INET6):
            query = _QUERY.pack(family, _TCP, 0, _LISTENING)
            link.send(_HEADER.pack(_HEADER.size + len(query), _BY_FAMILY, _REQUEST_DUMP, 0, 0) + query)
            while _take_messages(link.recv(65536), found):
                pass
    finally:
        link.close()
    return found


def _take_messages(data: bytes, found: list[tuple[int, int, int]]) -> bool:
    """Append (port, inode, queue) of each message to `found`; return whether more messages follow."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, at)
        if kind == _DONE:
            return False
        if kind == _ERROR or length < _HEADER.size:
            raise OSError("the kernel does not tell sockets by netlink")
        body = at + _HEADER.size
        waiting, inode = (_NUMBER.unpack_from(data, body + place)[0] for place in (_QUEUE_AT, _INODE_AT))
        found.append((_PORT.unpack_from(data, body + _PORT_AT)[0], inode, waiting))
        at += (length + 3) & ~3
    return True


def read_tables() -> list[tuple[int, int, int]]:
    """Return the listening TCP sockets in /proc/net, each as (port, inode, connections not accepted yet)."""
    found = []
    for table in _TABLES:
        with open(table, "rb", buffering=0) as file:
            rows = [line.split(None, 10) for line in (file.read() or b"").splitlines()[1:]]
        found += [
            (int(row[1][-4:], 16), int(row[9]), int(row[4].rpartition(b":")[2], 16)) for row in rows if row[3] == b"0A"
        ]
    return found
