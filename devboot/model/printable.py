"""Makes text of a user or program safe for messages, one line of limited length; counts and lists in words."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def printable(text: str, limit: int = 40) -> str:
    """Return the text with `?` for unprintable characters, cut with `…` after `limit` characters."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def counted(number: int, noun: str) -> str:
    """Return `1 object`, `3 processes` or `2 entries`: the number and the noun, with a regular plural."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith(("s", "x", "ch")):
        return f"{number} {noun}es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{number} {noun[:-1]}ies"
    return f"{number} {noun}s"


def listed(names: Sequence[str]) -> str:
    """Return `web`, `web and worker` or `db, web and worker`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
