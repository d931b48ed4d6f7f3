"""Removes terminal control sequences from the output of children, except for colours if wanted."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Pattern

# Control characters that are removed; tab and line feed are kept.
_CONTROL = bytes(c for c in range(32) if c not in b"\t\n") + b"\x7f"
_CONTROL_BUT_ESCAPE = _CONTROL.replace(b"\x1b", b"")
# CSI, OSC and other strings up to their terminator, two-byte escapes, and an incomplete one at the end. No part
# matches the escape character that starts the next match, so that matching is linear.
_ESCAPE = rb"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\|(?=\n)|$)|[ -/]*[0-~]?)"
_ESCAPE_BUT_COLOUR = _ESCAPE.replace(rb"\x1b", rb"\x1b(?!\[[0-9;:]*m)", 1)
_LEAD = b"\xc2"
_C1 = rb"\xc2(?:[\x80-\x9f]|\Z)"  # U+0080 to U+009F, or the half of one that a later block could complete
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}".encode()
_compiled: dict[bytes, Pattern[bytes]] = {}


def shown(data: bytes, *, colour: bool) -> bytes:
    """Return `data` without sequences that move the cursor, erase or ring; colours stay if `colour`.

    A progress display that overwrites its line is reduced to its last state. Takes linear time, whatever the data.
    Works on whole blocks: text without control characters, which is nearly all, is only searched. 8-bit controls, which
    some terminals obey, are replaced last: removing them earlier could create others from the rest.
    """
    text = _without_controls(data, colour=colour)
    return _pattern(_C1).sub(_REPLACEMENT, text) if _LEAD in text else text


def _without_controls(data: bytes, *, colour: bool) -> bytes:
    # One search per character is faster than one pass in Python.
    if not any(code in data for code in _SEARCHED):
        return data
    if b"\r" in data:
        data = _last_states(data)
    if b"\x1b" not in data:
        return data.translate(None, _CONTROL)
    escapes, control = (_ESCAPE_BUT_COLOUR, _CONTROL_BUT_ESCAPE) if colour else (_ESCAPE, _CONTROL)
    return _pattern(escapes).sub(b"", data).translate(None, control)


def _last_states(data: bytes) -> bytes:
    """Reduce each line to the text after its last carriage return; carriage returns at its end are ignored."""
    pieces = []
    position = 0
    while (found := data.find(b"\r", position)) >= 0:
        start = max(position, data.rfind(b"\n", position, found) + 1)
        end = data.find(b"\n", found)
        end = end if end >= 0 else len(data)
        pieces += [data[position:start], data[start:end].rstrip(b"\r").rpartition(b"\r")[2]]
        position = end
    pieces.append(data[position:])
    return b"".join(pieces)


def _pattern(source: bytes) -> Pattern[bytes]:
    # Imported only for text with escapes: the import takes 5 ms, and most logs have none.
    if source not in _compiled:
        import re

        _compiled[source] = re.compile(source)
    return _compiled[source]


_SEARCHED = tuple(_CONTROL)  # searching for a number is faster than for a bytes object
