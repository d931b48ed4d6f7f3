"""Extras that lists leave out although the code insists on them: which versions of two packages go together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# Where all of these are named, and the extra isn't, the package with the extra says which versions of them fit. kombu
# looks at the version of redis when a worker connects, and refuses an older one: a list that pins redis and celery but
# not kombu gets a newer kombu each month, until no worker starts any more.
_COMPANIONS = (
    (("celery", "redis"), "kombu", "redis"),
    (("kombu", "redis"), "kombu", "redis"),
)


def companions(named: Iterable[tuple[str, Iterable[str]]]) -> tuple[str, ...]:
    """Give the requirement lines that belong beside those of a project.

    Args:
        named: the project's own requirements: normalised name and extras of each.

    """
    extras: dict[str, set[str]] = {}
    for name, its in named:
        extras.setdefault(name, set()).update(its)
    found = (f"{name}[{extra}]" for names, name, extra in _COMPANIONS if _is_wanted(extras, names, extra))
    return tuple(dict.fromkeys(found))


def _is_wanted(extras: Mapping[str, set[str]], names: tuple[str, ...], extra: str) -> bool:
    return all(name in extras for name in names) and not any(extra in extras[name] for name in names)
