"""Chooses the scheme of PostgreSQL urls by the installed client libraries."""

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
# Code that removes the driver from an address, for a synchronous client
_TAKES_OUT = re.compile(r"\b(?:replace|sub|split|partition)\(\s*r?[\"'][a-z]*\\?\+asyncpg\b")
NEWER = frozenset({"psycopg", "psycopg-binary", "asyncpg"})


def scheme_of_postgres(packages: Collection[str], tree: Tree) -> str:
    """Return the scheme for a url that the code doesn't have yet: `postgresql`, or with a driver."""
    names = frozenset(packages)
    if TORTOISE in names:  # accepts only the names of its drivers, not `postgresql`
        return "asyncpg" if "asyncpg" in names else "psycopg"
    if not names & ON_SQLALCHEMY:
        return "postgresql"
    if "asyncpg" in names and _is_asynchronous(tree):
        return "postgresql+asyncpg"
    if any(name.startswith("psycopg2") for name in names):
        # SQLAlchemy 2.1 uses psycopg if no driver is named, but only SQLAlchemy accepts the longer form
        return "postgresql" if names & NEWER or _opens_by_itself(tree) else "postgresql+psycopg2"
    return "postgresql+asyncpg" if "asyncpg" in names else "postgresql+psycopg"


def needs_driver(named: str | None, packages: Collection[str]) -> bool:
    """Return True if a url has to name a driver and an example, with the driver `named`, doesn't."""
    names = frozenset(packages)
    if TORTOISE in names:
        return True
    older = any(name.startswith("psycopg2") for name in names)
    return not named and not older and "psycopg" in names and bool(names & ON_SQLALCHEMY)


def _is_asynchronous(tree: Tree) -> bool:
    """Return True if the code creates only asyncio engines, with the url unchanged."""
    texts = [tree.text(path) or "" for path in tree.read if path.endswith(".py")]
    if any(_TAKES_OUT.search(text) for text in texts):
        return any(_ASYNC.search(text) for text in texts)
    # Code that contains the driver's name converts the url itself
    return (
        any(_ASYNC.search(text) for text in texts)
        and not any("+asyncpg" in text for text in texts)
        and not any(_SYNC.search(_ASYNC.sub("", text)) for text in texts)
    )


def _opens_by_itself(tree: Tree) -> bool:
    """Return True if code that was read calls psycopg2 directly."""
    paths = [path for path in tree.read if path.endswith(".py")]
    return any("psycopg2.connect" in (tree.text(path) or "") for path in paths)
