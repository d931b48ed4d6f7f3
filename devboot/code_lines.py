"""Extracts the lines of a settings file that matter: an edit of comments and blank lines needs no new preparation.

Only for text in which such a line can be recognised without parsing the file. The fast commands import this.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TOML, PROCFILE, ENV = "toml", "procfile", "env"
_CONTROL = bytes(each for each in (*range(32), 127) if each not in b"\t\n")
_BLANK = b" \t"
_MARK = b"\xef\xbb\xbf"  # a byte order mark is skipped at the beginning of a file, and text in a later line


def code_lines(data: bytes, form: str) -> tuple[tuple[int, ...], bytes] | None:
    """Return the numbers and the joined text of all lines that aren't comments or blank; None if that is unclear.

    Two files with the same lines mean the same, and differ at most in line numbers. `form` is TOML, PROCFILE or ENV.
    """
    data = data.replace(b"\r\n", b"\n")
    if data.translate(None, _CONTROL) != data or _MARK in data or not _is_utf8(data):
        return None  # what these mean depends on the line that they are in
    strip = _FORMS[form]
    numbers, lines = [], []
    for number, line in enumerate(data.split(b"\n"), 1):
        code = strip(line)
        if code is None:
            return None
        if code:
            numbers.append(number)
            lines.append(code)
    return tuple(numbers), b"\n".join(lines)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _toml(line: bytes) -> bytes | None:
    """Return a TOML line without comment and indentation; None if a string may continue on the next line."""
    if b'"""' in line or b"'''" in line:
        return None
    position = line.find(b"#")
    if position >= 0 and (b'"' in line[:position] or b"'" in line[:position]):
        position = _start_of_comment(line)
    return None if position < -1 else line[: position if position >= 0 else None].strip(_BLANK)


def _start_of_comment(line: bytes) -> int:
    """Return the position of a TOML line's comment; -1 without one, -2 if a string doesn't end in the line."""
    position = 0
    while position < len(line):
        letter = line[position : position + 1]
        if letter == b"#":
            return position
        if letter in (b'"', b"'"):
            position = _end_of_string(line, position, letter)
            if position < 0:
                return -2
        position += 1
    return -1


def _end_of_string(line: bytes, start: int, quote: bytes) -> int:
    """Return the position of the closing quote of a string in a TOML line; -1 if there is none."""
    position = start + 1
    while position < len(line):
        letter = line[position : position + 1]
        if letter == quote:
            return position
        position += 2 if letter == b"\\" and quote == b'"' else 1
    return -1


def _procfile(line: bytes) -> bytes | None:
    """Return a Procfile's line without indentation, empty for a comment; None if its command may be on lines below."""
    line = line.strip(_BLANK)
    if line.startswith(b"#"):
        return b""
    return None if line.decode().rstrip().endswith(":") else line


def _env(line: bytes) -> bytes | None:
    """Return an env file's line without indentation, empty for a comment; None if a quoted value may continue below."""
    code = line.strip(_BLANK)
    if code.startswith(b"#"):
        return b""
    name, _, value = code.partition(b"=")
    if b"\\" in code or any(quote in name or value.count(quote) % 2 for quote in (b'"', b"'")):
        return None
    return code


_FORMS: dict[str, Callable[[bytes], bytes | None]] = {TOML: _toml, PROCFILE: _procfile, ENV: _env}
