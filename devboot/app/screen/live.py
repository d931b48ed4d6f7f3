"""The live display of a running project: output, and below it one line that is redrawn."""

from __future__ import annotations

import json
import time

from devboot.app.screen.bottom_line import BottomLine
from devboot.app.screen.edits import Edits
from devboot.app.screen.menu import Facts, Menu
from devboot.text.modes import has_colour, is_unicode
from devboot.text.paint import YELLOW, paint
from devboot.text.symbols import margin, symbols
from devboot.wire import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.fast.call import Call
    from devboot.app.fast.streams import Streams
    from devboot.daemon.client import Client

_QUIET = 0.02  # seconds without output after which the line comes back
_FLOODED = 0.1  # and after so many in any case
_SPIN = 0.15
_STEP = 10


class Live:
    """Writes output above the bottom line and draws the line; `turn` returns how long to wait for its next call."""

    def __init__(self, call: Call, streams: Streams) -> None:
        self._streams = streams
        self._colour = has_colour(call.stdout, call.environ, call.output)
        self._symbols = symbols(is_unicode(call.stdout) and is_unicode(call.stderr))
        self._both = call.stderr.terminal  # else only output of processes passes over the line
        self._width = call.stdout.columns
        self._has_menu = not call.flag("no-menu") and not call.flag("detach")
        self._line = BottomLine(self._put, self._width, style=self._styled)
        self._edits = Edits(call) if self._has_menu else None
        self._frame = 0
        self._written = self._drawn = self._turned = 0.0
        self.menu = Menu()
        self.question = ""  # replaces the rest of the line
        self.is_over = False  # the end is near: no keys any more

    def write(self, number: int, data: bytes) -> None:
        """Write output of the daemon to descriptor `number` (1 or 2), above the bottom line."""
        if number == 2 and not self._both:
            self._streams.write(2, data)
            return
        self._line.above(number, data)
        self._written = time.monotonic()

    def receive(self, word: bytes) -> None:
        """Show a message of the daemon in the bottom line: the progress of a start, or a change of a process."""
        kind, _, rest = word.decode("utf-8", "replace").partition(" ")
        if kind == "progress":
            self.menu.progress = rest
        elif kind == "news":
            self.menu.facts = _facts(rest)

    def turn(self) -> float | None:
        """Draw what is due; return seconds until the next time, None if only an event can change something."""
        now = time.monotonic()
        if self._edits is not None:
            self.menu.edited = self._edits.look(now)
        self._line.show(self._words(now))
        if self._line.is_due:
            is_quiet = now - self._written >= _QUIET
            if not is_quiet and now - self._drawn < _FLOODED:
                return _QUIET
            self._line.draw()
            self._drawn = now
        if self.menu.progress and not self.is_over:
            return _SPIN
        return None if self._edits is None else self._edits.patience

    def resize(self, columns: int) -> None:
        """Adapt to a new width of the terminal."""
        self._width = columns
        self._line.resize(columns)

    def clear(self) -> None:
        """Remove the bottom line from the screen."""
        self._line.clear()

    def end_output(self) -> None:
        """Erase the bottom line, and end an unfinished line of process output."""
        self._line.end_output()

    def close(self) -> None:
        """Erase the bottom line and draw it no more."""
        self._line.clear()
        if self._edits is not None:
            self._edits.close()

    def _put(self, number: int, data: bytes) -> None:
        # The line itself goes where the output goes: standard error may be a file.
        self._streams.write(number if self._both else 1, data)

    def _words(self, now: float) -> str:
        if self.is_over:
            return ""
        if self.question:
            return self.question
        text = self.menu.line(self._width) if self._has_menu or self.menu.progress else ""
        if not self.menu.progress or text != self.menu.progress:
            return text
        if now - self._turned >= _SPIN:
            self._frame, self._turned = self._frame + 1, now
        spinner = self._symbols.spinner[self._frame % len(self._symbols.spinner)]
        return f"{margin(spinner, self._symbols)}{'processes':<{_STEP}} {text}"

    def _styled(self, text: str) -> str:
        """Add colours that are readable on dark and light backgrounds."""
        first, blank, rest = text.partition(" ") if text.startswith("!") else ("", "", text)
        if first:
            return paint(first, YELLOW, on=self._colour) + blank + rest
        for sign in self._symbols.spinner:
            if text.lstrip().startswith(f"{sign} "):
                return text.replace(sign, paint(sign, YELLOW, on=self._colour), 1)
        return text


def follow(call: Call, client: Client, streams: Streams) -> int | None:
    """Copy the daemon's output to the terminal with the progress of the start below it.

    Return the exit code, or None.
    """
    import select

    live = Live(call, streams)
    try:
        while True:
            for kind, payload in client.take():
                if kind in (frames.OUT, frames.ERR):
                    live.write(1 if kind == frames.OUT else 2, payload)
                elif kind == frames.WORD:
                    live.receive(payload)
                elif kind == frames.EXIT:
                    return int(payload)
            ready = select.select([client.sock.fileno()], [], [], live.turn())[0]
            if ready and not client.receive():
                return None
    finally:
        live.close()


def _facts(text: str) -> Facts:
    values = json.loads(text)
    prompts = values.get("prompts")
    return Facts(
        tuple(map(str, values.get("names", ()))),
        tuple(map(str, values.get("terminals", ()))),
        {str(name): str(debugger) for name, debugger in prompts.items()} if isinstance(prompts, dict) else {},
        str(values.get("offer", "")),
        tuple(map(str, values.get("down", ()))),
        tuple((str(name), str(address)) for name, address in values.get("addresses", ())),
    )
