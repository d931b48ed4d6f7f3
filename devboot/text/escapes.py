"""Makes the output of children fit to be shown: nothing that moves the cursor, colours where they are wanted."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Pattern

# What may disturb a terminal or a file; tab and line feed are fine.
_CONTROL = bytes(c for c in range(32) if c not in b"\t\n") + b"\x7f"
# CSI, OSC and the other strings up to their terminator, two-byte escapes; a cut one at the end goes too.
_ESCAPE = rb"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\|(?=\n)|$)|[ -/]*[0-~]?)"
_COLOUR = rb"\x1b\[[0-9;:]*m\Z"
_OVERWRITTEN = rb"[^\n]*\r(?!\n|\Z)"  # progress: what the last carriage return left standing counts
_compiled: dict[bytes, Pattern[bytes]] = {}


def shown(data: bytes, *, colour: bool) -> bytes:
    """`data` without what moves the cursor, erases or rings; colours stay if `colour`.

    A progress display that overwrites its line shows its last state. Works on whole blocks: text without control
    characters, which is nearly all, is only searched.
    """
    # A search per character costs less than one pass in Python.
    if not any(code in data for code in _SEARCHED):
        return data
    if b"\r" in data:
        data = _pattern(_OVERWRITTEN).sub(b"", data).replace(b"\r", b"")
    if b"\x1b" not in data:
        return data.translate(None, _CONTROL)
    pieces = []
    position = 0
    for match in _pattern(_ESCAPE).finditer(data):
        pieces.append(data[position : match.start()].translate(None, _CONTROL))
        if colour and _pattern(_COLOUR).match(match.group()):
            pieces.append(match.group())
        position = match.end()
    pieces.append(data[position:].translate(None, _CONTROL))
    return b"".join(pieces)


def _pattern(source: bytes) -> Pattern[bytes]:
    # Text without escapes, all that `logs` shows on most days, shall not pay 5 ms for the import.
    if source not in _compiled:
        import re

        _compiled[source] = re.compile(source)
    return _compiled[source]


_SEARCHED = tuple(_CONTROL)  # numbers are found faster than bytes objects
