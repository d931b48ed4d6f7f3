"""Tracks the changes that a program makes to the terminal by escape sequences, so that they can be undone."""

from __future__ import annotations

_PRIVATE, _ESCAPE = b"\x1b[?", b"\x1b"
_NORMALLY_ON = frozenset({7, 25})  # lines that are too long are wrapped; the cursor is shown
_KEYPAD, _DIGITS = b"\x1b=", b"\x1b>"
_COLOURS_OFF = b"\x1b[0m"
_LONGEST = 64  # bytes that one sequence has at most


class TerminalState:
    """Changes of a terminal: `follow` reads a program's output; `reset_sequence` returns bytes that undo them."""

    def __init__(self) -> None:
        self._changed: dict[int, bool] = {}  # mode → whether it is on, of those that aren't as usual
        self._has_keypad = self._has_escapes = False
        self._unended = b""

    def follow(self, data: bytes) -> None:
        """Record the changes made by the next bytes of output, which may begin and end within an escape sequence."""
        data = self._unended + data
        self._unended = b""
        if _ESCAPE not in data:
            return
        self._has_escapes = True
        keypad, digits = data.rfind(_KEYPAD), data.rfind(_DIGITS)
        self._has_keypad = self._has_keypad if keypad == digits else keypad > digits
        _, *rest = data.split(_PRIVATE)
        for part in rest:
            self._switch(part)
        last = data.rfind(_ESCAPE)
        if not _is_ended(data[last:]):
            self._unended = data[last:][:_LONGEST]

    def reset_sequence(self) -> bytes:
        """Return the bytes that restore screen, mouse, cursor, keys and colours; b"" if nothing was changed."""
        if not self._has_escapes:
            return b""
        switches = [b"\x1b[?%d%c" % (mode, b"l" if is_on else b"h") for mode, is_on in self._changed.items()]
        return b"".join([*switches, _DIGITS if self._has_keypad else b"", _COLOURS_OFF])

    def _switch(self, part: bytes) -> None:
        end = next((number for number, byte in enumerate(part) if byte not in b"0123456789;"), -1)
        if end < 0 or part[end : end + 1] not in (b"h", b"l"):
            return
        for mode in (int(number) for number in part[:end].split(b";") if number):
            is_on = part[end : end + 1] == b"h"
            self._changed.pop(mode, None)
            if is_on != (mode in _NORMALLY_ON):
                self._changed[mode] = is_on


def _is_ended(sequence: bytes) -> bool:
    """Return whether an escape sequence is complete enough to be recognised."""
    if not sequence.startswith(b"\x1b["):
        return len(sequence) > 1
    return any(0x40 <= byte <= 0x7E for byte in sequence[2:])
