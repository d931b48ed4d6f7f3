"""Locks between processes: released when the holder ends, with the holder's pid, taken in a fixed order.

The fast commands and the daemon import this: only modules that cost nothing beside a bare interpreter.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import time
from _thread import get_ident  # what `threading` calls it, without its cost

from devboot.errors import BusyError, MachineError, shell_word
from devboot.files import machine_error, make_directories, plain
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EBADF}
_POLL = 0.01
_TRIES, _TRY_AGAIN = 5, 0.001
_ASK_OPEN_FILE = getattr(fcntl, "F_OFD_GETLK", None)  # Linux
_NUMBER_BYTES, _STRUCT_FLOCK = 2, 32  # `struct flock`: zeros after the kind of lock mean the whole file


class Holder(Record):
    """The process that holds a lock: pid, command, since when (wall-clock seconds). 0 and "" if unknown."""

    pid: int
    command: str
    since: float

    def describe(self, now: float) -> str:
        """Return a description of the holder, as in `pid 4711 (up, 12 s)`."""
        if not self.pid:
            return "another process"
        return f"pid {self.pid} ({self.command}, {max(0, round(now - self.since))} s)"


# The order of locks: a thread that holds one may only wait for later ones, never for the same rank or an earlier one.
UNRANKED, PROJECT, COLLECTION, BUILD, TRANSFER, TABLE = range(6)


class FileLock:
    """An exclusive lock between processes, released when its holder ends.

    `command` is shown to those who wait. A thread that holds a lock may only wait for one of higher `rank`, so that no
    two wait for each other; with DEVBOOT_TEST=1 any other order is an AssertionError. A forked child never inherits
    it: a flock lives as long as any descriptor of it, so that a daemon would keep its provisioner's lock.
    """

    def __init__(self, path: str, command: str, rank: int = UNRANKED) -> None:
        self.path = path
        self.command = command
        self.rank = rank
        self.descriptor = -1
        self._thread = 0

    @property
    def is_held(self) -> bool:
        """Return whether this object holds the lock now."""
        return self.descriptor >= 0

    @property
    def is_in_place(self) -> bool:
        """Return whether this object holds the lock and its file hasn't been deleted or replaced since."""
        return self.is_held and is_in_place(self.descriptor, self.path)

    def try_acquire(self) -> bool:
        """Take the lock if it is free, and return whether it was taken.

        Raises MachineError (`machine/locks-unsupported`, `machine/not-writable`).
        """
        while True:
            try:
                make_directories(os.path.dirname(self.path))
                descriptor = plain(self.path, os.O_RDWR | os.O_CREAT)
            except OSError as error:
                raise machine_error(error, self.path, "lock") from error
            if not _flock(descriptor, self.path):
                return False
            if is_in_place(descriptor, self.path):
                break
            os.close(descriptor)  # someone removed the file while we waited: what we hold is no longer the lock
        self.descriptor, self._thread = descriptor, get_ident()
        _held.add(self)
        self._sign()
        return True

    def acquire(self, *, timeout: float = 600.0, waiting: Callable[[Holder], None] | None = None) -> None:
        """Acquire the lock, waiting at most `timeout` seconds; `waiting` is called once with its holder.

        Raises BusyError `busy/locked` and the errors of `try_acquire`.
        """
        _check_order(self)
        deadline = time.monotonic() + timeout
        told = False
        while not self.try_acquire():
            if not told and waiting is not None:
                waiting(read_holder(self.path))
            told = True
            if time.monotonic() >= deadline:
                raise self._busy(timeout)
            time.sleep(_POLL)

    def release(self) -> None:
        """Release the lock; does nothing if it isn't held."""
        if self.descriptor >= 0:
            _empty(self.descriptor)
            # said outright, for a child forked this instant that hasn't closed its copy yet
            fcntl.flock(self.descriptor, fcntl.LOCK_UN)
        self._close()

    def __enter__(self) -> FileLock:  # noqa: PYI034  typing costs an import
        if not self.is_held:
            self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def _sign(self) -> None:
        _empty(self.descriptor)
        try:
            os.pwrite(self.descriptor, f"{os.getpid()}\n{self.command}\n{time.time()}\n".encode(), 0)
        except OSError:  # a full disk: the lock is held all the same, and `gc` needs it to free space
            return

    def _busy(self, waited: float) -> BusyError:
        holder = read_holder(self.path)
        return BusyError(
            "busy/locked",
            f"another devboot command has locked `{self.path}`",
            causes=[
                f"{holder.describe(time.time())} {f'still runs after {waited:.0f} s' if waited else 'is still running'}"
            ],
            help=[f"ps -fp {holder.pid}" if holder.pid else f"fuser -v {shell_word(self.path)}"],
        )

    def _close(self) -> None:
        descriptor, self.descriptor = self.descriptor, -1
        _held.discard(self)
        if descriptor >= 0:
            os.close(descriptor)


_held: set[FileLock] = set()


def _check_order(wanted: FileLock) -> None:
    """Raise AssertionError in tests if this thread holds a lock of the same or a higher rank, which might deadlock."""
    if wanted.rank and os.environ.get("DEVBOOT_TEST") == "1":
        mine = (lock for lock in tuple(_held) if lock._thread == get_ident() and lock.rank >= wanted.rank)  # noqa: SLF001
        if (held := next(mine, None)) is not None:
            raise AssertionError(f"waits for `{wanted.path}` while it holds `{held.path}`")


def _close_in_child() -> None:
    for lock in tuple(_held):
        lock._close()  # noqa: SLF001  the one place that acts for all locks of a process


os.register_at_fork(after_in_child=_close_in_child)


def is_locked(path: str) -> bool:
    """Return whether any process holds the lock at `path` now, without taking it."""
    try:
        descriptor = plain(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return _is_held(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def _is_held(descriptor: int, kind: int) -> bool:
    """Return whether another process' lock conflicts with one of this kind; False if the system can't tell."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    return False


def read_holder(path: str) -> Holder:
    """Return the holder recorded in the lock at `path`; an unknown one without a record."""
    try:
        with open(path, encoding="utf-8", errors="replace", opener=plain) as stream:
            pid, command, since = stream.read(4096).splitlines()
        return Holder(int(pid), command, float(since))
    except (OSError, ValueError):
        return Holder(0, "", 0.0)


def hold_folder(path: str) -> int | None:
    """Lock a folder and return the descriptor that keeps the lock; None if another process has it.

    Programs that inherit the descriptor keep the lock, too: it is released when the last of them has ended. The lock is
    on the folder itself, so there is no file to delete. On a network filesystem without such locks nothing is locked.
    Raises OSError.
    """
    for _ in range(_TRIES):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            time.sleep(_TRY_AGAIN)  # where nobody can ask for it, `is_folder_held` has it for a moment
            continue
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                os.close(descriptor)
                raise
        if is_in_place(descriptor, path):
            _show_lock(descriptor)
            return descriptor
        os.close(descriptor)
    return None


def _show_lock(descriptor: int) -> None:
    """Add a second lock for queries (OFD lock), since a query of the flock itself would block a starting server."""
    if _ASK_OPEN_FILE is None:
        return
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _lock_request(fcntl.F_RDLCK))
    except OSError:
        return  # `_is_lock_shown` can't ask for it there either


def _is_lock_shown(descriptor: int) -> bool | None:
    """Return whether another process has the second lock of this folder; None if the system can't tell."""
    if _ASK_OPEN_FILE is None:
        return None
    try:
        answer = fcntl.fcntl(descriptor, _ASK_OPEN_FILE, _lock_request(fcntl.F_WRLCK))
    except OSError:
        return None
    return int.from_bytes(answer[:_NUMBER_BYTES], sys.byteorder) != fcntl.F_UNLCK


def _lock_request(kind: int) -> bytes:
    return kind.to_bytes(_NUMBER_BYTES, sys.byteorder).ljust(_STRUCT_FLOCK, b"\0")


def is_folder_held(path: str) -> bool:
    """Return whether any process holds the lock of a folder; see `hold_folder`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        is_shown = _is_lock_shown(descriptor)
        return _is_held(descriptor, fcntl.LOCK_SH) if is_shown is None else is_shown
    finally:
        os.close(descriptor)


def _flock(descriptor: int, path: str) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    except OSError as error:
        os.close(descriptor)
        if error.errno in _NO_LOCKS:
            raise _unsupported(path, error) from error
        raise machine_error(error, path, "lock") from error
    return True


def _empty(descriptor: int) -> None:
    try:
        os.ftruncate(descriptor, 0)
    except OSError:
        return  # a disk with errors: the lock counts, not the signature


def is_in_place(descriptor: int, path: str) -> bool:
    """Return whether an open descriptor is of the file or folder that is at `path` now, not of a replaced one."""
    try:
        at_path = os.stat(path)
    except FileNotFoundError:
        return False
    ours = os.fstat(descriptor)
    return (ours.st_dev, ours.st_ino) == (at_path.st_dev, at_path.st_ino)


def _unsupported(path: str, error: OSError) -> MachineError:
    return MachineError(
        "machine/locks-unsupported",
        f"the filesystem of `{path}` has no file locks",
        causes=[(error.strerror or "").lower()],
        help=["export DEVBOOT_HOME=/a/path/on/a/local/disk"],
    )
