"""Checks the state of a database file before it is used."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager

from devboot.clone_reader import read_head
from devboot.environment.databases.connection import BUSY_SECONDS, SIDE_FILES, connected, looking, translated
from devboot.files import machine_error
from devboot.model.data_files import SQLITE_MAGIC

MISSING, EMPTY, WHOLE, DAMAGED = "missing", "empty", "whole", "damaged"
_QUICK_CHECK_BYTES = 64_000_000  # above that a check takes seconds: SQLite finds damage as it comes to it
GIT_LFS = "it is a pointer of Git LFS, not the file itself"
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "fuse.s3fs", "vboxsf", "prl_fs"}


Opener = Callable[[str], AbstractContextManager[sqlite3.Connection]]


def examine(path: str, *, busy: float = BUSY_SECONDS) -> tuple[str, str]:
    """Return the state of the file, and the complaint about a damaged one.

    Opening a database recovers it from a journal or a log that a crash has left. Raises BusyError `sqlite/locked`, and
    MachineError if the file can't be read.
    """
    return _examined(path, lambda path: connected(path, busy=busy))


def look_at(path: str) -> tuple[str, str]:
    """Examine the file like `examine`, but write nothing: one with a log or a journal beside it counts as whole."""
    has_more = any(os.path.lexists(path + suffix) for suffix in SIDE_FILES)
    return _examined(path, looking if not has_more else None)


def _examined(path: str, opener: Opener | None) -> tuple[str, str]:
    if not os.path.lexists(path):
        return MISSING, ""
    if not os.path.isfile(path):
        return DAMAGED, _other_kind(path)
    size = os.path.getsize(path)
    if size == 0 and not os.path.exists(path + "-wal"):  # SQLite's own check takes it for a good one
        return EMPTY, ""
    try:
        complaint = _complaint(path, size, opener)
    except OSError as error:
        raise machine_error(error, path, "read") from error
    return (DAMAGED, complaint) if complaint else (WHOLE, "")


def _other_kind(path: str) -> str:
    if os.path.islink(path) and not os.path.exists(path):
        return f"it is a link to `{os.readlink(path)}`, which isn't there"
    return "it is a directory" if os.path.isdir(path) else "it isn't a file"


def _complaint(path: str, size: int, opener: Opener | None) -> str:
    magic = read_head(path, len(SQLITE_MAGIC))
    if magic and magic != SQLITE_MAGIC:
        return GIT_LFS if _is_pointer(path) else "file is not a database"
    if opener is None:
        return ""
    try:
        with opener(path) as connection:
            return _check(connection, size)
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
    """Return eight hexadecimal digits that change with every change of the schema; "-" without a database."""
    try:
        header = read_head(path, 44)
    except OSError:
        return "-"
    return header[40:44].hex() or "-"


__all__ = [
    "DAMAGED",
    "EMPTY",
    "MISSING",
    "SIDE_FILES",
    "WHOLE",
    "examine",
    "is_on_network",
    "look_at",
    "schema_cookie",
    "translated",
]
