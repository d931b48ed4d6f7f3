"""Pragmas that an SQLite file stores: checks them, and sets them in a new file (`journal_mode` also later)."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Mapping

from devboot.environment.databases.condition import is_on_network
from devboot.errors import DevbootError, ManifestError, Problems

_FIRST = ("page_size", "auto_vacuum", "encoding")  # only before the first table
_ONCE = ("application_id", "user_version")  # the application's own once the database is there
_INTEGER = re.compile(r"-?\d+|0x[0-9a-f]+", re.IGNORECASE)
_AUTO_VACUUM = {"none": "0", "full": "1", "incremental": "2"}
_VALUES = {
    "journal_mode": ("delete", "wal"),
    "auto_vacuum": (*_AUTO_VACUUM, *_AUTO_VACUUM.values()),
    "encoding": ("utf-8", "utf-16", "utf-16le", "utf-16be"),
    "page_size": tuple(str(2**power) for power in range(9, 17)),
}


def check_pragmas(name: str, pragmas: Mapping[str, str]) -> None:
    """Raise Problems of `sqlite/bad-pragma` for pragma values of database `name` that SQLite would silently ignore."""
    errors: list[DevbootError] = []
    for key, value in pragmas.items():
        known = _VALUES.get(key.lower())
        if known is None and (key.lower() not in _ONCE or _INTEGER.fullmatch(value)):
            continue
        if known is None or value.lower() not in known:
            expected = f"one of {', '.join(f'`{item}`' for item in known)}" if known else "an integer"
            what = f"pragma `{key}` of database `{name}` can't be `{value}`"
            example = f'pragmas = {{ {key} = "{known[0] if known else 1}" }}   # in [databases.{name}]'
            causes = [f"an SQLite file can store {expected}"]
            errors.append(ManifestError("sqlite/bad-pragma", what, causes=causes, help=[example]))
    if errors:
        raise Problems(errors)


def apply_pragmas(
    connection: sqlite3.Connection, path: str, pragmas: Mapping[str, str], mounts: str, *, is_new: bool
) -> Iterator[str]:
    """Set the pragmas on a connection; yield notes for the user on those not set. `is_new`: there is no table yet.

    `mounts` is the content of /proc/self/mounts.
    """
    wanted = {name.lower(): value for name, value in pragmas.items()}
    mode = wanted.pop("journal_mode", "").lower()
    if is_new:
        for name in (*_FIRST, *_ONCE):
            if name in wanted:
                connection.execute(f"PRAGMA {name} = {_literal(wanted[name])}")
        _write_header(connection)
    else:
        yield from _unchangeable(connection, wanted)
    if mode == "wal" and is_on_network(os.path.realpath(path), mounts):
        yield "`journal_mode` remains `delete`: the file is on a network filesystem, where `wal` loses data"
        mode = "delete"
    (now,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode and now != mode:
        connection.execute(f"PRAGMA journal_mode = {mode}")


def _write_header(connection: sqlite3.Connection) -> None:
    # until something is written the file has 0 bytes, which misleads applications; VACUUM writes with the page size
    # that was asked for also into a file that has a header already
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE devboot_header (x)")
    connection.execute("DROP TABLE devboot_header")
    connection.execute("COMMIT")
    connection.execute("VACUUM")


def _unchangeable(connection: sqlite3.Connection, wanted: Mapping[str, str]) -> Iterator[str]:
    for name in _FIRST:
        if name not in wanted:
            continue
        (now,) = connection.execute(f"PRAGMA {name}").fetchone()
        value = wanted[name].lower()
        if str(now).lower() not in (value, _AUTO_VACUUM.get(value)):
            yield f"`{name}` keeps its value {now}: SQLite can't change this pragma in a file that has tables"


def _literal(value: str) -> str:
    return value if _INTEGER.fullmatch(value) else "'" + value.replace("'", "''") + "'"
