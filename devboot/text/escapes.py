"""Makes the output of children fit to be shown: nothing that moves the cursor, colours where they are wanted."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Pattern

# What may disturb a terminal or a file; tab and line feed are fine.
_CONTROL = bytes(c for c in range(32) if c not in b"\t\n") + b"\x7f"
_CONTROL_BUT_ESCAPE = _CONTROL.replace(b"\x1b", b"")
# CSI, OSC and the other strings up to their terminator, two-byte escapes; a cut one at the end goes too.
# No part can match the escape character that a later match begins with, so that all matches together are linear.
_ESCAPE = rb"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\|(?=\n)|$)|[ -/]*[0-~]?)"
_ESCAPE_BUT_COLOUR = _ESCAPE.replace(rb"\x1b", rb"\x1b(?!\[[0-9;:]*m)", 1)
_LEAD = b"\xc2"
_C1 = rb"\xc2(?:[\x80-\x9f]|\Z)"  # U+0080 to U+009F, or the half of one that a later block could complete
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}".encode()
_compiled: dict[bytes, Pattern[bytes]] = {}


def shown(data: bytes, *, colour: bool) -> bytes:
    """`data` without what moves the cursor, erases or rings; colours stay if `colour`.

    A progress display that overwrites its line shows its last state. Takes time in proportion to the size of `data`,
    whatever is in it. Works on whole blocks: text without control characters, which is nearly all, is only searched.
    Controls of eight bits, which some terminals obey, are replaced last: taken out, they could make others of the rest.
    """
    text = _without_controls(data, colour=colour)
    return _pattern(_C1).sub(_REPLACEMENT, text) if _LEAD in text else text


def _without_controls(data: bytes, *, colour: bool) -> bytes:
    # A search per character costs less than one pass in Python.
    if not any(code in data for code in _SEARCHED):
        return data
    if b"\r" in data:
        data = _last_states(data)
    if b"\x1b" not in data:
        return data.translate(None, _CONTROL)
    escapes, control = (_ESCAPE_BUT_COLOUR, _CONTROL_BUT_ESCAPE) if colour else (_ESCAPE, _CONTROL)
    return _pattern(escapes).sub(b"", data).translate(None, control)


def _last_states(data: bytes) -> bytes:
    """Each line as its last carriage return has left it; those at its end overwrite nothing."""
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
    # Text without escapes, all that `logs` shows on most days, shall not pay 5 ms for the import.
    if source not in _compiled:
        import re

        _compiled[source] = re.compile(source)
    return _compiled[source]


_SEARCHED = tuple(_CONTROL)  # numbers are found faster than bytes objects
