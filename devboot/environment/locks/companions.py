"""Requirements that lists leave out although the code insists on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# Where all of these are named, and the extra isn't, the package with the extra says which versions of them fit. kombu
# looks at the version of redis when a worker connects, and refuses an older one: a list that pins redis and celery but
# not kombu gets a newer kombu each month, until no worker starts any more.
# SQLAlchemy's asyncio needs greenlet, which its releases ask for on the Pythons of their day alone.
# gunicorn's worker for gevent imports a package that gunicorn doesn't require.
_COMPANIONS = (
    (("celery", "redis"), "kombu", "redis"),
    (("kombu", "redis"), "kombu", "redis"),
    *((("sqlalchemy", driver), "sqlalchemy", "asyncio") for driver in ("aiomysql", "aiosqlite", "asyncmy", "asyncpg")),
    (("gunicorn", "gevent"), "packaging", ""),
)


def companions(named: Iterable[tuple[str, Iterable[str]]]) -> tuple[str, ...]:
    """Give the requirement lines that belong beside those of a project.

    Args:
        named: the project's own requirements: normalised name and extras of each.

    """
    extras: dict[str, set[str]] = {}
    for name, its in named:
        extras.setdefault(name, set()).update(its)
    found = (
        f"{name}[{extra}]" if extra else name
        for names, name, extra in _COMPANIONS
        if _is_wanted(extras, names, name, extra)
    )
    return tuple(dict.fromkeys(found))


def _is_wanted(extras: Mapping[str, set[str]], names: tuple[str, ...], name: str, extra: str) -> bool:
    is_there = any(extra in extras[each] for each in names if each in extras) if extra else name in extras
    return all(each in extras for each in names) and not is_there
