"""Colours text by escape codes, and removes all other control characters from text for a terminal."""

from __future__ import annotations

from devboot.text.columns import printable

RESET = "\x1b[0m"
RED, GREEN, YELLOW, MAGENTA, BOLD = "31", "32", "33", "35", "1"
# Colours of the 256 with a contrast of at least 3.8 : 1 against both white and black; none of the basic sixteen is
# sure to have that. No red, which is for failures.
DEALT = tuple(f"38;5;{number}" for number in (30, 130, 28, 133, 63, 166, 32, 162, 64, 98))


def paint(text: str, code: str, *, on: bool) -> str:
    """Return `text` in a colour if colours are on."""
    return f"\x1b[{code}m{text}{RESET}" if on and code else text


def colour_of(name: str) -> str:
    """Return the colour code of a process: the same in every run, and for all its instances."""
    from zlib import crc32

    base, _, instance = name.rpartition(".")
    return DEALT[crc32((base if base and instance.isdecimal() else name).encode()) % len(DEALT)]


def terminal_text(text: str) -> str:
    """Return `text` with unprintable characters as escapes, except for line ends and devboot's own colours.

    All text for users passes through this last, so that no name, path or version can send control characters to the
    terminal, even if a caller forgot to escape it.
    """
    return "\n".join(line if line.isprintable() else _with_own_colours(line) for line in text.split("\n"))


def _with_own_colours(line: str) -> str:
    first, *rest = line.split(_BEGIN)
    shown = [printable(first)]
    for piece in rest:
        code, end, after = piece.partition("m")
        is_own = end and code in _own_codes()
        shown.append(f"{_BEGIN}{code}m{printable(after)}" if is_own else printable(_BEGIN + piece))
    return "".join(shown)


def _own_codes() -> frozenset[str]:
    if not _OWN:
        colours = [str(number) for number in range(int(RED), int(RED) + 6)]
        _OWN.append(frozenset(("0", BOLD, *colours, *(f"{BOLD};{colour}" for colour in colours), *DEALT)))
    return _OWN[0]


_BEGIN = "\x1b["
_OWN: list[frozenset[str]] = []
