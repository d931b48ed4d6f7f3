"""Whole numbers as people and programs write them, bounded where they enter."""

from __future__ import annotations

_DIGITS = 18  # more than any number that counts; Python refuses to read thousands of them


def whole_number(text: str, most: int) -> int | None:
    """Return the number that `text` states in ASCII digits, at most `most`; None where it states none."""
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0") or "0"
    return most if len(digits) > _DIGITS else min(int(digits), most)
