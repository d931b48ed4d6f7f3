"""Breaks a line for a terminal, never inside a command between back-ticks, by cells rather than characters."""

from __future__ import annotations

from devboot.text.columns import cells, printable

__all__ = ["cells", "expand_tabs", "wrap"]

_TAB = 4


def wrap(text: str, width: int, *, first: str = "", then: str = "") -> list[str]:
    """Lines of at most `width` cells, the first led by `first`, the others by `then`; 0 means never to break.

    A word, or what stands between back-ticks, that is wider than a line stays whole: a terminal breaks it better than
    a blank in a path that somebody copies. `text` is one line of plain text: what isn't printable is shown as escapes.
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
    """Tabs as blanks, at stops of four cells; other control characters become visible, so that none moves the caret."""
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
