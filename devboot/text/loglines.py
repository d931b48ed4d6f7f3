"""Adds the prefix `HH:MM:SS name │ ` to the output of processes, a block at a time."""

from __future__ import annotations

import time

from devboot.text.columns import cells, pad, printable
from devboot.text.escapes import shown
from devboot.text.paint import RESET, colour_of, colours_of, paint
from devboot.text.symbols import symbols

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


_NARROW = 30  # least cells beside the prefix for which lines are broken; below, the terminal breaks them
_TIMES = {"clock": len("00:00:00 "), "full": len("2026-01-01T00:00:00.000 ")}
_PARTS = r"\x1b\[[0-9;]*m|\s+|[^\s\x1b]+|\x1b"


class LineStyle:
    """Format of log lines for one reader: `timestamps` is "clock", "full" (date and milliseconds) or "none".

    Lines wider than `columns` are broken between words, so that each part has the prefix; 0 breaks none.
    """

    __slots__ = ("colour", "columns", "prefix", "timestamps", "unicode")

    def __init__(
        self,
        *,
        colour: bool = False,
        unicode: bool = True,
        timestamps: str = "clock",
        prefix: bool = True,
        columns: int = 0,
    ) -> None:
        self.colour = colour
        self.unicode = unicode
        self.timestamps = timestamps
        self.prefix = prefix
        self.columns = columns

    def key(self) -> tuple[bool, bool, str, bool, int]:
        """Return a key that is equal for styles that render the same bytes."""
        return (self.colour, self.unicode, self.timestamps, self.prefix, self.columns)


def prefix_width(names: Iterable[str]) -> int:
    """Return the width in cells of the prefix for processes with these names: time, name, separator."""
    return len("00:00:00 ") + max((cells(printable(name)) for name in names), default=0) + len(" | ")


class Prefixer:
    """Renders output of several processes in one style; names are padded to the longest.

    A block has one timestamp: one per line would cost ten times the relaying itself. `among` are all processes of the
    project, in which each has the same colour for every reader.
    """

    def __init__(self, names: Iterable[str], style: LineStyle, among: Iterable[str] = ()) -> None:
        names = tuple(names)
        self._style = style
        self._width = max((cells(printable(name)) for name in names), default=0)
        self._colours = colours_of(among or names, names) if style.colour else {}
        self._labels: dict[str, bytes] = {}
        self._second = -1
        self._clock = b""

    def prefix(self, name: str, at: float) -> bytes:
        """Return the prefix for lines of process `name`; `at` is wall-clock seconds."""
        if not self._style.prefix:
            return b""
        return self._time(at) + self._label(name)

    def block(self, name: str, data: bytes, at: float, *, continued: bool = False) -> bytes:
        """Return output of process `name` with a prefix before each line; the last line may be unfinished.

        `continued`: `data` continues an unfinished line that the reader was shown before.
        """
        text = shown(data, colour=self._style.colour)
        if not text:
            return b""
        prefix = self.prefix(name, at)
        if self._style.columns and self._style.prefix and len(text) > self._room >= _NARROW:
            text = _broken(text, self._room, after_first=continued)
        if self._style.colour and b"\x1b" in text:
            text = _closing_colours(text)
        body = text.replace(b"\n", b"\n" + prefix)
        # Blocks are big: avoid further copies.
        kept = memoryview(body)[: len(body) - len(prefix)] if text.endswith(b"\n") else body
        return b"".join((b"" if continued else prefix, kept))

    @property
    def _room(self) -> int:
        """Width in cells for a line after its prefix."""
        return self._style.columns - _TIMES.get(self._style.timestamps, 0) - self._width - len(" | ")

    def _time(self, at: float) -> bytes:
        if self._style.timestamps == "none":
            return b""
        if self._style.timestamps == "full":
            date = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(at))
            return f"{date}.{int(at * 1000) % 1000:03} ".encode()
        if int(at) != self._second:
            self._second = int(at)
            self._clock = time.strftime("%H:%M:%S ", time.localtime(at)).encode()
        return self._clock

    def _label(self, name: str) -> bytes:
        label = self._labels.get(name)
        if label is None:
            bar = symbols(self._style.unicode).separator
            text = f"{pad(printable(name), self._width)} {bar}"
            colour = self._colours.get(name) or colour_of(name)
            label = self._labels[name] = (paint(text, colour, on=self._style.colour) + " ").encode()
        return label


def _broken(text: bytes, room: int, *, after_first: bool) -> bytes:
    """Break lines wider than `room` between words; a longer word, such as an address, stays whole to be copied.

    `after_first`: the first line continues another one, so its room is unknown and it isn't broken.
    """
    first, *rest = lines = text.split(b"\n")
    if max(map(len, lines)) <= room:
        return text
    kept = [first if after_first or len(first) <= room else _broken_line(first, room)]
    return b"\n".join([*kept, *(line if len(line) <= room else _broken_line(line, room) for line in rest)])


def _broken_line(line: bytes, room: int) -> bytes:
    import re

    parts: list[str] = []
    used, has_word = 0, False
    for part in re.findall(_PARTS, line.decode("utf-8", "surrogateescape")):
        if part[0] != "\x1b":
            if has_word and not part.isspace() and used + cells(part) > room:
                if parts[-1].isspace():
                    parts.pop()
                parts.append("\n")
                used, has_word = 0, False
            used += cells(part)
            has_word = has_word or not part.isspace()
        parts.append(part)
    return "".join(parts).encode("utf-8", "surrogateescape")


def _closing_colours(text: bytes) -> bytes:
    # A colour that isn't reset at the end of a line would colour the next prefix and other processes' lines.
    reset = RESET.encode()
    lines = text.split(b"\n")
    closed = [line + reset if b"\x1b" in line and not line.endswith((reset, b"\x1b[m")) else line for line in lines]
    return b"\n".join(closed)
