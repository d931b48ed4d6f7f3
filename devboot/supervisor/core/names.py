"""Names as people type them: wildcards, several at once, and the nearest one when none fits."""

from __future__ import annotations

from devboot.errors import UsageError
from devboot.model.nearest import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def expand(patterns: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    """The known names that `patterns` (names, wildcards, `web` for all of `web.1`, `web.2`) mean, in known order.

    Raises UsageError `usage/unknown-name` for the first pattern that means nothing.
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
