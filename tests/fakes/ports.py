"""Ports for tests: free, below those that the kernel gives away, and of one test alone, also among parallel workers.

A port that the kernel gave away a moment ago may be given to the next program, or be the near end of a connection to
that very port, which then seems to be answered.
"""

from __future__ import annotations

import contextlib
import random
import socket
import sys

FIRST, LAST = 10_000, 30_000
BLOCK = 100  # ports that are claimed together, for instances that get the next numbers
NAMES = "devboot-test-ports"  # beginning of the names under which blocks are claimed
_claims: list[socket.socket] = []


def free_ports(count: int = 1, *, step: int = 1) -> int:
    """Return the first of `count` free ports, which no other test gets until `release`."""
    while True:
        base = random.randrange(FIRST, LAST, BLOCK)
        ports = range(base, base + count * step, step)
        if all(map(claim, sorted({port // BLOCK for port in ports}))) and all(map(_is_free, ports)):
            return base


def release() -> None:
    """Give the ports of a test back."""
    while _claims:
        _claims.pop().close()


def claim(block: int) -> bool:
    """Claim a block for this process; Linux has names of sockets that are gone with their owner."""
    if sys.platform != "linux":
        return True
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        held.bind(f"\0{NAMES}-{block}")
    except OSError:
        held.close()
        return False
    _claims.append(held)
    return True


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False
