"""Makes text of a user or program safe for messages: one line, no control characters, limited length."""

from __future__ import annotations


def printable(text: str, limit: int = 40) -> str:
    """Return the text with `?` for unprintable characters, cut with `…` after `limit` characters."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
