"""Cheap check of data files before a warm start; in any doubt the slow path checks fully."""

from __future__ import annotations

import os

from devboot.clone_reader import open_regular
from devboot.model.data_files import DUMP_TRAILER, SQLITE_MAGIC, dump_format, is_dump_complete, reads_dumps_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SQLITE, MANAGED_SQLITE, REDIS, VALKEY, MADE = "sqlite", "managed-sqlite", "redis", "valkey", "made"
LOGGED = "logged "  # before the name of a dump: a server with an append-only file doesn't read that
_HEADER = 100  # bytes of an SQLite database


def is_plausible(data: Iterable[tuple[str, str, int]], since: int | None = None) -> bool:
    """Return whether the first bytes of these data files show no reason against a start.

    Each is (kind, absolute path, newest format that the server reads; 0 if unknown). A file that doesn't exist yet is
    sound; databases that devboot fills, and files that a server doesn't create, must exist.

    With `since` (see `snapshot.since`) a database that has changed after that time is doubtful: another program or
    another branch may have written it, so that it may be damaged or lack migrations.
    """
    return all(
        _is_sound(kind, path, newest)
        and (since is None or kind not in (SQLITE, MANAGED_SQLITE) or _changed_at(path) <= since)
        for kind, path, newest in data
    )


def _changed_at(path: str) -> int:
    """Return the ctime (ns) of a file, or of a link to it if newer; programs can't set it."""
    try:
        return max(os.lstat(path).st_ctime_ns, os.stat(path).st_ctime_ns)
    except OSError:
        return 0


def _is_sound(kind: str, path: str, newest: int) -> bool:
    if kind == MADE:
        return os.path.exists(path)
    if kind.startswith(LOGGED):
        return _is_there(path) or not os.path.lexists(os.path.join(os.path.dirname(path), kind[len(LOGGED) :]))
    is_database = kind in (SQLITE, MANAGED_SQLITE)
    try:
        descriptor = open_regular(path)
        try:
            size = os.fstat(descriptor).st_size
            head = os.read(descriptor, _HEADER)
            tail = os.pread(descriptor, DUMP_TRAILER, max(0, size - DUMP_TRAILER))
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        if os.path.islink(path):
            return False  # its target may be back in a moment, and a server would overwrite the link with an empty dump
        return kind != MANAGED_SQLITE and (not is_database or os.path.isdir(os.path.dirname(path)))
    except OSError:
        return False
    return _is_database(head, size, path) if is_database else _is_dump(kind, head, tail, size, newest)


def _is_there(path: str) -> bool:
    try:
        return os.path.getsize(path) > 0
    except OSError:
        return False


def _is_database(head: bytes, size: int, path: str) -> bool:
    if len(head) < _HEADER or not head.startswith(SQLITE_MAGIC):
        return False
    if head[24:28] != head[92:96] or os.path.exists(f"{path}-wal") or os.path.exists(f"{path}-journal"):
        return True  # the number of pages isn't kept up to date, or stands elsewhere
    page = int.from_bytes(head[16:18], "big")
    return int.from_bytes(head[28:32], "big") * (65536 if page == 1 else page) <= size


def _is_dump(kind: str, head: bytes, tail: bytes, size: int, newest: int) -> bool:
    written = dump_format(head)
    if written is None or not reads_dumps_of(kind, written[0]) or (newest and written[1] > newest):
        return False
    return is_dump_complete(size, tail)
