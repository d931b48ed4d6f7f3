"""The daemon's lock of a project, and the files that only the lock's holder may change: lease, lists, socket.

An `Ownership` exists only while the lock is held, and the files are written only through it. So neither a guardian nor
a command can delete files of the next daemon, whatever the timing.
"""

from __future__ import annotations

import os
import stat
import time

from devboot import snapshot
from devboot.daemon import cgroup, leases
from devboot.daemon.leases import ChildrenBook, DaemonLease
from devboot.daemon.signalling import wake_guardian
from devboot.errors import DevbootError
from devboot.files import atomic_write, machine_error, make_directories
from devboot.locks import FileLock, hold_folder, is_in_place, read_holder
from devboot.wire import sockets

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable, Iterable

    from devboot.daemon.leases import ChildLease

_POLL = 0.005


class Ownership:
    """The held lock of a project, and with it the right to change the daemon's files. Created by `take`.

    A daemon also locks the folder `data`, by the descriptor `held`: deleting all files of a running daemon doesn't make
    room for a second one. Commands that only clean up have -1 and "" instead.
    """

    def __init__(self, state: str, lock: FileLock, data: str = "", held: int = -1) -> None:
        self._state = state
        self._lock = lock
        self._data = data
        self._held = held
        self._published: DaemonLease | None = None
        self._written: list[str] = []  # paths of lease, copies and socket

    def __enter__(self) -> Ownership:  # noqa: PYI034  typing costs an import
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def renew(self) -> bool:
        """Recreate and lock deleted lock files.

        Return False after `release`, or if another process has locked them first.
        """
        if not self._lock.is_held:
            return False
        if self._data and not is_in_place(self._held, self._data):
            held = _hold(self._data)
            if held is None:
                return False
            os.close(self._held)
            self._held = held
        if not self._lock.is_in_place:
            fresh = FileLock(self._lock.path, self._lock.command)
            if not fresh.try_acquire():
                return False
            self._lock.release()
            self._lock = fresh
        return True

    def release(self) -> None:
        """Release the lock; does nothing if it was released before."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1
        self._lock.release()

    def publish(self, lease: DaemonLease) -> None:
        """Write the daemon's lease, with copies next to the socket and in the data folder. Raises MachineError."""
        self._check()
        os.makedirs(leases.run_directory(self._state), mode=0o700, exist_ok=True)
        self._published = lease
        content = leases.format_daemon(lease)
        paths = [leases.daemon_path(self._state), leases.register_path(lease.socket)]
        for path in paths:
            atomic_write(path, content, mode=0o600, sync=False)
        self._written = [*paths, lease.socket]
        if self._data:
            path = leases.data_path(self._data)
            try:
                atomic_write(path, content, mode=0o600, sync=False)
            except DevbootError:
                return  # a full disk: the other copies suffice
            self._written.append(path)

    @property
    def is_published(self) -> bool:
        """True if the lock file, the lease and its copies all exist."""
        return self._lock.is_in_place and all(map(os.path.lexists, self._written))

    def listen(self, path: str) -> _socket.socket:
        """Open a listening socket at `path`, replacing any socket there. Raises OSError."""
        self._check()
        return sockets.listen(path)

    def open_book(self) -> ChildrenBook:
        """Create an empty list of the daemon's children, as a file. Raises OSError."""
        self._check()
        return ChildrenBook(leases.children_path(self._state))

    def write_strays(self, processes: Iterable[ChildLease]) -> bool:
        """Replace the file that lists stray processes; return False if it could not be written."""
        self._check()
        try:
            content = leases.format_children(processes)
            atomic_write(leases.strays_path(self._state), content, mode=0o600, sync=False)
        except DevbootError:
            return False  # a full disk, or the folder was deleted
        return True

    def write_reclaimed(self, daemon: int, stopped: int, killed: int) -> None:
        """Record how many processes of the killed daemon with pid `daemon` were stopped and killed."""
        self._check()
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(leases.reclaimed_path(self._state), flags, 0o600)
        except OSError:
            return
        try:
            os.write(descriptor, f"{daemon} {stopped} {killed}\n".encode())
        except OSError:
            return  # a full disk: `down` then reports only its own numbers
        finally:
            os.close(descriptor)

    def forget(self, lease: DaemonLease | None = None) -> None:
        """Remove the files of an ended daemon, or of this one. Call it when none of its processes is left.

        `lease` is used if the stored one was deleted or damaged.
        """
        self._check()
        path = leases.daemon_path(self._state)
        written = leases.read_daemon(path)
        known = self._published or written or lease
        # If the lock file was deleted, another daemon may have the state folder by now.
        if self._published is not None:
            snapshot.mark_end(self._state)
        if self._lock.is_in_place or (written is not None and written.is_same(self._published)):
            for path_of in leases.WRITTEN:
                _unlink(path_of(self._state))
        if known is not None:
            _remove_copy(known)
            _remove_socket(known)
            if known.has_group:
                cgroup.remove(known.group)

    def _check(self) -> None:
        if not self._lock.is_held:
            raise RuntimeError(f"`{self._lock.path}` was released")


def take(state: str, command: str, data: str = "") -> Ownership | None:
    """Take the daemon's lock of a project and return it; None if another process or a live daemon has it.

    `command` is shown to waiting commands. `data` is the project's data folder, if servers will run on it: it is
    locked, too, and created if missing. Raises MachineError.
    """
    lock = FileLock(leases.lock_path(state), command)
    if not lock.try_acquire():
        return None
    held = _hold(data) if data else -1
    if held is None or leases.is_daemon_alive(leases.daemon_path(state)):
        if held is not None and held >= 0:
            os.close(held)
        lock.release()
        return None
    return Ownership(state, lock, data, held)


def _hold(data: str) -> int | None:
    try:
        make_directories(data)
        return hold_folder(data)
    except OSError as error:
        raise machine_error(error, data, "lock") from error


def wait(
    state: str,
    command: str,
    patience: float,
    data: str = "",
    *,
    is_hopeless: Callable[[], bool],
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Ownership | None:
    """Take the daemon's lock as `take` does, waiting until it is free; None after `patience` seconds.

    Gives up early if `is_hopeless()`. A guardian that holds the lock and was paused by a signal gets SIGCONT. Raises
    MachineError.
    """
    deadline = clock() + patience
    while (owned := take(state, command, data)) is None:
        if is_hopeless() or clock() >= deadline:
            return None
        wake_holder(state)
        pause(_POLL)
    return owned


def wake_holder(state: str) -> None:
    """Send SIGCONT to the guardian if it holds the daemon's lock, in case a signal has paused it."""
    lease = leases.read_daemon(leases.daemon_path(state))
    if lease is not None and read_holder(leases.lock_path(state)).pid == lease.guardian:
        wake_guardian(lease)


def _remove_copy(lease: DaemonLease) -> None:
    """Remove the lease's copy in the data folder, unless a later daemon has replaced it."""
    if not lease.data:
        return
    copy = leases.read_daemon(leases.data_path(lease.data))
    if copy is not None and copy.is_same(lease):
        _unlink(leases.data_path(lease.data))


def _remove_socket(lease: DaemonLease) -> None:
    """Remove an ended daemon's socket and the lease's copy next to it, unless a later daemon listens there."""
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
        pass  # gone, or a folder
