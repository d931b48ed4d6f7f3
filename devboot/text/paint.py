"""Colours by their escape codes, and names that keep their own."""

from __future__ import annotations

RESET = "\x1b[0m"
RED, GREEN, YELLOW, MAGENTA, BOLD = "31", "32", "33", "35", "1"
# Of the 256, those that stand out against white as much as against black (3.8 : 1 and more), which none of the sixteen
# that every terminal has is sure to do. No red, which is for failures.
_DEALT = tuple(f"38;5;{number}" for number in (30, 130, 28, 133, 63, 166, 32, 162, 64, 98))


def paint(text: str, code: str, *, on: bool) -> str:
    """`text` in a colour where colours are on."""
    return f"\x1b[{code}m{text}{RESET}" if on and code else text


def colour_of(name: str) -> str:
    """The colour code of a process' name: the same in every run, and for all instances of one process."""
    from zlib import crc32

    base, _, instance = name.rpartition(".")
    return _DEALT[crc32((base if base and instance.isdecimal() else name).encode()) % len(_DEALT)]
