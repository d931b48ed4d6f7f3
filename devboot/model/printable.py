"""A word of the user's for a sentence of ours: one line, no control characters, not too long."""

from __future__ import annotations


def printable(text: str, limit: int = 40) -> str:
    """The text with `?` for what can't be printed, and `…` behind `limit` characters."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
