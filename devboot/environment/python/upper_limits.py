"""Packages of years ago that are installed on any Python and run on none of today's: up to which one they do."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from devboot.environment.locks.pins import Pin

# Name, versions, and the newest minor of Python 3 that they work with: what their release notes say or, where these
# promise too little, what importing them shows. Wheels without machine code are there for every Python, so that they
# say nothing; what these miss on a newer one is part of the standard library (collections, cgi, distutils, imp).
_LIMITS = (
    ("celery", "<4.3", 6),
    ("celery", "<5.0", 8),
    ("celery", "<5.3", 11),
    ("django", "<1.11.17", 6),
    ("django", "<2.2", 7),
    ("django", "<3.2", 9),
    ("django", "<4.1", 10),
    ("django", "<4.2", 11),
    ("django", "<5.1", 12),
    ("django", "<5.2", 13),
    ("eventlet", "<0.33", 9),
    ("eventlet", "<0.34.2", 11),
    ("eventlet", "<0.37", 12),
    ("gunicorn", "<20.1", 11),
    ("jinja2", "<2.11", 9),
    ("kombu", "<5.3", 11),
    ("pydantic", "<1.10.17", 11),
    ("python-telegram-bot", "<20", 11),
    ("six", "<1.16", 11),
    ("sqlalchemy", "<1.3", 9),
    ("sqlalchemy", ">=2.0,<2.0.31", 12),
    ("urllib3", "<1.26.5", 11),
    ("werkzeug", "<1.0", 9),
)


def minors_too_new(minor: tuple[int, int], pins: Iterable[Pin]) -> int:
    """How many minor versions a Python is newer than the newest that all these packages run on; 0 where they do."""
    limits = (_limit(pin.name, pin.version) for pin in pins)
    beyond = max((minor[1] - limit for limit in limits if limit is not None), default=0)
    return max(beyond, 0) if minor[0] == 3 else 0


@cache
def _limit(name: str, version: str) -> int | None:
    return next((limit for each, versions, limit in _LIMITS if each == name and _is_among(version, versions)), None)


def _is_among(version: str, versions: str) -> bool:
    try:
        return SpecifierSet(versions).contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False
