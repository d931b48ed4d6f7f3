"""A TOML document: its values, the place of each value, and syntax errors with their position."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from functools import cached_property
from typing import Any, Self

from devboot.errors import LockError, ManifestError, Place
from devboot.model.edge.toml.locator import Located, Locator, Path, Span, Unlocatable
from devboot.model.edge.types import Number
from devboot.model.printable import printable

# An integer whose text differs from str() of its value.
_ODD_INTEGER = re.compile(r"[=\[,{][ \t\r\n]*(?:\+|0[xob]|[+-]?\d+_)")
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_BYTE_ORDER_MARKS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))

# Deeper nesting is no manifest, and would exceed the recursion limit.
DEPTH = 50

# Messages of tomllib that are reworded; the others are used unchanged.
_SAID = (
    ("Invalid statement", "expected a key or a table header"),
    ("Invalid value", "expected a value"),
    ("Expected newline or end of document after a statement", "expected the end of the line"),
    ("Expected '=' after a key", "expected `=` after the key"),
    ("Unclosed array", "expected `]` to close the list"),
    ("Unclosed inline table", "expected `}` to close the inline table"),
    ("Unterminated string", "expected a closing quote"),
    ("Cannot mutate immutable namespace", "an inline table can't be added to"),
    ("Cannot overwrite a value", "the key has a value already"),
    ("Cannot declare", "the table can't be declared here, it has a value already"),
    ("Cannot redefine namespace", "the table can't be declared here, it has a value already"),
    ("Duplicate inline table key", "the key is given twice in one inline table"),
    ("Illegal character", "unexpected control character"),
    ("Found invalid character", "unexpected control character"),
    ("Unescaped '\\'", "a backslash starts an escape that TOML doesn't have"),
    ("Invalid hex value", "expected hexadecimal digits after `\\u`"),
    ("Escaped character is not a Unicode scalar value", "the escape is no Unicode character"),
    ("Invalid initial character for a key part", "expected a key"),
    ("Invalid date or datetime", "the date is not in the calendar"),
)


class Document:
    """Values of a TOML text, with the place of each in the text.

    `values` holds floats, and integers in unusual notation, as written in the text (`Number`, `OddInteger`). Raises
    ManifestError, or LockError if `area` is `lock`, with the place of a syntax error. `area` is the first part of error
    slugs. The parameter `values` passes values that were parsed before.
    """

    def __init__(self, text: str, file: str, *, area: str = "manifest", values: dict[str, Any] | None = None) -> None:
        self.text = text
        self.file = file
        self.area = area
        if values is not None:
            self.values: dict[str, Any] = values
            return
        if text.startswith("\ufeff"):
            raise self.error("encoding", "file starts with a byte order mark", Span(0, 1), help=_WITHOUT_MARK)
        try:
            self.values = tomllib.loads(text, parse_float=Number)
        except tomllib.TOMLDecodeError as error:
            raise self._syntax_error(str(error)) from None
        except RecursionError:
            raise self.error("syntax", _TOO_DEEP) from None
        except ValueError:  # Python's limit of digits, against numbers that take minutes to convert
            raise self.error("syntax", "a number can't be read: it has too many digits") from None
        if _is_deeper(self.values, DEPTH):
            raise self.error("syntax", _TOO_DEEP)
        if _ODD_INTEGER.search(text):
            self._keep_integers(self.values, ())

    @cached_property
    def locator(self) -> Locator:
        """Positions of all values; computed at first use, so that a correct manifest needs none."""
        return Locator(self.text)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    def place(self, path: Path, *, key: bool = False, label: str = "", context: bool = False) -> Place:
        """Return the place of the value at `path` (`key`: of its key), or else of the nearest enclosing table.

        `context` also shows the header of the table, if that is on another line.
        """
        for length in range(len(path), 0, -1):
            located = self.locator.entries.get(path[:length])
            if located is not None:
                wants_key = key and length == len(path)
                above = self._header_of(path[:length], located) if context else None
                return self.at(located.key if wants_key else located.value, label=label, context=above)
        return Place(self.file, label=label)

    def place_within(self, path: Path, token: str, part: str = "", *, label: str = "") -> Place:
        """Return the place of `token`, or of `part` within the token, inside of the text value at `path`.

        Returns the place of the whole text if escapes hide the token.
        """
        located = self.locator.entries.get(path)
        if located is not None and (start := self.text.find(token, *located.value)) >= 0:
            # From the end for what stands last: `${services.url.url}` has the same word twice.
            offset = token.rfind(part) if token.endswith(f".{part}}}") else token.find(part)
            return self.at(Span(start + offset, start + offset + len(part or token)), label=label)
        return self.place(path, label=label)

    def at(self, span: Span, *, label: str = "", context: int | None = None) -> Place:
        """Return the place of a span of characters; `context` is the offset of a line to show above them."""
        line, column = self._line_and_column(span.start)
        source = self._line(line)
        end = min(span.end - span.start, max(len(source) - column + 1, 1))
        lines: list[tuple[int, str]] = []
        if context is not None and (above := self._line_and_column(context)[0]) < line:
            lines.append((above, self._line(above)))
        return Place(self.file, line, column, width=max(end, 1), label=label, source=source, context=lines)

    def written(self, path: Path) -> str:
        """Return the value at `path` as it is written in the TOML text; for a table its header."""
        return self.text[slice(*self.locator.entries[path].value)]

    def line_of(self, path: Path) -> int:
        """Return the line number of the key at `path`; 0 if there is none."""
        located = self.locator.entries.get(path)
        return 0 if located is None else self._line_and_column(located.key.start)[0]

    def error(
        self,
        name: str,
        what: str,
        span: Span | None = None,
        *,
        label: str = "",
        help: str = "",  # noqa: A002  the word that the message prints
    ) -> ManifestError | LockError:
        """Return an error of this document's area about the characters `span`."""
        kind = LockError if self.area == "lock" else ManifestError
        place = Place(self.file) if span is None else self.at(span, label=label)
        return kind(f"{self.area}/{name}", what, place=place, help=(help,) if help else ())

    def _header_of(self, path: Path, located: Located) -> int | None:
        for length in range(len(path) - 1, 0, -1):
            table = self.locator.entries.get(path[:length])
            if (
                table is not None
                and self.text.startswith("[", table.value.start)
                and table.value.start != located.value.start
            ):
                return table.value.start
        return None

    def _line_and_column(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def _line(self, number: int) -> str:
        start = self._line_starts[number - 1]
        end = self._line_starts[number] if number < len(self._line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def _syntax_error(self, said: str) -> ManifestError | LockError:
        try:
            locator = Locator(self.text)
        except Unlocatable as stopped:
            return self._stopped(stopped)
        except RecursionError:
            return self.error("syntax", _TOO_DEEP)
        if locator.twice:
            twice = locator.twice[0]
            line = self._line_and_column(twice.first.start)[0]
            name = ".".join(str(part) for part in twice.path)
            return self.error(
                "syntax", f"`{printable(name)}` is given twice", twice.second, label=f"also in line {line}"
            )
        return self._said(said, locator)

    def _stopped(self, stopped: Unlocatable) -> ManifestError | LockError:
        offset = min(stopped.offset, max(len(self.text.rstrip()), 1))
        helps = ""
        if stopped.opened is not None and stopped.opened != stopped.offset:
            line, column = self._line_and_column(stopped.opened)
            helps = f"close what line {line}, column {column} opens"
        elif stopped.expected == "a key" and not self.text[offset : offset + 1].isascii():
            helps = "quote a key that has other letters than A to Z"
        word = re.compile(r"[^\s,\]}#]*").match(self.text, offset)
        end = max(offset + 1, word.end() if word else 0)
        return self.error("syntax", f"expected {stopped.expected}", Span(offset, end), label="found here", help=helps)

    def _said(self, said: str, locator: Locator) -> ManifestError | LockError:
        found = _AT.search(said)
        message = said[: found.start()] if found else said
        what = next((ours for theirs, ours in _SAID if message.startswith(theirs)), message[:1].lower() + message[1:])
        if found is None or found[1] is None:
            return self.error("syntax", what, Span(max(len(self.text.rstrip()) - 1, 0), len(self.text.rstrip())))
        start = self._line_starts[int(found[1]) - 1] + int(found[2]) - 1
        for _, value in locator.entries.values():
            # tomllib reads 01 as 0 followed by something, and reports only the end of 1979-13-01.
            if value.start <= start <= value.end and self.text[value.start] not in "[{\"'":
                written = self.text[slice(*value)]
                return self.error("syntax", f"`{printable(written)}` is not a TOML value", value, label="found here")
        return self.error("syntax", what, Span(start, start + 1))

    def _keep_integers(self, value: Any, path: Path) -> None:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in list(items):
            if isinstance(item, (dict, list)):
                self._keep_integers(item, (*path, key))
            elif type(item) is int and (written := self.written((*path, key))) != str(item):
                value[key] = OddInteger(item, written)


class OddInteger(int):
    """An integer together with its notation in TOML: 0x1F, 1_000."""

    written: str

    def __new__(cls, value: int, written: str) -> Self:
        """Create the integer with its text."""
        made = super().__new__(cls, value)
        made.written = written
        return made


def _is_deeper(value: Any, limit: int) -> bool:
    """Return whether tables and lists are nested more than `limit` levels deep."""
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


_TOO_DEEP = "lists or tables are nested too deeply to be read"
_WITHOUT_MARK = "save the file as UTF-8 without a byte order mark"


def decode(data: bytes, file: str, *, area: str = "manifest") -> str:
    """Decode the bytes of a TOML file.

    Raises ManifestError, or LockError if `area` is `lock`, with the position of a non-UTF-8 byte.
    """
    kind = LockError if area == "lock" else ManifestError
    for mark, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            place = Place(file, 1, 1)
            raise kind(
                f"{area}/encoding", f"file is {name}, expected UTF-8", place=place, help=("save the file as UTF-8",)
            )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        place = _place_of_byte(data, error.start, file)
        what = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise kind(f"{area}/encoding", what, place=place, help=("save the file as UTF-8",)) from None


def _place_of_byte(data: bytes, offset: int, file: str) -> Place:
    start = data.rfind(b"\n", 0, offset) + 1
    end = data.find(b"\n", offset)
    source = data[start : end if end >= 0 else len(data)].decode(errors="replace").rstrip("\r")
    column = len(data[start:offset].decode(errors="replace")) + 1
    return Place(file, data.count(b"\n", 0, offset) + 1, column, source=source, label="this byte")
