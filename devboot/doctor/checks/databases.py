"""SQLite databases: that they are whole."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from urllib.parse import quote

from devboot.doctor.findings import ERROR, Answer, Check, Finding, Fix
from devboot.doctor.subject import Subject
from devboot.model.edge.tables import Database

_HEADER = b"SQLite format 3\0"


def integrity(subject: Subject) -> Answer:
    """Let SQLite check every database that the manifest names, without writing a byte."""
    named: Mapping[str, Database] = {} if subject.manifest is None else subject.manifest.sqlite
    if not named:
        return Answer(("no database named",), idle=True)
    facts, findings = [], []
    for database in named.values():
        path = os.path.join(subject.project.root, database.path)
        if not os.path.lexists(path):
            facts.append(f"{database.path} not made yet")
            continue
        complaints = check(path)
        if complaints:
            findings.append(_finding(database.path, complaints))
        else:
            facts.append(f"{database.path}, integrity ok")
    return Answer(tuple(facts), tuple(findings), idle=not findings and all("not made" in fact for fact in facts))


def check(path: str) -> tuple[str, ...]:
    """What SQLite has to say against the file; empty when it is whole.

    Without a write-ahead log the file is opened as immutable, since SQLite would make one beside it even to read.
    """
    if not os.path.isfile(path):
        return ("a directory, a pipe or a link to nothing is in its place",)
    if os.path.getsize(path) == 0:
        return ()
    with open(path, "rb") as file:
        if file.read(len(_HEADER)) != _HEADER:
            return ("it is no SQLite file",)
    mode = "mode=ro" if os.path.exists(f"{path}-wal") else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"file:{quote(path)}?{mode}", uri=True, timeout=2.0)) as database:
            rows = database.execute("PRAGMA integrity_check(5)").fetchall()
    except sqlite3.DatabaseError as error:
        return (str(error),)
    told = tuple(str(row[0]) for row in rows)
    return () if told == ("ok",) else told


def _finding(shown: str, complaints: tuple[str, ...]) -> Finding:
    return Finding(
        "sqlite/damaged",
        ERROR,
        f"{shown} is damaged",
        "queries fail or give wrong answers, and every write may make it worse",
        Fix("ls -t .devboot/backup", "lists the copies that devboot made before migrations"),
        complaints,
    )


CHECKS = (Check("integrity", "sqlite", integrity, limit=60.0),)
