"""The symbols of UX: shape first, colour second, an ASCII set for streams that can't encode them."""

from __future__ import annotations

from devboot.record import Record


class Symbols(Record):
    """One set; every one is as wide as a cell, but for the word `ok` and `?!`."""

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
    """The set for a stream that can, or can't, encode the first one."""
    return UNICODE if unicode else ASCII


def margin(symbol: str, known: Symbols) -> str:
    """What a line starts with: the symbol of the set `known`, right-aligned, so that texts begin in one column."""
    return f"{symbol:>{2 + len(known.ok)}} "
