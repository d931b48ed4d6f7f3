"""The last line of the terminal, below all output: erased before output and redrawn after it.

It is never wider than the terminal, so that it can be redrawn in place, and uses no scroll region or saved cursor:
whatever ends this process, at worst one stale line stays.
"""

from __future__ import annotations

from devboot.text.columns import cells, clip, printable
from devboot.text.escapes import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_NARROW = 20  # columns below which there is no such line
_LONGEST = 4096  # bytes that are kept of a line that isn't ended


class BottomLine:
    """The status line at the bottom of the screen.

    `write(1 or 2, bytes)` reaches the terminal; text has no escapes, `style(text)` may add colours.
    """

    def __init__(self, write: Callable[[int, bytes], None], columns: int, *, style: Callable[[str], str] = str) -> None:
        self._write = write
        self._columns = columns
        self._style = style
        self._text = ""
        self._drawn = ""
        self._open = b""  # the unended line at the end of the output

    @property
    def is_due(self) -> bool:
        """Return whether the line on the screen is out of date."""
        return self._drawn != self._fitting()

    def show(self, text: str) -> None:
        """Set the text for the next `draw`; empty for no line."""
        self._text = printable(text)

    def above(self, number: int, data: bytes) -> None:
        """Erase the line and write output in its place, in one write; `draw` puts the line back."""
        lifted = self._erasing_bytes()
        self._follow(data)
        self._write(number, lifted + data)

    def draw(self) -> None:
        """Draw the line with its current text, below the output."""
        text = self._fitting()
        if text == self._drawn:
            return
        begin = self._erasing_bytes()
        if text:
            begin += b"\n" if self._open else b""
            begin += self._style(text).encode("utf-8", "replace")
        self._drawn = text
        self._write(2, begin)

    def end_output(self) -> None:
        """Erase the line, and end an unfinished line of output, before other text is written."""
        ending = b"\n" if self._open else b""
        lifted, self._open = self._erasing_bytes(), b""
        if lifted or ending:
            self._write(2, lifted + ending)

    def clear(self) -> None:
        """Erase the line from the screen, at the end of the display."""
        lifted = self._erasing_bytes()
        if lifted:
            self._write(2, lifted)

    def resize(self, columns: int) -> None:
        """Adapt the line to a new width of the terminal, which may have wrapped it."""
        if self._drawn and columns > 0:
            rows = (cells(self._drawn) - 1) // columns
            self._write(2, b"\r" + b"\x1b[A" * rows + b"\x1b[J")
            self._drawn, self._open = "", b""
            # The position of the incomplete line is unknown now: continue below it.
        self._columns = columns

    def _fitting(self) -> str:
        if self._columns < _NARROW:
            return ""
        return clip(self._text, self._columns - 1).rstrip()

    def _erasing_bytes(self) -> bytes:
        """Return the bytes that erase the line and move the cursor back to the end of the output."""
        if not self._drawn:
            return b""
        self._drawn = ""
        column = cells(self._open.decode("utf-8", "replace").expandtabs(8)) if self._open else 0
        if self._open and column % self._columns:
            return b"\r\x1b[K\x1b[A" + b"\x1b[%dG" % (column % self._columns + 1)
        return b"\r\x1b[K"  # a line that is exactly full goes on in the next row, where we are

    def _follow(self, data: bytes) -> None:
        end = data.rfind(b"\n") + 1
        if end == len(data) and data:
            self._open = b""
            return
        rest = data[end:][-_LONGEST:]
        self._open = shown(rest if end else (self._open + rest)[-_LONGEST:], colour=False)
