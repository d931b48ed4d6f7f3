"""Finds SQLite files that the application uses, and databases in servers that have no recipe."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from devboot.onboarding.frameworks.known import framework_of
from devboot.onboarding.libraries import Kind, known_servers
from devboot.onboarding.proposal_values import Database, Evidence, Note, Variable
from devboot.onboarding.reading.layout import Application
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.services.drivers import sqlite_address
from devboot.onboarding.symbolic_eval.evaluate import Run
from devboot.onboarding.symbolic_eval.values import HOLE, Class, Value, fields_of

SQLITE = re.compile(r"^sqlite(?:\+\w+)?:(?://)?(.*)$")
FILE = "db.sqlite3"  # if the code names no file
MEMORY = ":memory:"
_FILES = re.compile(r"\.(?:sqlite3?|db)$")
_IN_MEMORY = re.compile(r"^sqlite(?:\+\w+)?:(?://(?:/?:memory:)?)?$")
OPENS = re.compile(
    r"(?:^|\.)(?:create_engine|create_async_engine|SqliteDatabase|SqliteExtDatabase|async_engine_from_config|init_db|register_tortoise)$"
    r"|^databases\.Database$|^(?:aio)?sqlite3?\.connect$|^aiosqlite\.connect$|^sqlite3\.connect$|^tortoise\."
)


@dataclass(slots=True)
class Found:
    """Databases that the application opens, and notes on the others; `servers` names servers that need no note."""

    databases: list[Database]
    notes: list[Note]
    servers: set[str]


def find_databases(tree: Tree, app: Application, run: Run, provided: Iterable[str] = ()) -> Found:
    """Return the databases that the application opens; servers named in `provided` need no note."""
    found = Found([], [], set(provided))
    if framework_of(app.framework).databases:
        _of_django(tree, app, run, found)
    else:
        for value, place, relative_to in _urls(app, run):
            _of_url(tree, app, value, place, relative_to, found)
    return found


def _of_django(tree: Tree, app: Application, run: Run, found: Found) -> None:
    for alias, entry in run.fields("DATABASES").items():
        data = fields_of(entry)
        engine = data.get("ENGINE", Value(""))
        place = engine.place or entry.place or run.names["DATABASES"].place
        if _is_sqlite(tree, run, str(engine.data)):
            options = data.get("OPTIONS", Value(None))
            if "sslmode" in fields_of(options):
                text = "sqlite: its default can't work, since it gets TLS options"
                found.notes.append(Note(text, options.place or place))
                continue
            _add(tree, app, str(alias), data.get("NAME", Value("")), place, app.folder, found)
        else:
            _server(str(engine.data), data, place, found)


def _is_sqlite(tree: Tree, run: Run, engine: str) -> bool:
    if re.search(r"sqlite|spatialite", engine, re.IGNORECASE):
        return True
    path = run.machine.locate(engine + ".base") if engine and run.machine.is_ours(engine) else None
    return path is not None and "sqlite3" in (tree.text(path) or "")


def _server(engine: str, data: Mapping[object, Value], place: Evidence | None, found: Found) -> None:
    for kind in known_servers().values():
        if kind.engine.search(engine):
            host = data.get("HOST", Value("")).data
            where = f" at `{host}`" if isinstance(host, str) and host and HOLE not in host else ""
            _note_server(kind, where, place, found)
            return


def _note_server(kind: Kind, where: str, evidence: Evidence | None, found: Found) -> None:
    if kind.name not in found.servers:
        found.servers.add(kind.name)
        lacks = "no variable holds its address" if kind.recipe else "there is no recipe for it yet"
        found.notes.append(Note(f"{kind.name}: {kind.title}{where} is needed; {lacks}", evidence, warns=True))


def _urls(app: Application, run: Run) -> Iterator[tuple[Value, Evidence | None, str]]:
    """Yield (URL, place, folder) of databases; the paths of SQLite files are relative to the folder."""
    yield from _settings_urls(app, run)
    for event in run.found.events:
        option = event.argument(0) if event.name.endswith(".set_main_option") else None
        if option is not None and option.data == "sqlalchemy.url":  # Alembic's env.py
            address = event.argument(1)
            if address is not None:
                yield address, address.place or event.place, app.folder
        if not OPENS.search(event.name):
            continue
        for _, each in connections_of_tortoise(event.argument(-1, "config")):
            yield each, each.place or event.place, app.folder
        first = event.argument(0, "url", "database", "db_url")
        if first is None:
            continue
        if not event.name.endswith((".connect", "SqliteDatabase", "SqliteExtDatabase")):
            yield first, first.place or event.place, app.folder
        elif isinstance(first.data, str | PurePosixPath) and HOLE not in str(first.data):
            yield Value(f"sqlite:///{first.data}", first.reads, first.place), first.place or event.place, app.folder


def connections_of_tortoise(config: Value | None) -> Iterator[tuple[str, Value]]:
    """Yield (alias, connection) in Tortoise's configuration; a connection is a URL, or a table with parts."""
    for alias, each in fields_of(fields_of(config).get("connections")).items():
        yield str(alias), each


def server_urls(app: Application, run: Run) -> Iterator[tuple[Value, Evidence | None]]:
    """Yield (URL, place) of all databases that the application opens."""
    for value, place, _base in _urls(app, run):
        yield value, place


# An absolute path in an image, with the application in /app or a similar folder
_VOLUME = re.compile(
    r"(?P<scheme>sqlite[\w+]*:///)?/(?:(?:app|code|src|workspace|usr/src/\w+)/(?P<own>[\w./-]+)"
    r"|(?P<inner>(?:data|db|database|storage|config|var|srv|mnt|opt)(?:/[\w.-]+)*/?))$"
)


def kept_in_files(tree: Tree, app: Application, run: Run, packages: Collection[str]) -> dict[str, Variable]:
    """Return variables, with values, for databases that can be SQLite files.

    These are variables whose default is in memory (each process would have its own, empty database), whose default is a
    container's volume, and those without a default if no library for a server is installed.
    """
    found: dict[str, Variable] = {}
    if framework_of(app.framework).databases:
        return dict(_kept_by_django(run))
    is_local = not any(each.is_relational and each.is_spoken(packages) for each in known_servers().values())
    for value, place, base in _urls(app, run):
        text, name = value.data, next(iter(value.reads), "")
        read = run.found.reads.get(name)
        if len(value.reads) != 1 or read is None or name in run.machine.environ:
            continue
        if isinstance(text, str) and _IN_MEMORY.match(text) and read.default and read.default.data == text:
            address = sqlite_address(FILE, packages, tree)
            given = text.partition(":")[0] if "+" in text.partition(":")[0] else address.partition(":")[0]
            found[name] = Variable(name, value=f"{given}:{address.partition(':')[2]}", evidence=read.place or place)
        elif isinstance(text, str) and read.default and (inner := _below_clone(_path_text(read.default), text)):
            found[name] = Variable(name, value=inner, evidence=read.place or place)
        elif text is None and is_local and base.endswith("instance"):
            there = [each for each in tree.in_folder(posixpath.normpath(base)) if _FILES.search(each)]
            file = there[0] if len(there) == 1 else FILE
            address = sqlite_address(file, packages, tree)
            found[name] = Variable(name, value=address, evidence=read.place or place)
    return found


def _below_clone(default: str, url: str) -> str:
    """Return a container's path of an SQLite file, or of its folder, as a path in the clone; "" for other paths."""
    match = _VOLUME.match(default)
    if match is None or not SQLITE.match(url):
        return ""
    inner = match["own"] or match["inner"]
    return f"{match['scheme'] or ''}{inner.rstrip('/')}"


def _kept_by_django(run: Run) -> Iterator[tuple[str, Variable]]:
    """Yield (name, variable) for variables whose default makes Django keep a database in memory."""
    for entry in run.fields("DATABASES").values():
        path = fields_of(entry).get("NAME")
        if path is None or path.data != MEMORY or len(path.reads) != 1:
            continue
        name = next(iter(path.reads))
        read = run.found.reads.get(name)
        if read is None or read.default is None or name in run.machine.environ:
            continue
        if read.default.data == MEMORY:
            yield name, Variable(name, value=FILE, evidence=read.place)
        elif isinstance(read.default.data, str) and _IN_MEMORY.match(read.default.data):
            yield name, Variable(name, value=f"sqlite:///{FILE}", evidence=read.place)


def _settings_urls(app: Application, run: Run) -> Iterator[tuple[Value, Evidence | None, str]]:
    for name, value in run.names.items():
        if name in ("SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_DATABASE_URL"):
            yield value, value.place, posixpath.join(app.folder, "instance")
        elif name == "SQLALCHEMY_BINDS":
            for item in fields_of(value).values():
                yield item, item.place or value.place, posixpath.join(app.folder, "instance")
        elif name in ("DATABASE", "DB_PATH", "SQLITE_PATH") and re.search(r"\.(?:sqlite3?|db)$", _path_text(value)):
            yield Value(f"sqlite:///{value.data}", value.reads, value.place), value.place, app.folder


def _path_text(value: Value) -> str:
    return str(value.data) if isinstance(value.data, str | PurePosixPath) else ""


def _of_url(tree: Tree, app: Application, value: Value, place: Evidence | None, base: str, found: Found) -> None:
    text = value.data
    if not isinstance(text, str):
        return
    match = SQLITE.match(text)
    if match:
        path = match[1].split("?")[0]
        path = path.removeprefix("/")
        if base.endswith("instance") and path.startswith("instance/"):
            base = posixpath.dirname(base)
        name = "default" if not found.databases else _name_of(path)
        _add(tree, app, name, Value(path, value.reads, place), place, base, found)
        return
    kind = next((each for each in known_servers().values() if each.schemes.match(text)), None)
    if kind is not None:
        host = re.search(r"@([\w.-]+)", text)
        _note_server(kind, f" at `{host[1]}`" if host else "", place, found)


def _name_of(path: str) -> str:
    stem = posixpath.basename(path).split(".")[0]
    return re.sub(r"[^a-z0-9-]+", "-", stem.lower()).strip("-") or "database"


def _add(
    tree: Tree, app: Application, name: str, value: Value, place: Evidence | None, base: str, found: Found
) -> None:
    data = value.data
    text = str(data) if isinstance(data, str | PurePosixPath) else ""
    if text == MEMORY and framework_of(app.framework).databases and name == "default":
        note = "sqlite: in memory, where tables made by `migrate` are lost: the settings have to name a file"
        found.notes.append(Note(note, value.place or place, warns=True))
    if not text or text == MEMORY or "mode=memory" in text:
        return
    if HOLE in text or isinstance(data, Class) or text.startswith("file:"):
        found.notes.append(Note("sqlite: its path is computed at run time", place))
        return
    root = str(tree.root)
    # `sqlite:////` before an absolute path leaves two slashes, which normpath keeps
    full = posixpath.normpath("/" + text.lstrip("/") if text.startswith("/") else posixpath.join(root, base, text))
    home = posixpath.normpath(posixpath.join(root, app.root))
    if not full.startswith(root + "/"):
        found.notes.append(Note(f"sqlite: `{full}` is outside the clone", place))
        return
    path = posixpath.relpath(full, home)
    if all(known.path != path for known in found.databases):
        taken = {known.name for known in found.databases}
        found.databases.append(Database(name if name not in taken else _name_of(path), path, value.place or place))
