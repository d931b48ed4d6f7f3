"""Probe whether a process listens on its port, and that the listener is this process and not another program."""

from __future__ import annotations

import _socket
import os

from devboot.supervisor.system.proctable import with_reserve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.supervisor.system.membership import Watcher


# Default ports of the debuggers of Python and Node.js
_OF_DEBUGGERS = (5678, 5858, 9229, 9230)


def look(port: int, watcher: Watcher, leader: int, mark: str) -> tuple[bool, str]:
    """Return whether the process (`leader` or a descendant) listens on `port` (0: on any), and if not, the reason."""
    if not port:
        known = ports(watcher, leader, mark)
        return known is None or bool(known), "listens on no port yet"
    try:
        wanted = {f"socket:[{inode}]" for inode in watcher.listeners(port)}
    except OSError:
        return with_reserve(_answers, port)
    if not wanted:
        return False, f"nothing listens on port {port} yet"
    if wanted & (_sockets(leader) or set()):
        return True, ""  # usually, and without a census
    for pid in watcher.census().members(leader, mark):
        found = _sockets(pid)
        # The descriptors of a server that runs as another user can't be read: assume that it listens, as where the
        # system doesn't report listeners.
        if found is None or wanted & found:
            return True, ""
    return False, f"another program listens on port {port}"


def ports(watcher: Watcher, leader: int, mark: str) -> tuple[int, ...] | None:
    """Return the ports on which the process (`leader` or a descendant) listens.

    None if the system doesn't report them.
    """
    try:
        listening = watcher.all_listeners()
    except OSError:
        return None
    open_here = {name for pid in watcher.census().members(leader, mark) for name in _sockets(pid) or ()}
    return tuple(
        sorted(port for port, inodes in listening.items() if any(f"socket:[{inode}]" in open_here for inode in inodes))
    )


def main_port(found: tuple[int, ...]) -> int:
    """Return the first of the ports that isn't a debugger's; if all are, the first."""
    return next((port for port in found if port not in _OF_DEBUGGERS), found[0])


def is_taken(port: int, watcher: Watcher) -> bool:
    """Return whether any program listens on `port`; False if the system doesn't report listeners."""
    try:
        return bool(watcher.listeners(port))
    except OSError:
        return False


def is_anothers(port: int, watcher: Watcher, mark: str) -> bool:
    """Return whether a process listens on `port` that devboot has started under a marker other than `mark`."""
    try:
        wanted = {f"socket:[{inode}]" for inode in watcher.listeners(port)}
    except OSError:
        return False
    others = watcher.census().marked_otherwise(mark) if wanted else ()
    return any(wanted & (_sockets(pid) or set()) for pid in others)


def is_strangers(port: int, watcher: Watcher, run: str) -> bool | None:
    """Return whether a program listens on `port` that wasn't started by the supervisor with the id `run`.

    Return None if nothing listens there, or if the system doesn't report listeners.
    """
    try:
        held = {f"socket:[{inode}]" for inode in watcher.listeners(port)}
    except OSError:
        return None
    if not held:
        return None
    return not any(held & (_sockets(pid) or set()) for pid in watcher.census().marked_by(run))


def _sockets(pid: int) -> set[str] | None:
    """Return the targets of a process' open descriptors, such as `socket:[1234]`; None if they can't be read."""
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
    """Return whether a connection to `port` succeeds, and if not, why.

    For systems that don't list listeners (macOS).
    """
    for family, host in ((_socket.AF_INET, "127.0.0.1"), (_socket.AF_INET6, "::1")):
        probe = _socket.socket(family, _socket.SOCK_STREAM)
        try:
            probe.settimeout(0.05)
            if probe.connect_ex((host, port)) == 0:
                return True, ""
        finally:
            probe.close()
    return False, f"nothing listens on port {port} yet"
