"""Opens SQLite connections, closes them after use, and translates SQLite's errors into errors of devboot."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from urllib.parse import quote

from devboot.clone_reader import refuse_irregular
from devboot.environment.ports.holders import holders_of
from devboot.errors import BusyError, DevbootError, MachineError, shell_word
from devboot.files import error_of_disk, is_read_only, machine_error

BUSY_SECONDS = 10.0
_LOOKS, _PAUSE = 4, 0.1  # times and seconds
_SHARED = (510, 0x40000002)  # length and start of the bytes that SQLite locks for reading
SIDE_FILES = ("-journal", "-wal", "-shm")


@contextmanager
def connected(
    path: str, *, busy: float = BUSY_SECONDS, create: bool = False, is_read_only: bool = False
) -> Iterator[sqlite3.Connection]:
    """Open a connection in autocommit mode that waits `busy` seconds for locks; `create` creates a missing file.

    With `is_read_only` neither the file nor its log or journal is changed; a database that needs that to be read is an
    error.

    Raises BusyError `sqlite/locked`, MachineError `sqlite/damaged`, `sqlite/failed`, `machine/…`.
    """
    refuse_irregular_files(path)
    mode = "ro" if is_read_only else "rwc" if create else "rw"
    try:
        connection = sqlite3.connect(
            f"file:{quote(os.fsencode(path))}?mode={mode}", uri=True, timeout=busy, isolation_level=None
        )
    except sqlite3.Error as error:
        raise translated(error, path, busy) from error
    try:
        yield connection
    except sqlite3.Error as error:
        raise translated(error, path, busy) from error
    finally:
        connection.close()


@contextmanager
def looking(path: str) -> Iterator[sqlite3.Connection]:
    """Open a read-only connection that creates no file beside the database and ignores its write-ahead log.

    Raises the errors of `connected`.
    """
    refuse_irregular_files(path)
    try:
        where = f"file:{quote(os.fsencode(path))}?mode=ro&immutable=1"
        with closing(sqlite3.connect(where, uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")  # a schema must not call functions with side effects
            yield connection
    except sqlite3.Error as error:
        raise translated(error, path) from error


def refuse_locked(path: str) -> None:
    """Raise BusyError `sqlite/locked` if another process locks the database against reading for a third of a second.

    SQLite's own lock is taken and released at once; the file isn't opened as a database.
    """
    refuse_irregular_files(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        for _ in range(_LOOKS):
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, *_SHARED)
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EAGAIN):
                    return  # the filesystem has no locks
                time.sleep(_PAUSE)
            else:
                fcntl.lockf(descriptor, fcntl.LOCK_UN, *_SHARED)
                return
    finally:
        os.close(descriptor)
    raise _locked(path, _LOOKS * _PAUSE)


def refuse_irregular_files(path: str) -> None:
    """Raise MachineError if the database or a file beside it is a named pipe, a device or a directory.

    SQLite opens its journal without checking its kind: it would wait for a writer on a pipe, and write to the target
    of a link.
    """
    for name in (path, *(os.path.realpath(path) + suffix for suffix in SIDE_FILES)):
        try:
            refuse_irregular(name)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise machine_error(error, name, "read") from error
        if name != path and os.path.islink(name):
            reason = f"it is a link to `{os.readlink(name)}`, which SQLite would write to"
            raise machine_error(OSError(errno.ENXIO, reason, name), name)


def translated(
    error: sqlite3.Error,
    path: str,
    busy: float = BUSY_SECONDS,
    find_error: Callable[[str], OSError | None] | None = None,
) -> DevbootError:
    """Return the error of devboot for an SQLite error about the database `path`.

    `busy` is how long it waited, in seconds. SQLite doesn't report the errno of a failed read or write, so
    `find_error(folder)` finds it by a test write.
    """
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return _locked(path, busy)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return MachineError(
            "sqlite/damaged",
            f"the database `{path}` is damaged",
            causes=[str(error)],
            help=["devboot doctor   # shows the copies that can replace it"],
        )
    if code == sqlite3.SQLITE_READONLY:
        return machine_error(OSError(errno.EROFS if is_read_only(path) else errno.EACCES, str(error), path), path)
    if code == sqlite3.SQLITE_FULL:
        where = shell_word(os.path.dirname(path) or ".")
        what = f"the disk is full where `{path}` belongs"
        return MachineError("machine/disk-full", what, causes=[str(error)], help=[f"df -h {where}"])
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        failed = (find_error or error_of_disk)(os.path.dirname(path) or ".")
        if failed is not None:
            return machine_error(OSError(failed.errno, f"{failed.strerror} ({error})", path), path)
    return MachineError(
        "sqlite/failed",
        f"SQLite can't read or write `{path}`",
        causes=[str(error)],
        help=[f"ls -l {shell_word(path)}   # its owner and mode", "devboot explain sqlite/failed"],
    )


def _locked(path: str, busy: float) -> BusyError:
    holders = holders_of(path)
    who = ", ".join(holder.describe() for holder in holders) or "a process that can't be seen from here"
    return BusyError(
        "sqlite/locked",
        f"the database `{path}` is locked",
        causes=[f"{who} still has it after {busy:.0f} s"],
        help=["devboot down"] if not holders else [f"ps -fp {holders[0].pid}"],
    )
