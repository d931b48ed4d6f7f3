"""Finds unapplied migrations: those in the code of Django or Alembic that the database's own table doesn't list."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable, Sequence

from devboot.clone_reader import read_text
from devboot.environment.databases.connection import SIDE_FILES, looking
from devboot.errors import DevbootError

_REVISION = re.compile(r"""^revision\s*(?::\s*\w+\s*)?=\s*["']([^"']+)["']""", re.MULTILINE)
_DOWN = re.compile(r"""^down_revision\s*(?::[^=]*)?=\s*([(\[][^)\]]*|.+)""", re.MULTILINE)
_FIRST = "0001_initial"  # each application has it, so that it says nothing about one
_QUOTED = re.compile(r"""["']([^"']+)["']""")


def unapplied(path: str, root: str, files: Iterable[str]) -> tuple[str, ...]:
    """Return those of `files` (relative to `root`) that are migrations not yet applied to the SQLite file `path`.

    Django's and Alembic's tables are read; nothing is written or run. Returns nothing for a database that is missing,
    can't be read, has no such table, or has a log or journal beside it.
    """
    if any(os.path.lexists(path + suffix) for suffix in SIDE_FILES):
        return ()
    candidates = tuple(files)
    try:
        with looking(path) as connection:
            return (*_of_django(connection, candidates), *_of_alembic(connection, root, candidates))
    except DevbootError:
        return ()


def _has(connection: sqlite3.Connection, table: str) -> bool:
    query = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?"
    return bool(connection.execute(query, (table,)).fetchone()[0])


def _of_django(connection: sqlite3.Connection, files: Sequence[str]) -> list[str]:
    if not _has(connection, "django_migrations"):
        return []
    applied = {(str(app), str(name)) for app, name in connection.execute("SELECT app, name FROM django_migrations")}
    apps, names = {app for app, _ in applied}, {name for _, name in applied}
    found, of_folders = [], dict[str, list[tuple[str, str]]]()
    for file in files:
        folder, base = os.path.split(file)
        name, is_python = os.path.splitext(base)
        if os.path.basename(folder) == "migrations" and is_python == ".py" and not name.startswith("_"):
            of_folders.setdefault(folder, []).append((name, file))
    for folder, migrations in of_folders.items():
        app = os.path.basename(os.path.dirname(folder))  # its label, unless the application chose another one
        if app in apps:
            found += [file for name, file in migrations if (app, name) not in applied]
        elif any(name in names and name != _FIRST for name, _ in migrations):
            found += [file for name, file in migrations if name not in names]
        # else it may not be installed, and then `migrate` never applies them
    return found


def _of_alembic(connection: sqlite3.Connection, root: str, files: Sequence[str]) -> list[str]:
    if not _has(connection, "alembic_version"):
        return []
    current = {str(row[0]) for row in connection.execute("SELECT version_num FROM alembic_version")}
    revisions, before = dict[str, str](), dict[str, list[str]]()
    for file in files:
        if os.path.basename(os.path.dirname(file)) == "versions" and file.endswith(".py"):
            try:
                text = read_text(os.path.join(root, file))
            except OSError:
                continue
            if found := _REVISION.search(text):
                down = _DOWN.search(text)
                revisions[found[1]] = file
                before[found[1]] = _QUOTED.findall(down[1]) if down else []
    if not current <= revisions.keys():
        return []  # the database is of newer code, or of another branch: Alembic itself refuses that
    applied, waiting = set[str](), list(current)
    while waiting:
        revision = waiting.pop()
        if revision not in applied:
            applied.add(revision)
            waiting += before.get(revision, [])
    return [file for revision, file in revisions.items() if revision not in applied]
