"""Backups by SQLite's backup function, consistent even while another program writes; the file is never just copied."""

from __future__ import annotations

import os
import re
import time
from glob import escape, glob

from devboot.environment.databases.connection import BUSY_SECONDS, connected
from devboot.files import fail_point, machine_error, sync_directory

KEPT = 5


def backup_database(path: str, into: str, *, name: str, at: float, kept: int = KEPT, busy: float = BUSY_SECONDS) -> str:
    """Back up the database at `path` into the folder `into`; return the new file's path, `<name>-<date>.sqlite3`.

    Of the backups with that name, only the newest `kept` stay. Raises BusyError `sqlite/locked`, MachineError.
    """
    target = _free_name(into, name, at)
    staged = target + ".new"
    try:
        os.makedirs(into, mode=0o700, exist_ok=True)
        for left in glob(os.path.join(escape(into), "*.new*")):  # of a backup that was killed
            os.unlink(left)
        copy_database(path, staged, busy=busy)
        fail_point("database/backed-up")
        os.rename(staged, target)
        sync_directory(into)
        for old in backups_of(into, name)[kept:]:
            os.unlink(old)
    except OSError as error:
        raise machine_error(error, target) from error
    finally:
        if os.path.exists(staged):
            os.unlink(staged)
    return target


def copy_database(path: str, target: str, *, busy: float = BUSY_SECONDS) -> None:
    """Copy the database at `path` to the new file `target`. Raises BusyError `sqlite/locked`, OSError."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    with connected(path, busy=busy) as source, connected(target) as copy:
        source.backup(copy)  # one step, under one read lock: a writer neither tears nor restarts it
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, not three


def backups_of(into: str, name: str) -> list[str]:
    """Return the backups of that name, newest first."""
    if not os.path.isdir(into):
        return []
    dated = re.compile(re.escape(name) + r"-\d{4}-\d\d-\d\dT\d{6}(\.\d+)?\.sqlite3")
    found = [entry for entry in os.listdir(into) if dated.fullmatch(entry)]
    return [os.path.join(into, entry) for entry in sorted(found, reverse=True)]


def _free_name(into: str, name: str, at: float) -> str:
    stem = os.path.join(into, f"{name}-{time.strftime('%Y-%m-%dT%H%M%S', time.localtime(at))}")
    number, target = 1, f"{stem}.sqlite3"
    while os.path.exists(target):
        number += 1
        target = f"{stem}.{number}.sqlite3"
    return target
