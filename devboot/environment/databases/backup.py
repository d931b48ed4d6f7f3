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
    """Back up the database at `path` into the folder `into`; return the new file, `<name>-<date>.<number>.sqlite3`.

    Of the backups with that name, only the newest `kept` stay, as this one does whatever the clock says. Raises
    BusyError `sqlite/locked`, MachineError.
    """
    try:
        os.makedirs(into, mode=0o700, exist_ok=True)
        number = max((number for number, _ in _numbered(into, name)), default=0) + 1
    except OSError as error:
        raise machine_error(error, into) from error
    date = time.strftime("%Y-%m-%dT%H%M%S", time.localtime(at))
    target = os.path.join(into, f"{name}-{date}.{number}.sqlite3")
    staged = target + ".new"
    try:
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
    """Return the backups of that name, newest first.

    Their numbers count, since the date, which is for people, goes back with the clock and the time zone.
    """
    return [os.path.join(into, entry) for _, entry in sorted(_numbered(into, name), reverse=True)]


def _numbered(into: str, name: str) -> list[tuple[int, str]]:
    """Return the backups of that name as (number, file name); 0 for those of versions that gave none."""
    dated = re.compile(re.escape(name) + r"-\d{4}-\d\d-\d\dT\d{6}(?:\.(\d+))?\.sqlite3")
    entries = os.listdir(into) if os.path.isdir(into) else []
    return [(int(match[1] or 0), entry) for entry in entries if (match := dated.fullmatch(entry))]
