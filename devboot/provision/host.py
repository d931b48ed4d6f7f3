"""Facts about the machine on which packages depend."""

from __future__ import annotations

from devboot.record import Record

Floor = tuple[int, int]
"""A version of glibc, as comparable numbers."""


class Host(Record):
    """The machine: platform, glibc version (None if it has none), distribution (`debian-13`, "" if unknown)."""

    platform: str
    glibc: Floor | None
    distribution: str = ""


def parse_floor(text: str) -> Floor:
    """Parse a version such as `2.28` into numbers for comparison: (2, 28)."""
    major, _, minor = text.partition(".")
    return int(major), int(minor.partition(".")[0] or 0)
