"""Stamps of tasks: a file that records a success, its inputs, and the database schema after it."""

from __future__ import annotations

import os

from devboot.clone_reader import read_head
from devboot.files import fail_point, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from devboot.model.process import Plan, ProcessSpec

PRESENCE = "presence:"  # before a database's path: only its existence counts, not its schema
MADE = "made:"  # before a file's path: its modification time counts, since a recreated file is empty
UNCHANGED = "unchanged"


def schema_cookies(databases: Iterable[str]) -> str:
    """Return bytes 40 to 44 of each SQLite header, which change with the schema; `-` for a missing file."""
    return "".join(f" {_cookie(path)}" for path in databases)


def is_current(spec: ProcessSpec) -> bool:
    """Return whether a task has succeeded with its present inputs, and databases have the same schema since."""
    return bool(spec.stamp) and _holds(*spec.stamp, spec.stamp_databases)


def is_recorded(spec: ProcessSpec) -> bool:
    """Return whether a task without stamp, which runs at each start, has succeeded before with its present inputs."""
    return bool(spec.record) and _holds(spec.record[0], spec.record[1], spec.record[2:])


def looked_at(plan: Plan) -> Plan:
    """Return the plan with `skip` set for each task that is current. Call it before any task can change a database."""
    specs = tuple(spec._replace(skip=UNCHANGED) if is_current(spec) else spec for spec in plan.processes)
    return plan._replace(processes=specs)


def write_stamp(path: str, text: str, databases: Iterable[str]) -> None:
    """Write the stamp file `path` atomically: `text`, and the schema cookies of the SQLite files. Raises OSError."""
    fail_point("stamp/write")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    staged = f"{path}.{os.getpid()}.new"
    try:
        with open(staged, "w", encoding="utf-8") as file:
            file.write(text + schema_cookies(databases))
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, path)
    except OSError:
        if os.path.exists(staged):
            os.unlink(staged)
        raise


def _holds(path: str, text: str, databases: Iterable[str]) -> bool:
    try:
        with open(path, encoding="utf-8", opener=plain) as file:
            return file.read() == text + schema_cookies(databases)
    except (OSError, UnicodeDecodeError):
        return False


def _cookie(path: str) -> str:
    if path.startswith(MADE):
        return _moment(path.removeprefix(MADE))
    presence = path.startswith(PRESENCE)
    try:
        header = read_head(path.removeprefix(PRESENCE), 44)
    except OSError:
        return "-"
    return ("there" if presence and header else header[40:44].hex()) or "-"


def _moment(path: str) -> str:
    try:
        return f"{os.stat(path).st_mtime_ns:x}"
    except OSError:
        return "-"
