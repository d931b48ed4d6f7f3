"""Symbols for processes and steps, in Unicode, and in ASCII for streams that can't encode them."""

from __future__ import annotations

from devboot.record import Record


class Symbols(Record):
    """A set of symbols; all are one cell wide, except for `ok` and `?!`."""

    ok: str
    ready: str
    running: str
    busy: str
    idle: str
    warning: str
    failed: str
    crashed: str
    bar_done: str
    bar_head: str
    bar_rest: str
    spinner: tuple[str, ...]
    separator: str


UNICODE = Symbols("✓", "●", "◉", "◐", "○", "!", "✗", "?!", "━", "╸", "─", ("◐", "◓", "◑", "◒"), "│")
ASCII = Symbols("ok", "*", "@", "~", ".", "!", "x", "?!", "=", ">", "-", ("~", "-", "~", "="), "|")


def symbols(unicode: bool) -> Symbols:
    """Return the Unicode or the ASCII set of symbols."""
    return UNICODE if unicode else ASCII


def margin(symbol: str, known: Symbols) -> str:
    """Return a symbol of the set `known` as the start of a line, right-aligned so that texts line up."""
    return f"{symbol:>{2 + len(known.ok)}} "
