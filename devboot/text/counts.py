"""Says how many of something there are."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """`1 object`, `3 processes`: the noun in the singular, with a regular plural."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}{'es' if noun.endswith(('s', 'x', 'ch')) else 's'}"
