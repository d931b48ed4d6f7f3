"""Chooses the scheme (`postgresql+psycopg`) of database URLs, by the library that opens them and installed drivers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from devboot.onboarding.reading.python import name_of
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.tables import load_table

ON_SQLALCHEMY = frozenset({"sqlalchemy", "sqlmodel", "alembic", "flask-sqlalchemy", "ormar", "advanced-alchemy"})
TORTOISE = "tortoise-orm"
ASYNCIO = "sqlalchemy-asyncio"  # SQLAlchemy's engine for asyncio
_ASYNC = re.compile(
    r"\bAsyncEngine\(\s*(?:create_engine|engine_from_config)\(|\bcreate_async_engine\(|\basync_engine_from_config\("
    r"|\bSQLAlchemyAsyncConfig\(|^from ormar import [^\n]*\bDatabaseConnection\b",
    re.MULTILINE,
)
_SYNC = re.compile(r"\b(?:create_engine|engine_from_config)\(")
_DRIVER = r"\+(?:asyncpg|aiosqlite|aiomysql|asyncmy)\b"
# Code that puts the driver into an address without one
_PUTS_IN = re.compile(rf"\b(?:replace|sub)\([^()\n]*,\s*r?f?[\"'][a-z]*{_DRIVER}|\bset\(\s*drivername\b", re.MULTILINE)
_NAMES = re.compile(_DRIVER)
# Code that removes the driver from an address, for a synchronous client
_TAKES_OUT = re.compile(rf"\b(?:replace|sub|split|partition)\(\s*r?[\"'][a-z]*\\?{_DRIVER}")
NEWER = frozenset({"psycopg", "psycopg-binary", "asyncpg"})


def sqlite_address(file: str, packages: Collection[str], tree: Tree) -> str:
    """Return the URL of an SQLite file as the code's library accepts it."""
    library = _library(packages, tree, "sqlite")
    (scheme,) = load_table("drivers")[library or "sqlalchemy"]["sqlite"]
    return f"{scheme}:{'//' if library == TORTOISE else '///'}{file}"


def scheme_of_postgres(packages: Collection[str], tree: Tree) -> str:
    """Return the scheme for a new PostgreSQL URL: `postgresql`, or with a driver."""
    names = frozenset(packages)
    library = _library(names, tree, "postgres")
    if library != "sqlalchemy":
        return _scheme(library, "postgres", names) if library else "postgresql"
    if any(name.startswith("psycopg2") for name in names):
        # SQLAlchemy 2.1 uses psycopg if no driver is named, but only SQLAlchemy accepts the longer form
        return "postgresql" if names & NEWER or _opens_by_itself(tree) else "postgresql+psycopg2"
    return _scheme(library, "postgres", names)


def scheme_of_mysql(packages: Collection[str], tree: Tree) -> str:
    """Return the scheme for a new MySQL URL, with a driver."""
    return _scheme(_library(packages, tree, "mysql") or "sqlalchemy", "mysql", packages)


def with_asyncio_driver(scheme: str, packages: Collection[str]) -> str:
    """Return a URL's scheme with an asyncio driver, as `postgresql+asyncpg`; unchanged if its driver is one."""
    for kind, schemes in load_table("drivers")[ASYNCIO].items():
        if scheme.startswith(kind) and scheme not in schemes:
            return _scheme(ASYNCIO, kind, packages)
    return scheme


def needs_driver(named: str | None, packages: Collection[str], tree: Tree, *, is_mysql: bool = False) -> bool:
    """Return True if a database URL must name a driver (`mysql+pymysql://`) although the example's names `named`."""
    names = frozenset(packages)
    if TORTOISE in names:
        return True
    if not named and _library(names, tree, "") == ASYNCIO:
        return True
    if named or names.isdisjoint(ON_SQLALCHEMY):
        return False
    if (
        "mysqlclient" not in names
        and not _takes_place_of_mysqlclient(tree)
        and names & {"pymysql", "mysql-connector-python"}
    ):
        return is_mysql
    older = any(name.startswith("psycopg2") for name in names)
    return not is_mysql and not older and "psycopg" in names


def lacking_driver(url: str, packages: Collection[str], tree: Tree) -> str:
    """Return the package of the driver that a proposed URL needs; "" if one is installed.

    `url` may have references instead of the parts behind the scheme.
    """
    scheme, mark, _ = url.partition("://")
    library = _library(packages, tree, "") if mark else ""
    of_library = load_table("drivers").get(library, {})
    others = load_table("drivers")[ASYNCIO] if library == "sqlalchemy" else {}
    for schemes in (*of_library.values(), *others.values()):
        if scheme in schemes:
            return "" if _has_one(schemes[scheme], packages) else schemes[scheme][0]
    return ""


def _scheme(library: str, kind: str, packages: Collection[str]) -> str:
    """Return the first scheme in the table for a library and kind whose driver is installed, else the first one."""
    schemes: Mapping[str, list[str]] = load_table("drivers")[library][kind]
    installed = (scheme for scheme, drivers in schemes.items() if _has_one(drivers, packages))
    return next(installed, next(iter(schemes)))


def _has_one(drivers: Collection[str], packages: Collection[str]) -> bool:
    return not drivers or any(name_of(each) in packages for each in drivers)


def _library(packages: Collection[str], tree: Tree, kind: str) -> str:
    """Return the name of the library that opens a variable's database URL; "" if unknown.

    `kind` is that of the server for which the code may put the driver into the URL itself.
    """
    if TORTOISE in packages:
        return TORTOISE
    if not {"databases", "ormar"}.isdisjoint(packages) and any("Database(" in text for text in _texts(tree)):
        return "databases"
    if not ON_SQLALCHEMY.isdisjoint(packages):
        return ASYNCIO if _is_asynchronous(tree, kind) else "sqlalchemy"
    return ""


def _is_asynchronous(tree: Tree, kind: str) -> bool:
    """Return whether the code creates only asyncio engines of SQLAlchemy, with the URL unchanged."""
    texts = list(_texts(tree))
    if not any(_ASYNC.search(text) for text in texts):
        return False
    if any(_TAKES_OUT.search(text) for text in texts):
        return True
    # Code that contains the driver's name converts the url of a server itself
    converts = _PUTS_IN if kind == "sqlite" else _NAMES
    return not any(converts.search(text) or _SYNC.search(_ASYNC.sub("", text)) for text in texts)


def _texts(tree: Tree) -> Iterator[str]:
    """Yield the texts of the Python modules that were read."""
    yield from (tree.text(path) or "" for path in tree.read if path.endswith(".py"))


def _takes_place_of_mysqlclient(tree: Tree) -> bool:
    """Return whether the code makes PyMySQL the driver for MySQL URLs that name none."""
    return any("install_as_MySQLdb" in text for text in _texts(tree))


def _opens_by_itself(tree: Tree) -> bool:
    """Return whether the code calls psycopg2 directly."""
    return any("psycopg2.connect" in text for text in _texts(tree))
