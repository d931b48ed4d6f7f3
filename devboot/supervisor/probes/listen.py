"""Sees that a process listens on its port, and that it is really this process and not a stranger on the same port."""

from __future__ import annotations

import _socket
import os

from devboot.supervisor.system.proctable import with_reserve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.supervisor.system.membership import Watcher


# On which debuggers of Python and node.js wait
_OF_DEBUGGERS = (5678, 5858, 9229, 9230)


def look(port: int, watcher: Watcher, leader: int, mark: str) -> tuple[bool, str]:
    """Whether the leader or one of its own listens on `port`, on any where that is 0, and if not, why not."""
    if not port:
        known = ports(watcher, leader, mark)
        return known is None or bool(known), "listens on no port yet"
    try:
        wanted = {f"socket:[{inode}]" for inode in watcher.listeners(port)}
    except OSError:
        return with_reserve(_answers, port)
    if not wanted:
        return False, f"nothing listens on port {port} yet"
    for pid in watcher.census().members(leader, mark):
        found = _sockets(pid)
        # Of a server that runs as another user nobody may know what it has open, unless root has all its rights: it is
        # believed, as where the system doesn't tell.
        if found is None or wanted & found:
            return True, ""
    return False, f"another program listens on port {port}"


def ports(watcher: Watcher, leader: int, mark: str) -> tuple[int, ...] | None:
    """Return the ports on which the leader or one of its own listens; None where the system doesn't tell."""
    try:
        listening = watcher.all_listeners()
    except OSError:
        return None
    open_here = {name for pid in watcher.census().members(leader, mark) for name in _sockets(pid) or ()}
    return tuple(
        sorted(port for port, inodes in listening.items() if any(f"socket:[{inode}]" in open_here for inode in inodes))
    )


def main_port(found: tuple[int, ...]) -> int:
    """Return the one of several ports that is shown as the address."""
    return next((port for port in found if port not in _OF_DEBUGGERS), found[0])


def is_taken(port: int, watcher: Watcher) -> bool:
    """Whether anybody listens on `port` now; False where the system doesn't tell."""
    try:
        return bool(watcher.listeners(port))
    except OSError:
        return False


def is_anothers(port: int, watcher: Watcher, mark: str) -> bool:
    """Whether a process that some devboot has started under another `mark` listens on `port`."""
    try:
        wanted = {f"socket:[{inode}]" for inode in watcher.listeners(port)}
    except OSError:
        return False
    others = watcher.census().marked_otherwise(mark) if wanted else ()
    return any(wanted & (_sockets(pid) or set()) for pid in others)


def is_strangers(port: int, watcher: Watcher, run: str) -> bool | None:
    """Whether a program that the supervisor `run` has not started listens on `port`.

    None where nobody listens, or the system doesn't tell.
    """
    try:
        held = {f"socket:[{inode}]" for inode in watcher.listeners(port)}
    except OSError:
        return None
    if not held:
        return None
    return not any(held & (_sockets(pid) or set()) for pid in watcher.census().marked_by(run))


def _sockets(pid: int) -> set[str] | None:
    """What it has open; None where that can't be seen."""
    found = set()
    try:
        for name in with_reserve(os.listdir, f"/proc/{pid}/fd"):
            found.add(os.readlink(f"/proc/{pid}/fd/{name}"))
    except PermissionError:
        return None
    except OSError:
        pass  # it has ended, or closed that descriptor just now
    return found


def _answers(port: int) -> tuple[bool, str]:
    """Where the system doesn't tell (macOS): whether anybody accepts a connection; on loopback that shows at once."""
    for family, host in ((_socket.AF_INET, "127.0.0.1"), (_socket.AF_INET6, "::1")):
        probe = _socket.socket(family, _socket.SOCK_STREAM)
        try:
            probe.settimeout(0.05)
            if probe.connect_ex((host, port)) == 0:
                return True, ""
        finally:
            probe.close()
    return False, f"nothing listens on port {port} yet"
