"""Resolves process names typed by users: wildcards, instances, and a suggestion if nothing matches."""

from __future__ import annotations

from devboot.errors import UsageError
from devboot.model.nearest import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def expand(patterns: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return the process names among `known` that match any of `patterns`, in the order of `known`.

    A pattern is a name, a wildcard (`work*`), or a name without instance number (`web` for `web.1` and `web.2`). Raises
    UsageError `usage/unknown-name` for the first pattern without a match.
    """
    wanted: set[str] = set()
    for pattern in patterns:
        found = [name for name in known if _means(pattern, name)]
        if not found:
            raise _unknown(pattern, known)
        wanted.update(found)
    return tuple(name for name in known if name in wanted)


def _means(pattern: str, name: str) -> bool:
    if name == pattern:
        return True
    from fnmatch import fnmatchcase  # it imports re

    if fnmatchcase(name, pattern):
        return True
    stem, dot, number = name.rpartition(".")
    return bool(dot) and number.isdigit() and stem == pattern


def _unknown(pattern: str, known: Sequence[str]) -> UsageError:
    names = ", ".join(f"`{name}`" for name in known) or "none"
    likely = nearest(pattern, known)
    hints = [f"did you mean `{likely}`?"] if likely else []
    return UsageError("usage/unknown-name", f"no process matches `{pattern}`", help=[*hints, f"there are {names}"])
