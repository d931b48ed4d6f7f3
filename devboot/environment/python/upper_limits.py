"""Packages of years ago that are installed on any Python and run on none of today's: up to which one they do."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from devboot.environment.locks.pins import Pin
from devboot.model.tables import known_packages


def minors_too_new(minor: tuple[int, int], pins: Iterable[Pin]) -> int:
    """How many minor versions a Python is newer than the newest that all these packages run on; 0 where they do."""
    limits = (_limit(pin.name, pin.version) for pin in pins)
    beyond = max((minor[1] - limit for limit in limits if limit is not None), default=0)
    return max(beyond, 0) if minor[0] == 3 else 0


@cache
def _limits() -> tuple[tuple[Requirement, int], ...]:
    return tuple((Requirement(versions), minor) for versions, minor in known_packages("newest-python").items())


@cache
def _limit(name: str, version: str) -> int | None:
    try:
        found = Version(version)
    except InvalidVersion:
        return None
    fits = (
        minor for each, minor in _limits() if each.name == name and each.specifier.contains(found, prereleases=True)
    )
    return next(fits, None)
