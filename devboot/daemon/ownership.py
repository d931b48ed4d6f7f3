"""The daemon's lock of a project, and everything that only its holder may change: lease, list of children, socket.

An `Ownership` exists only while the lock is held, and the files are written through it alone. So neither a guardian
nor a command can take away what belongs to the next daemon, however the two are timed.
"""

from __future__ import annotations

import os
import stat
import time

from devboot.daemon import cgroup, leases
from devboot.daemon.leases import ChildrenBook, DaemonLease
from devboot.daemon.reclaim import wake_guardian
from devboot.errors import DevbootError
from devboot.files import atomic_write
from devboot.locks import FileLock, read_holder
from devboot.wire import sockets

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable, Iterable

    from devboot.daemon.leases import ChildLease

_POLL = 0.005


class Ownership:
    """The right to change the daemon's files of the project whose state folder is `state`. Get one with `take`."""

    def __init__(self, state: str, lock: FileLock) -> None:
        self._state = state
        self._lock = lock
        self._published: DaemonLease | None = None

    def __enter__(self) -> Ownership:  # noqa: PYI034  typing costs an import
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def renew(self) -> bool:
        """Lock the file anew where somebody has deleted it; False after `release`, or where another was faster."""
        if self._lock.is_held and not self._lock.is_in_place:
            fresh = FileLock(self._lock.path, self._lock.command)
            if not fresh.try_acquire():
                return False
            self._lock.release()
            self._lock = fresh
        return self._lock.is_held

    def release(self) -> None:
        """Let the next one have the project; does nothing when done before."""
        self._lock.release()

    def publish(self, lease: DaemonLease) -> None:
        """Write the lease, and its copy beside the socket. Raises MachineError."""
        self._check()
        os.makedirs(leases.run_directory(self._state), mode=0o700, exist_ok=True)
        self._published = lease
        content = leases.format_daemon(lease)
        for path in (leases.daemon_path(self._state), leases.register_path(lease.socket)):
            atomic_write(path, content, mode=0o600, sync=False)

    def listen(self, path: str) -> _socket.socket:
        """Listen at `path`, in the place of any socket there. Raises OSError."""
        self._check()
        return sockets.listen(path)

    def open_book(self) -> ChildrenBook:
        """Begin a new list of children. Raises OSError."""
        self._check()
        return ChildrenBook(leases.children_path(self._state))

    def write_strays(self, processes: Iterable[ChildLease]) -> bool:
        """Replace the list of strays; False where it couldn't be written."""
        self._check()
        try:
            content = leases.format_children(processes)
            atomic_write(leases.strays_path(self._state), content, mode=0o600, sync=False)
        except DevbootError:
            return False  # a full disk, or no folder any more
        return True

    def write_reclaimed(self, daemon: int, stopped: int, killed: int) -> None:
        """Record how many processes of a killed daemon were stopped and killed."""
        self._check()
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(leases.reclaimed_path(self._state), flags, 0o600)
        except OSError:
            return
        try:
            os.write(descriptor, f"{daemon} {stopped} {killed}\n".encode())
        except OSError:
            return  # a full disk: `down` then reports what it has counted itself
        finally:
            os.close(descriptor)

    def forget(self, lease: DaemonLease | None = None) -> None:
        """Remove the files of an ended daemon, or of this one. Call it when none of its processes is left.

        `lease` replaces one that was deleted or damaged.
        """
        self._check()
        path = leases.daemon_path(self._state)
        written = leases.read_daemon(path)
        known = self._published or written or lease
        # Where the lock file was deleted, the state folder may be another daemon's by now.
        if self._lock.is_in_place or (written is not None and written.is_same(self._published)):
            for path_of in leases.WRITTEN:
                _unlink(path_of(self._state))
        if known is not None:
            _remove_socket(known)
            if known.has_group:
                cgroup.remove(known.group)

    def _check(self) -> None:
        if not self._lock.is_held:
            raise RuntimeError(f"`{self._lock.path}` was released")


def take(state: str, command: str) -> Ownership | None:
    """Take the daemon's lock; None while another process has it, or a daemon lives whose lock file was deleted.

    `command` is shown to those who wait. Raises MachineError.
    """
    lock = FileLock(leases.lock_path(state), command)
    if not lock.try_acquire():
        return None
    if leases.is_daemon_alive(leases.daemon_path(state)):
        lock.release()
        return None
    return Ownership(state, lock)


def wait(
    state: str,
    command: str,
    patience: float,
    *,
    is_hopeless: Callable[[], bool],
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Ownership | None:
    """Take the lock as soon as it is free; None after `patience` seconds, or as soon as `is_hopeless`.

    A guardian that was stopped while it held the lock is woken. Raises MachineError.
    """
    deadline = clock() + patience
    while (owned := take(state, command)) is None:
        if is_hopeless() or clock() >= deadline:
            return None
        wake_holder(state)
        pause(_POLL)
    return owned


def wake_holder(state: str) -> None:
    """Let the guardian go on if it was stopped while it held the lock."""
    lease = leases.read_daemon(leases.daemon_path(state))
    if lease is not None and read_holder(leases.lock_path(state)).pid == lease.guardian:
        wake_guardian(lease)


def _remove_socket(lease: DaemonLease) -> None:
    """Remove the socket of an ended daemon, and the copy of its lease, unless the next one listens there already."""
    copy = leases.read_daemon(leases.register_path(lease.socket))
    if copy is None or not copy.is_same(lease):
        return
    try:
        if stat.S_ISSOCK(os.lstat(lease.socket).st_mode):
            os.unlink(lease.socket)
    except OSError:
        pass  # gone already
    _unlink(leases.register_path(lease.socket))


def _unlink(path: str) -> None:
    try:  # noqa: SIM105  contextlib costs an import
        os.unlink(path)
    except OSError:
        pass  # gone already, or a folder in its place
