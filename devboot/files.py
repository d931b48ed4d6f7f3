"""Files that are whole or absent: atomic writes, locks between processes, fail-points.

The fast commands and the daemon import this: only modules that cost nothing beside a bare interpreter.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from _thread import get_ident  # what `threading` calls it, without its cost

from devboot.errors import BusyError, MachineError, shell_word
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import BinaryIO

_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EBADF}
_IN_THE_WAY = {errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENOTEMPTY, errno.EEXIST, errno.ENXIO}
_OF_PROJECT = {".devboot", ".venv", "devboot.lock"}
WRITABLE = "/a/path/that/can/be/written"
_POLL = 0.01
_WRITTEN = 16 * 1024 * 1024


# Fail-points


def fail_point(name: str) -> None:
    """Die, fail or sleep here when DEVBOOT_FAIL_POINT says `name=ACTION` and DEVBOOT_TEST is 1.

    ACTION is `kill` (SIGKILL to itself), `enospc`, `eio` (an OSError) or `sleep` (half a minute). Tests enumerate the
    names from the source, so that a new one is covered by the day it is written.
    """
    if os.environ.get("DEVBOOT_TEST") != "1":
        return
    wanted, _, action = os.environ.get("DEVBOOT_FAIL_POINT", "").partition("=")
    if wanted == name:
        _fail(name, action)


def _fail(name: str, action: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), 9)
    elif action == "sleep":
        time.sleep(30)
    elif action in ("enospc", "eio"):
        number = getattr(errno, action.upper())
        raise OSError(number, os.strerror(number), name)


# Errors of the machine


def machine_error(error: OSError, path: str, doing: str = "write") -> MachineError:
    """What an OSError about `path` means to the user: disk full, out of inodes, read-only, not permitted."""
    where = _nearest_existing(path)
    cause = f"{(error.strerror or 'input/output error').lower()}: `{error.filename or path}`"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full(where, path, cause)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return _not_writable(where, path, cause, doing, read_only=error.errno == errno.EROFS)
    if error.errno in _IN_THE_WAY or (error.errno == errno.ENOENT and _leads_nowhere(_nearest_name(path))):
        return _in_the_way(path, cause)
    return MachineError("machine/io", f"can't {doing} `{path}`", causes=[cause], help=["dmesg | tail"])


def _full(where: str, path: str, cause: str) -> MachineError:
    room = os.statvfs(where)
    if room.f_files and not room.f_favail:
        return MachineError(
            "machine/no-inodes",
            f"no inodes are left where `{path}` belongs",
            causes=[cause],
            help=[f"df -i {shell_word(where)}", elsewhere(path, "/a/path/on/another/filesystem")],
        )
    free = room.f_bavail * room.f_frsize
    return MachineError(
        "machine/disk-full",
        f"the disk is full where `{path}` belongs",
        causes=[cause, f"{free // 1_000_000} MB are free on the filesystem of `{where}`"],
        help=[f"df -h {shell_word(where)}", elsewhere(path, "/a/path/on/another/filesystem")],
    )


def elsewhere(path: str, place: str) -> str:
    """The way to another place: for what devboot keeps for the user a variable names it, the rest is the project's."""
    root = _project_of(path)
    return f"cp -R {shell_word(root)} {place}   # and work there" if root else f"export DEVBOOT_HOME={place}"


def _project_of(path: str) -> str:
    """The root of the project whose file `path` is by its name; "" for what isn't kept in a project."""
    parts = os.path.abspath(path).split("/")
    first = next((number for number, part in enumerate(parts) if part in _OF_PROJECT), 0)
    return "/".join(parts[:first]) or ("/" if first else "")


def _not_writable(where: str, path: str, cause: str, doing: str, *, read_only: bool) -> MachineError:
    found = os.stat(where)
    owner = f"`{where}` belongs to user {found.st_uid} (mode {stat.S_IMODE(found.st_mode):04o})"
    if read_only:
        fix = elsewhere(path, WRITABLE)
    elif found.st_uid != os.getuid():
        fix = f"sudo chown -R {os.getuid()} {shell_word(where)}"
    else:
        fix = f"chmod u+rwX {shell_word(where)}"
    return MachineError("machine/not-writable", f"can't {doing} `{path}`", causes=[cause, owner], help=[fix])


def _in_the_way(path: str, cause: str) -> MachineError:
    """A directory or a pipe where a file belongs, a file where a directory does, a link to itself or to nothing."""
    there = _nearest_name(path)
    link = [f"`{there}` is a link to `{os.readlink(there)}`, which isn't there"] if _leads_nowhere(there) else []
    return MachineError(
        "machine/in-the-way",
        f"something else is where `{path}` belongs",
        causes=[cause, *link],
        help=[f"mv {shell_word(there)} {shell_word(there + '.aside')}"],
    )


def _nearest_name(path: str) -> str:
    path = os.path.abspath(path)
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path


def _leads_nowhere(path: str) -> bool:
    return os.path.islink(path) and not os.path.exists(path)


def _nearest_existing(path: str) -> str:
    path = os.path.abspath(path)
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path


# Plain files


def plain(path: str, flags: int) -> int:
    """An `opener` for `open` on what devboot has written itself: a named pipe there would be waited for, for ever.

    Raises OSError, ENXIO as the kernel does for sockets.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    kind = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):  # `open` refuses a directory by itself
        os.close(descriptor)
        raise OSError(errno.ENXIO, "not a plain file", path)
    return descriptor


def read_bounded(stream: BinaryIO) -> bytes:
    """All of a file that people write; more than a person writes (a link to /dev/zero) is an OSError, EFBIG."""
    data = stream.read(_WRITTEN + 1)
    if len(data) > _WRITTEN:
        raise OSError(errno.EFBIG, "file too large", stream.name)
    return data


# Whole or absent


def make_directories(path: str) -> None:
    """Create a directory and what is missing above it, for this user alone whatever the umask is. Raises OSError."""
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    if parent != path:
        make_directories(parent)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def atomic_write(path: str, data: bytes | str, *, mode: int | None = None, sync: bool = True) -> None:
    """Put `data` at `path` as a whole or not at all, following a symbolic link to its target.

    `mode` is set exactly; None keeps that of the file there, else what the umask gives. `sync=False` is for what can
    be made again: it survives a crash of the process, not of the machine. Raises MachineError.
    """
    named, path = path, os.path.realpath(path)
    content = data.encode() if isinstance(data, str) else data
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    try:
        _write_beside(temporary, content, _mode_for(path, mode), sync=sync)
        fail_point("write/before-rename")
        os.rename(temporary, path)
        fail_point("write/after-rename")
        if sync:
            sync_directory(os.path.dirname(path))
            sweep(path)
    except OSError as error:
        _unlink_quietly(temporary)
        raise machine_error(error, named if error.errno == errno.ENOENT else path) from error
    except BaseException:
        _unlink_quietly(temporary)
        raise


def sweep(path: str) -> None:
    """Remove what writers of the same file have left that were killed half way."""
    directory, name = os.path.split(path)
    for entry in os.listdir(directory):
        if entry.startswith(name + ".") and entry.endswith(".tmp"):
            pid = entry[len(name) + 1 :].partition(".")[0]
            if pid.isdigit() and not _is_alive(int(pid)):
                _unlink_quietly(os.path.join(directory, entry))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs, as somebody else
    return True


def _mode_for(path: str, mode: int | None) -> int | None:
    if mode is not None:
        return mode
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        return None


def _write_beside(temporary: str, content: bytes, mode: int | None, *, sync: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o666 if mode is None else 0o600)
    with open(descriptor, "wb", buffering=0) as stream:
        fail_point("write/created")
        view = memoryview(content)
        while view:
            view = view[stream.write(view) :]
        if mode is not None:
            os.fchmod(descriptor, mode)  # after the write, so that a secret is never readable half way
        if sync:
            os.fsync(descriptor)


def _unlink_quietly(path: str) -> None:
    try:  # noqa: SIM105  contextlib costs an import
        os.unlink(path)
    except OSError:
        pass  # gone already, or the disk that failed us fails here too


def sync_directory(path: str) -> None:
    """Make renames and new names in a directory survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def exchange(one: str, other: str) -> None:
    """Swap two paths of one filesystem, so that both names always stand for something where the system can do that."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    if hasattr(libc, "renameat2"):
        failed = libc.renameat2(-100, paths[0], -100, paths[1], 2)  # AT_FDCWD, RENAME_EXCHANGE
    else:
        failed = libc.renamex_np(*paths, 2) if hasattr(libc, "renamex_np") else -1  # macOS: RENAME_SWAP
    if failed:  # an old kernel or a network filesystem: a moment without `other` is the best there is
        aside = f"{one}.old"
        os.rename(other, aside)
        os.rename(one, other)
        os.rename(aside, one)


def move_aside(path: str, at: float, *, companions: Sequence[str] = ()) -> str:
    """Rename `path` to a dated name beside it and return that; `at` is wall-clock seconds. Overwrites nothing.

    `companions` are endings of files that belong to it and move along where they are there (SQLite's `-wal`).
    """
    dated = f"{path}.{time.strftime('%Y-%m-%dT%H%M%S', time.localtime(at))}"
    target, number = dated, 1
    while any(os.path.lexists(target + ending) for ending in ("", *companions)):
        number += 1
        target = f"{dated}-{number}"
    try:
        # the main file last: a companion that stayed behind would be taken for that of the next one at this place
        for ending in (*companions, ""):
            if os.path.lexists(path + ending):
                os.rename(path + ending, target + ending)
        sync_directory(os.path.dirname(os.path.abspath(path)))
    except OSError as error:
        raise machine_error(error, path, "move aside") from error
    return target


# Locks between processes


class Holder(Record):
    """Who holds a lock: process id, its command, and wall-clock seconds since when. Zero and "" where unknown."""

    pid: int
    command: str
    since: float

    def describe(self, now: float) -> str:
        """As in `pid 4711 (up, 12 s)`."""
        if not self.pid:
            return "another process"
        return f"pid {self.pid} ({self.command}, {max(0, round(now - self.since))} s)"


# The order of locks: who holds one may wait for those further on, for one of the same rank or an earlier one never.
UNRANKED, PROJECT, COLLECTION, BUILD, TRANSFER, TABLE = range(6)


class FileLock:
    """An exclusive lock between processes, free as soon as its holder is gone.

    `command` is told to those who wait. Who holds a lock and waits for another one waits for one of higher `rank`, so
    that no two ever wait for each other; where DEVBOOT_TEST is 1, anything else is an AssertionError. A forked child
    never inherits it: a flock lives as long as any descriptor of it, so that a daemon would keep what its provisioner
    held.
    """

    def __init__(self, path: str, command: str, rank: int = UNRANKED) -> None:
        self.path = path
        self.command = command
        self.rank = rank
        self._descriptor = -1
        self._thread = 0

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock now."""
        return self._descriptor >= 0

    def try_acquire(self) -> bool:
        """Take the lock if it is free. Raises MachineError (`machine/locks-unsupported`, `machine/not-writable`)."""
        while True:
            try:
                make_directories(os.path.dirname(self.path))
                descriptor = plain(self.path, os.O_RDWR | os.O_CREAT)
            except OSError as error:
                raise machine_error(error, self.path, "lock") from error
            if not _flock(descriptor, self.path):
                return False
            if _is_still_at(descriptor, self.path):
                break
            os.close(descriptor)  # someone removed the file while we waited: what we hold is no longer the lock
        self._descriptor, self._thread = descriptor, get_ident()
        _held.add(self)
        self._sign()
        return True

    def acquire(self, *, timeout: float = 600.0, waiting: Callable[[Holder], None] | None = None) -> None:
        """Take the lock, waiting for at most `timeout` seconds; `waiting` is told once who holds it.

        Raises BusyError `busy/locked` and what `try_acquire` raises.
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
        """Let go; does nothing when not held."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            # said outright, for a child forked this instant that hasn't closed its copy yet
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
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
        os.ftruncate(self._descriptor, 0)
        try:
            os.pwrite(self._descriptor, f"{os.getpid()}\n{self.command}\n{time.time()}\n".encode(), 0)
        except OSError:  # a full disk: it is held all the same, and `gc` needs it to make room
            return

    def _busy(self, waited: float) -> BusyError:
        holder = read_holder(self.path)
        return BusyError(
            "busy/locked",
            f"another devboot holds `{self.path}`",
            causes=[
                f"{holder.describe(time.time())} {f'still works after {waited:.0f} s' if waited else 'is at work'}"
            ],
            help=[f"ps -fp {holder.pid}" if holder.pid else f"fuser -v {shell_word(self.path)}"],
        )

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        _held.discard(self)
        if descriptor >= 0:
            os.close(descriptor)


_held: set[FileLock] = set()


def _check_order(wanted: FileLock) -> None:
    """A thread that waits the wrong way round may wait for ever, some day: tests are to see it every day."""
    if wanted.rank and os.environ.get("DEVBOOT_TEST") == "1":
        mine = (lock for lock in tuple(_held) if lock._thread == get_ident() and lock.rank >= wanted.rank)  # noqa: SLF001
        if (held := next(mine, None)) is not None:
            raise AssertionError(f"waits for `{wanted.path}` while it holds `{held.path}`")


def _close_in_child() -> None:
    for lock in tuple(_held):
        lock._close()  # noqa: SLF001  the one place that acts for all locks of a process


os.register_at_fork(after_in_child=_close_in_child)


def read_holder(path: str) -> Holder:
    """Who signed the lock at `path`; an unknown holder when nobody did."""
    try:
        with open(path, encoding="utf-8", errors="replace", opener=plain) as stream:
            pid, command, since = stream.read(4096).splitlines()
        return Holder(int(pid), command, float(since))
    except (OSError, ValueError):
        return Holder(0, "", 0.0)


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


def _is_still_at(descriptor: int, path: str) -> bool:
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
