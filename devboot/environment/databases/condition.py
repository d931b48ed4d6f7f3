"""Checks the state of a database file before it is used."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from devboot.clone_reader import read_bytes, read_head
from devboot.environment.databases.connection import (
    BUSY_SECONDS,
    SIDE_FILES,
    connected,
    looking,
    refuse_irregular_files,
    translated,
)
from devboot.environment.ports.holders import holders_of
from devboot.errors import DevbootError
from devboot.files import dated_siblings, machine_error
from devboot.model.data_files import SQLITE_MAGIC
from devboot.scratch import scratch_folder

MISSING, EMPTY, WHOLE, DAMAGED = "missing", "empty", "whole", "damaged"
_QUICK_CHECK_BYTES = 64_000_000  # above that a check takes seconds: SQLite finds damage as it comes to it
LOGS = ("-journal", "-wal")  # of SIDE_FILES, those with content; `-shm` is made again from them
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")  # of a journal that a crash left; zeros after a commit
_PAGES = slice(16, 20)  # in a journal: how many pages the database had before, big-endian
LOST = "it has 0 bytes, and it had content before"
RESTORED = ".restored-by-devboot"  # ending of a copy until it takes the place of a damaged database
GIT_LFS = "it is a pointer of Git LFS, not the file itself"
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "fuse.s3fs", "vboxsf", "prl_fs"}


Checker = Callable[[str, int], str]  # path and size → the complaint


def examine(path: str, *, busy: float = BUSY_SECONDS) -> tuple[str, str]:
    """Return the state of a database file (EMPTY, DAMAGED, …), and SQLite's complaint if it is damaged; change nothing.

    A journal or log that a crash has left counts as content of the database. Raises BusyError `sqlite/locked`, and
    MachineError if the file can't be read.
    """

    def check(path: str, size: int) -> str:
        if logs_of(path):
            return _check_with_logs(path, size, busy)
        with connected(path, busy=busy) as connection:
            return _check(connection, size)

    return _examined(path, check)


def look_at(path: str) -> tuple[str, str]:
    """Return the same as `examine`, but create no temporary file of SQLite beside the database.

    If a log or journal is beside it, a copy is checked; a database that is large or in use counts as undamaged then.
    """

    def check(path: str, size: int) -> str:
        if any(os.path.lexists(path + suffix) for suffix in SIDE_FILES):
            return _check_unused(path, size) or ""
        with looking(path) as connection:
            return _check(connection, size)

    return _examined(path, check)


def kept_by_restoration(path: str) -> str:
    """Return the dated name that a restoration, killed before it was complete, has given the damaged file; or "".

    The file at `path` is the same one until the copy takes its place, but its log and journal may be moved already.
    """
    if not os.path.lexists(path + RESTORED) or not os.path.lexists(path):
        return ""
    own = os.lstat(path)
    return next((name for name in dated_siblings(path) if os.path.samestat(os.lstat(name), own)), "")


def _examined(path: str, check: Checker) -> tuple[str, str]:
    if kept_by_restoration(path):
        return DAMAGED, "`devboot doctor --fix` was interrupted while it restored a copy"
    if not os.path.lexists(path):
        return MISSING, ""
    if not os.path.isfile(path):
        return DAMAGED, _other_kind(path)
    try:
        log = _log_of_content(path)  # before the size: another process may be writing the first page
        size = os.path.getsize(path)
        if size == 0:  # SQLite's own check takes it for a good one, and deletes the log
            return (DAMAGED, f"{LOST}: its log `{log}` is still there") if log else (EMPTY, "")
        complaint = _complaint(path, size, check)
    except OSError as error:
        raise machine_error(error, path, "read") from error
    return (DAMAGED, complaint) if complaint else (WHOLE, "")


def logs_of(path: str) -> list[str]:
    """Return the paths of a database's journal and write-ahead log that exist and aren't empty."""
    real = os.path.realpath(path)
    return [real + suffix for suffix in LOGS if os.path.isfile(real + suffix) and os.path.getsize(real + suffix)]


def _log_of_content(path: str) -> str:
    """Return the path of a log or journal that proves the database had content; "" if there is none."""
    for log in logs_of(path):
        if log.endswith("-wal"):
            return log
        head = read_head(log, _PAGES.stop)
        if head.startswith(_JOURNAL_MAGIC) and any(head[_PAGES]):
            return log
    return ""


def _check_with_logs(path: str, size: int, busy: float) -> str:
    """Return SQLite's complaint about a database with a log or journal left by a crash; "" if it is sound.

    Opening the file for writing would apply the log, so a copy is checked; if it is large or in use, the file itself,
    opened for reading.
    """
    complaint = _check_unused(path, size)
    if complaint is not None:
        return complaint
    try:
        with connected(path, busy=busy, is_read_only=True) as connection:
            return _check(connection, size)
    except DevbootError as error:
        if getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_READONLY:
            raise
        return ""  # it has to be rolled back before it can be read: whoever opens it for writing does that


def _check_unused(path: str, size: int) -> str | None:
    """Return SQLite's complaint about a copy of a database and its logs.

    None if it is large, in use, or can't be copied. Raises MachineError if a file beside it isn't a regular one.
    """
    refuse_irregular_files(path)
    before = stamps(path)
    if sum(length for _, length in before) > _QUICK_CHECK_BYTES or holders_of(path):
        return None
    try:
        with copied_with_logs(path, _QUICK_CHECK_BYTES) as copy, connected(copy) as connection:
            complaint = _check(connection, size)
    except OSError:
        return None
    except DevbootError as error:
        if error.slug != "sqlite/damaged":
            return None
        complaint = str(error.__cause__)
    return None if complaint and stamps(path) != before else complaint


@contextmanager
def copied_with_logs(path: str, limit: int, where: str | None = None) -> Iterator[str]:
    """Copy a database with its journal and log (at most `limit` bytes each) to a temporary folder in `where`.

    Yield its path. The copy can be opened for writing, which applies the log. Raises OSError.
    """
    real = os.path.realpath(path)
    with scratch_folder(where) as folder:
        copy = os.path.join(folder, "copy")
        for name in (real, *logs_of(path)):
            with open(copy + name.removeprefix(real), "wb") as file:
                file.write(read_bytes(name, limit=limit))
        yield copy


def stamps(path: str) -> list[tuple[int, int]]:
    """Return modification time (ns) and size of a database, its journal and its log; they change with the content."""
    statuses = [os.stat(name) for name in (path, *logs_of(path))]
    return [(status.st_mtime_ns, status.st_size) for status in statuses]


def _other_kind(path: str) -> str:
    if os.path.islink(path) and not os.path.exists(path):
        return f"it is a link to `{os.readlink(path)}`, which isn't there"
    return "it is a directory" if os.path.isdir(path) else "it isn't a file"


def _complaint(path: str, size: int, check: Checker) -> str:
    magic = read_head(path, len(SQLITE_MAGIC))
    if magic and magic != SQLITE_MAGIC:
        return GIT_LFS if _is_pointer(path) else "file is not a database"
    try:
        return check(path, size)
    except sqlite3.Error as error:
        return str(error)
    except Exception as error:
        if getattr(error, "slug", "") != "sqlite/damaged":
            raise
        return str(error.__cause__)


def _check(connection: sqlite3.Connection, size: int) -> str:
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if size > _QUICK_CHECK_BYTES:
        return ""
    rows = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    return "" if rows == ["ok"] else rows[0].replace("\n", " ")


def _is_pointer(path: str) -> bool:
    return b"git-lfs" in read_head(path, 200).partition(b"\n")[0]


def is_on_network(path: str, mounts: str) -> bool:
    """Return whether `path` (absolute, resolved) is on a network filesystem; `mounts` is /proc/self/mounts."""
    best, kind = "", ""
    for line in mounts.splitlines():
        _, place, filesystem, *_ = line.split(" ")
        place = place.replace("\\040", " ")
        if (path + "/").startswith(place.rstrip("/") + "/") and len(place) >= len(best):
            best, kind = place, filesystem
    return kind in _NETWORK


def schema_cookie(path: str) -> str:
    """Return SQLite's schema counter as eight hexadecimal digits, which change with the schema.

    "-" without a database.
    """
    try:
        header = read_head(path, 44)
    except OSError:
        return "-"
    return header[40:44].hex() or "-"


__all__ = [
    "DAMAGED",
    "EMPTY",
    "LOST",
    "MISSING",
    "SIDE_FILES",
    "WHOLE",
    "examine",
    "is_on_network",
    "look_at",
    "schema_cookie",
    "translated",
]
