"""Colours text by escape codes, and removes all other control characters from text for a terminal."""

from __future__ import annotations

from devboot.text.columns import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

RESET = "\x1b[0m"
RED, GREEN, YELLOW, MAGENTA, BOLD = "31", "32", "33", "35", "1"
# Colours of the 256 with a contrast of at least 3.8 : 1 against both white and black; none of the basic sixteen is
# sure to have that. No red, which is for failures.
DEALT = tuple(f"38;5;{number}" for number in (30, 130, 28, 133, 63, 166, 32, 162, 64, 98))
_DEALT_BOLD = tuple(f"{BOLD};{code}" for code in DEALT)  # for projects with more processes than colours


def paint(text: str, code: str, *, on: bool) -> str:
    """Return `text` with the colour `code` if `on`, else unchanged."""
    return f"\x1b[{code}m{text}{RESET}" if on and code else text


def colour_of(name: str) -> str:
    """Return the colour code of a process, by its name without instance number: the same in every run."""
    from zlib import crc32

    return DEALT[crc32(_base(name).encode()) % len(DEALT)]


def colours_of(names: Iterable[str], others: Iterable[str] = ()) -> dict[str, str]:
    """Return the colour code of each process of a project, different ones for up to twenty of them.

    A process has the code of `colour_of`, or the next free one if that is taken by a process that sorts before it.
    Instances of a process share its colour. `others`, such as processes that only have a log left, take what is free.
    """
    names, others = tuple(names), tuple(others)
    dealt: dict[str, str] = {}
    for base in (*sorted({_base(name) for name in names}), *sorted({_base(name) for name in others})):
        if base in dealt:
            continue
        first = DEALT.index(colour_of(base))
        order = (*DEALT[first:], *DEALT[:first], *_DEALT_BOLD[first:], *_DEALT_BOLD[:first])
        dealt[base] = next((code for code in order if code not in dealt.values()), DEALT[first])
    return {name: dealt[_base(name)] for name in (*names, *others)}


def _base(name: str) -> str:
    base, _, instance = name.rpartition(".")
    return base if base and instance.isdecimal() else name


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
        _OWN.append(frozenset(("0", BOLD, *colours, *(f"{BOLD};{colour}" for colour in colours), *DEALT, *_DEALT_BOLD)))
    return _OWN[0]


_BEGIN = "\x1b["
_OWN: list[frozenset[str]] = []
