"""How an address of PostgreSQL begins, by the libraries that are installed to open it."""

from __future__ import annotations

import re
from collections.abc import Collection

from devboot.onboarding.reading.tree import Tree

ON_SQLALCHEMY = frozenset({"sqlalchemy", "sqlmodel", "alembic", "flask-sqlalchemy"})
TORTOISE = "tortoise-orm"
_ASYNC = re.compile(
    r"\bAsyncEngine\(\s*(?:create_engine|engine_from_config)\(|\bcreate_async_engine\(|\basync_engine_from_config\("
)
_SYNC = re.compile(r"\b(?:create_engine|engine_from_config)\(")
NEWER = frozenset({"psycopg", "psycopg-binary", "asyncpg"})


def scheme_of_postgres(packages: Collection[str], tree: Tree) -> str:
    """What stands before `://` where the code has no address so far: `postgresql`, or with a driver."""
    names = frozenset(packages)
    if TORTOISE in names:  # knows its drivers, and not `postgresql`
        return "asyncpg" if "asyncpg" in names else "psycopg"
    if not names & ON_SQLALCHEMY:
        return "postgresql"
    if "asyncpg" in names and _is_asynchronous(tree):
        return "postgresql+asyncpg"
    if any(name.startswith("psycopg2") for name in names):
        # SQLAlchemy 2.1 takes psycopg for what names no driver, but only SQLAlchemy knows the longer form
        return "postgresql" if names & NEWER or _opens_by_itself(tree) else "postgresql+psycopg2"
    return "postgresql+asyncpg" if "asyncpg" in names else "postgresql+psycopg"


def needs_driver(named: str | None, packages: Collection[str]) -> bool:
    """Whether an address has to name a driver, and an example's, whose driver is `named`, doesn't do it."""
    names = frozenset(packages)
    if TORTOISE in names:
        return True
    older = any(name.startswith("psycopg2") for name in names)
    return not named and not older and "psycopg" in names and bool(names & ON_SQLALCHEMY)


def _is_asynchronous(tree: Tree) -> bool:
    """Whether what was read makes engines for asyncio alone, of the address as it is."""
    texts = [tree.text(path) or "" for path in tree.read if path.endswith(".py")]
    # Where the code names the driver itself, it makes one address out of the other
    return (
        any(_ASYNC.search(text) for text in texts)
        and not any("+asyncpg" in text for text in texts)
        and not any(_SYNC.search(_ASYNC.sub("", text)) for text in texts)
    )


def _opens_by_itself(tree: Tree) -> bool:
    """Whether something that was read calls psycopg2."""
    paths = [path for path in tree.read if path.endswith(".py")]
    return any("psycopg2.connect" in (tree.text(path) or "") for path in paths)
