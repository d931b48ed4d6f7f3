"""Prepares one SQLite database: checks, creates, migrates and seeds it, each step in one transaction."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import glob
from hashlib import sha256

from devboot.clone_reader import SQL_LIMIT, read_text
from devboot.clone_writer import refuse_outside
from devboot.environment.databases.backup import backup_database, backups_of
from devboot.environment.databases.condition import (
    DAMAGED,
    EMPTY,
    GIT_LFS,
    LOST,
    MISSING,
    SIDE_FILES,
    WHOLE,
    examine,
    look_at,
)
from devboot.environment.databases.connection import BUSY_SECONDS, connected, looking
from devboot.environment.databases.pragmas import apply_pragmas, check_pragmas
from devboot.environment.databases.statements import Statement, split_statements
from devboot.environment.ports.holders import holders_of
from devboot.errors import DevbootError, MachineError, ManifestError, Place, WorkError, reason_of, shell_word
from devboot.files import atomic_write, fail_point, machine_error, move_aside, plain, refuse_read_only
from devboot.model.edge.manifest import tables
from devboot.record import Record

_BOOK = "devboot_migrations"
CREATED, MIGRATION, SEED = "created", "migration", "seed"


class Database(Record):
    """A database in the manifest with absolute paths; `migrations` is a glob, `seed` a file, None if not configured."""

    name: str
    path: str
    pragmas: Mapping[str, str] = {}
    migrations: str | None = None
    seed: str | None = None

    @property
    def is_managed(self) -> bool:
        """Return whether devboot creates the database's content; otherwise only its folder."""
        return bool(self.pragmas or self.migrations or self.seed)


def named(root: str, name: str, wanted: tables.Database) -> Database:
    """Return the settings `wanted` of the manifest's database `name` with its paths made absolute below `root`."""

    def below(path: str | None) -> str | None:
        return None if path is None else os.path.join(root, path)

    path = os.path.join(root, wanted.path)
    return Database(name, path, wanted.pragmas, below(wanted.migrations), below(wanted.seed))


class Surroundings(Record):
    """Context for preparing databases: the project's root and data folder, wall-clock seconds, the mounted filesystems.

    `is_running`: the project's processes may have the databases open.
    """

    root: str
    data: str
    at: float
    mounts: str = ""
    busy: float = BUSY_SECONDS
    is_running: bool = False

    @property
    def backups(self) -> str:
        """Return the project's folder for backups of databases."""
        return os.path.join(self.data, "backup")


class Prepared(Record):
    """Result of preparing a database: whether the file is new, the applied SQL files, the backup's path, and notes."""

    is_new: bool
    applied: tuple[str, ...] = ()
    backup: str = ""
    notes: tuple[str, ...] = ()


def prepare_database(database: Database, around: Surroundings) -> Prepared:
    """Bring a database up to date with the manifest; a second call changes nothing.

    Raises MachineError `sqlite/damaged` (the file stays as it is), BusyError `sqlite/locked`, WorkError
    `sqlite/migration`, ManifestError if a file that it names doesn't exist.
    """
    check_pragmas(database.name, database.pragmas)
    if os.path.exists(database.path) or not os.path.islink(database.path):  # a dangling link is examined below
        refuse_outside(database.path, around.root)
    state, complaint = examine(database.path, busy=around.busy)
    if is_damaged(database, around, state):
        raise _damaged(database, around, complaint or LOST)
    try:
        os.makedirs(os.path.dirname(database.path), exist_ok=True)
    except OSError as error:
        raise machine_error(error, database.path) from error
    if not database.is_managed:
        _remember(database, around, state)
        return Prepared(is_new=False)
    notes = _move_leftovers(database.path, around.at) if state == MISSING else ()
    with connected(database.path, busy=around.busy, create=True) as connection:
        prepared = _apply(connection, database, around, was_there=state == WHOLE)
    _remember(database, around, WHOLE)
    return prepared._replace(notes=(*notes, *prepared.notes))


def plan_database(database: Database, around: Surroundings, state: str, complaint: str = "") -> tuple[str, ...]:
    """Return the names of the SQL files that `prepare_database` would apply; raise its errors; change nothing.

    `state` and `complaint` are the results of `examine`. With a log or journal beside the file nothing is returned,
    since they aren't read. Also raises MachineError `machine/not-writable`.
    """
    check_pragmas(database.name, database.pragmas)
    if os.path.exists(database.path) or not os.path.islink(database.path):
        refuse_outside(database.path, around.root)
    if is_damaged(database, around, state):
        raise _damaged(database, around, complaint or LOST)
    waiting: tuple[str, ...] = ()
    if database.is_managed:
        files = tuple(_sql_files(database, around))
        is_known = not any(os.path.lexists(database.path + suffix) for suffix in SIDE_FILES)
        if state != WHOLE or is_known:
            done = _read_book(database.path) if state == WHOLE else {(CREATED, ""): ""}
            waiting = tuple(file.name for file in files if _is_wanted(file, done))
    if waiting or (state == MISSING and database.is_managed) or not os.path.isdir(os.path.dirname(database.path)):
        refuse_read_only(database.path)
    return waiting


def is_damaged(database: Database, around: Surroundings, state: str) -> bool:
    """Return whether a database must be refused: it is damaged, or empty although it had content before."""
    return state == DAMAGED or (state == EMPTY and _was_whole(database, around))


def _apply(connection: sqlite3.Connection, database: Database, around: Surroundings, *, was_there: bool) -> Prepared:
    (things,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    is_new = not things  # also after a kill between the header and the first table
    notes = list(apply_pragmas(connection, database.path, database.pragmas, around.mounts, is_new=is_new))
    files = tuple(_sql_files(database, around))
    if not files:
        return Prepared(not was_there, notes=tuple(notes))
    done = _book(connection, is_new=is_new)
    notes += _changed_since(files, done)
    waiting = [file for file in files if _is_wanted(file, done)]
    backup = ""
    if waiting:
        refuse_read_only(database.path)
    if waiting and not is_new:
        backup = backup_database(database.path, around.backups, name=database.name, at=around.at, busy=around.busy)
    for file in waiting:
        _run_file(connection, file, backup)
    return Prepared(not was_there, tuple(file.name for file in waiting), backup, tuple(notes))


# Migrations and the seed


class _SqlFile(Record):
    """An SQL file of a database: its kind, such as schema, its path, and its text."""

    kind: str
    name: str  # relative to the project's root
    path: str
    text: str

    @property
    def digest(self) -> str:
        """The SHA-256 of the text, in hexadecimal digits."""
        return sha256(self.text.encode()).hexdigest()


def _sql_files(database: Database, around: Surroundings) -> Iterator[_SqlFile]:
    if database.migrations:
        paths = sorted(glob(database.migrations, recursive=True))
        if not paths:
            raise ManifestError(
                "sqlite/no-migrations",
                f"database `{database.name}` has no migrations: no file matches `{database.migrations}`",
                help=[f"correct or remove `migrations` in [databases.{database.name}]"],
            )
        yield from (_read_sql(MIGRATION, path, around) for path in paths)
    if database.seed:
        yield _read_sql(SEED, database.seed, around)


def _read_sql(kind: str, path: str, around: Surroundings) -> _SqlFile:
    try:
        text = read_text(path, errors="strict", limit=SQL_LIMIT)
        # SQLite takes text only: bytes of a name that are no UTF-8 are written out.
        name = os.fsencode(os.path.relpath(path, around.root)).decode("utf-8", "backslashreplace")
        return _SqlFile(kind, name, path, text)
    except (OSError, UnicodeDecodeError) as error:
        cause = reason_of(error) if isinstance(error, OSError) else str(error)
        raise ManifestError(
            "sqlite/no-migrations",
            f"can't read the SQL file `{path}`",
            causes=[cause],
            help=["save it as UTF-8" if isinstance(error, UnicodeDecodeError) else f"ls -lL {shell_word(path)}"],
        ) from error


def _book(connection: sqlite3.Connection, *, is_new: bool) -> dict[tuple[str, str], str]:
    """Return the SQL files applied so far, as {(kind, name): digest}.

    Create the table that lists them if it is missing.
    """
    (known,) = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = ?", (_BOOK,)).fetchone()
    if not known:
        with _transaction(connection):
            connection.execute(
                f"CREATE TABLE {_BOOK} (kind TEXT, name TEXT, digest TEXT, applied TEXT, PRIMARY KEY (kind, name))"
            )
            if is_new:
                _note(connection, CREATED, "", "")
    return _entries(connection)


def _entries(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    rows = connection.execute(f"SELECT kind, name, digest FROM {_BOOK}")  # noqa: S608  a constant
    return {(kind, name): digest for kind, name, digest in rows}


def _read_book(path: str) -> dict[tuple[str, str], str]:
    """Return the SQL files applied so far, as {(kind, name): digest}, without writing."""
    with looking(path) as connection:
        (things,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        (known,) = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = ?", (_BOOK,)).fetchone()
        return _entries(connection) if known else {} if things else {(CREATED, ""): ""}


def _note(connection: sqlite3.Connection, kind: str, name: str, digest: str) -> None:
    connection.execute(f"INSERT INTO {_BOOK} VALUES (?, ?, ?, datetime())", (kind, name, digest))  # noqa: S608


def _is_wanted(file: _SqlFile, done: Mapping[tuple[str, str], str]) -> bool:
    if file.kind == SEED:  # once, and only into what was new
        return (CREATED, "") in done and not any(kind == SEED for kind, _ in done)
    return (file.kind, file.name) not in done


def _changed_since(files: Sequence[_SqlFile], done: Mapping[tuple[str, str], str]) -> Iterator[str]:
    for file in files:
        if file.kind == MIGRATION and done.get((file.kind, file.name), file.digest) != file.digest:
            yield f"`{file.name}` has changed since it was applied, and isn't applied again"


def _run_file(connection: sqlite3.Connection, file: _SqlFile, backup: str) -> None:
    running = Statement("", 1)
    try:
        with _transaction(connection):
            for running in split_statements(file.text):
                if not running.is_transaction_control:
                    connection.execute(running.text)
                    fail_point("database/statement")
            _note(connection, file.kind, file.name, file.digest)
            fail_point("database/before-commit")
    except (sqlite3.Error, sqlite3.Warning) as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL):
            raise
        raise _failed(file, running, error, backup) from error
    fail_point("database/committed")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block in a transaction, rolled back by any exception, including Ctrl-C between two statements."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _failed(file: _SqlFile, statement: Statement, error: Exception, backup: str) -> WorkError:
    first = statement.text.splitlines()[0] if statement.text else ""
    source = file.text.splitlines()[statement.line - 1] if statement.text else None
    column = source.find(first) + 1 if source is not None else 0
    place = Place(
        file.name, statement.line, max(column, 1), width=max(len(first), 1), source=source, label="this statement"
    )
    return WorkError(
        "sqlite/migration",
        f"{file.kind} `{file.name}` failed, and was rolled back",
        place=place,
        causes=[str(error)],
        help=["devboot up"],
        kept=["the tables, as they were before this file", *([f"a backup, `{backup}`"] if backup else [])],
    )


# Damage


def _damaged(database: Database, around: Surroundings, complaint: str) -> MachineError:
    """Return the error for a damaged database.

    The file isn't moved, since only a command of the user may replace it.
    """
    path = database.path
    holders = holders_of(path) if os.path.isfile(path) else ()
    causes = [complaint, *(f"{holder.describe()} has it open" for holder in holders)]
    if complaint == GIT_LFS:
        return MachineError(
            "sqlite/damaged", f"the database `{database.name}` isn't there", causes=causes, help=["git lfs pull"]
        )
    newest = next(filter(_is_sound, backups_of(around.backups, database.name)), None)
    stop = "devboot down && " if around.is_running else ""
    helps = [f"{stop}devboot doctor --fix sqlite   # restores the copy `{newest}`"] if newest else []
    helps.append(f"{stop}{aside_command(path)}   # the next `up` makes an empty one")
    return MachineError("sqlite/damaged", f"the database `{database.name}` is damaged", causes=causes, help=helps)


def _is_sound(copy: str) -> bool:
    try:
        return look_at(copy)[0] == WHOLE
    except DevbootError:
        return False


def aside_command(path: str) -> str:
    """Return the shell command that renames a database, its log and its journal to an unused name."""
    target, number = f"{path}.damaged", 1
    while any(os.path.lexists(target + suffix) for suffix in ("", *SIDE_FILES)):
        number += 1
        target = f"{path}.damaged-{number}"
    # the main file last: a log that stayed behind would be taken for that of the next database
    there = [suffix for suffix in SIDE_FILES if os.path.lexists(path + suffix)]
    return " && ".join(f"mv {shell_word(path + end)} {shell_word(target + end)}" for end in (*there, ""))


def _move_leftovers(path: str, at: float) -> tuple[str, ...]:
    """Rename logs whose database file is gone, which SQLite would otherwise apply to the new file; return notes."""
    left = [path + suffix for suffix in SIDE_FILES if os.path.exists(path + suffix)]
    return tuple(f"`{name}` was left without its database: moved to `{move_aside(name, at)}`" for name in left)


def _marker(database: Database, around: Surroundings) -> str:
    return os.path.join(around.data, "stamps", f"database-{database.name}")


def _was_whole(database: Database, around: Surroundings) -> bool:
    try:
        with open(_marker(database, around), encoding="utf-8", errors="surrogateescape", opener=plain) as stream:
            return stream.read() == database.path
    except OSError:
        return False


def _remember(database: Database, around: Surroundings, state: str) -> None:
    if state != WHOLE or _was_whole(database, around):
        return
    marker = _marker(database, around)
    os.makedirs(os.path.dirname(marker), exist_ok=True)
    atomic_write(marker, os.fsencode(database.path), sync=False)
