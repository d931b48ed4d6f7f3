"""Checks that SQLite databases are intact."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from time import localtime, strftime

from devboot.clone_reader import read_head
from devboot.daemon.client import lease_of
from devboot.doctor.findings import ERROR, WARNING, Answer, Check, Finding, Fix
from devboot.doctor.fixing import RESTORE_DATABASE
from devboot.doctor.refusals import refused
from devboot.doctor.subject import Subject
from devboot.environment.tasks import match_inputs
from devboot.errors import DevbootError, MachineError, shell_word
from devboot.model.data_files import SQLITE_MAGIC
from devboot.model.edge.manifest.tables import Database
from devboot.model.printable import counted
from devboot.text.units import size as size_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.environment.databases import Database as DatabaseFile, Surroundings

_AS_IT_IS = "mode=ro&immutable=1"
_APPLIES = "applies them, after a copy of the database"
_COPY_LIMIT = 256 * 1024 * 1024  # bytes


class UncheckedError(Exception):
    """Raised with the reason why a database could not be checked."""


def integrity(subject: Subject) -> Answer:
    """Check that every SQLite database of the manifest is intact, without writing to it."""
    named: Mapping[str, Database] = {} if subject.manifest is None else subject.manifest.sqlite
    if not named:
        return Answer(("no database named",), idle=True)
    facts, findings = [], []
    for database in named.values():
        path = os.path.join(subject.project.root, database.path)
        if not os.path.lexists(path):
            facts.append(f"{database.path} not made yet")
            continue
        if os.path.isfile(path) and os.path.getsize(path) == 0:
            facts.append(f"{database.path} is empty")
            continue
        try:
            complaints = check(path, subject.cache)
        except UncheckedError as unchecked:
            facts.append(f"{database.path} not checked: {unchecked}")
            continue
        if complaints:
            findings.append(_finding(database.path, subject.project.backups, complaints))
        else:
            facts.append(f"{database.path}, integrity ok")
    return Answer(tuple(facts), tuple(findings), idle=not findings and all("not made" in fact for fact in facts))


def migrations(subject: Subject) -> Answer:
    """Check that databases have the project's migrations applied: SQL files of the manifest, inputs of tasks."""
    if subject.manifest is None or not subject.manifest.sqlite:
        return Answer()
    from devboot.environment.databases import Surroundings, named, unapplied

    root = subject.project.root
    around = Surroundings(root, subject.project.data, subject.now)
    findings = []
    for name, wanted in subject.manifest.sqlite.items():
        path = os.path.join(root, wanted.path)
        if not os.path.isfile(path):
            continue
        if waiting := _waiting(named(root, name, wanted), around):
            findings.append(_pending(wanted.path, waiting, Fix("devboot sync", _APPLIES, "sync")))
        inputs = [glob for task in subject.manifest.tasks.values() for glob in task.inputs]
        if lacking := unapplied(path, root, match_inputs(root, inputs).files):
            findings.append(_pending(wanted.path, lacking, Fix("devboot up -d", _APPLIES)))
    return Answer(findings=tuple(findings))


def _waiting(database: DatabaseFile, around: Surroundings) -> tuple[str, ...]:
    from devboot.environment.databases import look_at, plan_database

    try:
        return plan_database(database, around, *look_at(database.path))
    except DevbootError:
        return ()  # `up` refuses, and is asked by another check


def _pending(shown: str, files: Sequence[str], fix: Fix) -> Finding:
    return Finding(
        "sqlite/pending-migrations",
        WARNING,
        f"{shown} lacks {counted(len(files), 'migration')} of the code",
        "the code expects tables or columns that aren't there yet",
        fix,
        tuple(files[:5]),
    )


def check(path: str, cache: str) -> tuple[str, ...]:
    """Return SQLite's complaints about a database file; empty if it is intact.

    SQLite writes next to a database that has a write-ahead log or a journal, even to read it: such a database is
    checked as a copy below `cache`. Raises UncheckedError if that isn't possible.
    """
    from devboot.environment.databases import LOGS, refuse_irregular_files

    if not os.path.isfile(path):
        return ("its path is a directory, a pipe or a broken link",)
    try:
        refuse_irregular_files(path)
    except MachineError as error:
        return error.causes
    if read_head(path, len(SQLITE_MAGIC)) != SQLITE_MAGIC:
        return ("it is not an SQLite file",)
    if not any(os.path.lexists(os.path.realpath(path) + suffix) for suffix in LOGS):
        return complaints(path, _AS_IT_IS)
    if not cache:
        raise UncheckedError("it has a log or a journal")
    return check_copy(path, cache)


def check_copy(path: str, cache: str) -> tuple[str, ...]:
    """Return SQLite's complaints about a copy of a database and its logs, made below `cache`.

    Raises UncheckedError if it can't be copied.
    """
    from devboot.environment.databases import copied_with_logs, stamps
    from devboot.scratch import remove_abandoned

    os.makedirs(cache, mode=0o700, exist_ok=True)
    remove_abandoned(cache)  # copies left by killed checks
    try:
        before = stamps(path)
        if sum(size for _, size in before) > _COPY_LIMIT:
            raise UncheckedError(f"it has a log or a journal, and more than {size_words(_COPY_LIMIT)}")
        with copied_with_logs(path, _COPY_LIMIT, cache) as copy:
            found = complaints(copy, "mode=rw")
        is_same = stamps(path) == before
    except FileNotFoundError:  # a transaction has ended, and its journal is gone
        found, is_same = ("",), False
    if found and not is_same:
        raise UncheckedError("it changed while it was checked")
    return found


def complaints(path: str, mode: str) -> tuple[str, ...]:
    """Return SQLite's complaints about a file; empty if it is sound. `mode` is that of the SQLite URI, as `ro`."""
    import sqlite3
    from urllib.parse import quote

    try:
        with closing(sqlite3.connect(f"file:{quote(os.fsencode(path))}?{mode}", uri=True, timeout=2.0)) as database:
            database.execute("PRAGMA trusted_schema = OFF")  # a schema must not call functions with side effects
            rows = database.execute("PRAGMA integrity_check(5)").fetchall()
    except sqlite3.DatabaseError as error:
        return (str(error),)
    lines = tuple(str(row[0]) for row in rows)
    return () if lines == ("ok",) else lines


def _finding(shown: str, backups: str, complaints: tuple[str, ...]) -> Finding:
    return Finding(
        "sqlite/damaged",
        ERROR,
        f"{shown} is damaged",
        "queries fail or give wrong answers, and every write may make it worse",
        Fix(f"ls -t {shell_word(backups)}", "lists the copies that devboot made before migrations"),
        complaints,
    )


def _repair(subject: Subject, error: DevbootError, name: str) -> Fix | None:
    """Return the fix for a damaged database: replace it by its newest intact backup, keeping the damaged file."""
    from devboot.environment.databases import aside_command, backups_of

    if error.slug != "sqlite/damaged" or subject.manifest is None or name not in subject.manifest.sqlite:
        return None
    shown = subject.manifest.sqlite[name].path
    path = os.path.join(subject.project.root, shown)
    lease = lease_of(subject.project.state, subject.project.root, subject.environ, subject.project.data)
    stop = "devboot down && " if lease is not None and lease.is_alive else ""
    copy = next((each for each in backups_of(subject.project.backups, name) if not complaints(each, _AS_IT_IS)), "")
    if not copy:
        return Fix(f"{stop}{aside_command(path)}", "there is no copy of it: the next `up` makes an empty one")
    return Fix(
        f"{stop}devboot doctor --fix sqlite",
        f"restores the copy of {_day(copy)} ({size_words(os.path.getsize(copy))}), moves the damaged file aside",
        RESTORE_DATABASE,
        (path, copy, subject.project.root),
    )


def _day(path: str) -> str:
    return strftime("%Y-%m-%d %H:%M", localtime(os.path.getmtime(path)))


CHECKS = (
    Check("integrity", "sqlite", integrity, limit=60.0),
    Check("migrations", "sqlite", migrations),
    refused("sqlite", _repair),
)
