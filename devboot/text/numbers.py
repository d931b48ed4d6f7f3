"""Parses whole numbers with an upper bound."""

from __future__ import annotations

_DIGITS = 18  # most digits that are converted; Python refuses thousands of them


def whole_number(text: str, most: int) -> int | None:
    """Return the number in `text`, reduced to `most`; None if `text` isn't ASCII digits only."""
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0") or "0"
    return most if len(digits) > _DIGITS else min(int(digits), most)
