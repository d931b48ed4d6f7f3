"""Adds requirements that a project's list omits although the listed packages need them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from devboot.model.data_tables import known_packages


def companions(named: Iterable[tuple[str, Iterable[str]]]) -> tuple[str, ...]:
    """Return requirement lines to add to a project's list, such as a driver that a listed extra needs.

    Args:
        named: the project's own requirements: normalised name and extras of each.

    """
    extras: dict[str, set[str]] = {}
    for name, its in named:
        extras.setdefault(name, set()).update(its)
    rows = known_packages("companions").items()
    return tuple(
        dict.fromkeys(companion for beside, companion in rows if _is_wanted(extras, beside.split(), companion))
    )


def _is_wanted(extras: Mapping[str, set[str]], names: Sequence[str], companion: str) -> bool:
    name, _, extra = companion.rstrip("]").partition("[")
    is_there = any(extra in extras[each] for each in names if each in extras) if extra else name in extras
    return all(each in extras for each in names) and not is_there
