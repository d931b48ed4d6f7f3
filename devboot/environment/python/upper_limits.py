"""Upper limits of Python versions for old packages that install everywhere but no longer run on new ones."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from devboot.environment.locks.pins import Pin
from devboot.model.data_tables import known_packages


def minors_too_new(minor: tuple[int, int], pins: Iterable[Pin]) -> int:
    """Return by how many minor versions a Python is too new for any of these pins; 0 if they run on it."""
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
