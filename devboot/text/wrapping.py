"""Wraps text to a terminal's width in cells, never inside a command between backticks."""

from __future__ import annotations

from devboot.text.columns import cells, printable

__all__ = ["cells", "expand_tabs", "wrap"]

_TAB = 4


def wrap(text: str, width: int, *, first: str = "", then: str = "") -> list[str]:
    """Return lines of at most `width` cells, the first prefixed by `first`, the others by `then`; 0 means no limit.

    A word or a passage between backticks that is wider than a line stays whole, so that it can be copied. `text` is one
    line of plain text, in which unprintable characters are shown as escapes.
    """
    lines, line = [], first
    is_empty = True
    for word in _words(printable(text)):
        if not is_empty and width and cells(line) + 1 + cells(word) > width:
            lines.append(line)
            line, is_empty = then, True
        line += word if is_empty else " " + word
        is_empty = False
    return [*lines, line]


def expand_tabs(text: str) -> str:
    """Return the line with tabs as blanks, at stops of four cells, and other control characters as escapes."""
    if text.isprintable():
        return text
    expanded, column = [], 0
    for character in text:
        piece = " " * (_TAB - column % _TAB) if character == "\t" else printable(character)
        expanded.append(piece)
        column += cells(piece)
    return "".join(expanded)


def _words(text: str) -> list[str]:
    words: list[list[str]] = []
    is_quoted = False
    for word in text.split(" "):
        if is_quoted:
            words[-1].append(word)
        else:
            words.append([word])
        is_quoted ^= word.count("`") % 2 == 1
    return [" ".join(parts) for parts in words]
