"""Formats a number with a noun."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return `1 object` or `3 processes`: the number and the noun, with a regular plural."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}{'es' if noun.endswith(('s', 'x', 'ch')) else 's'}"
