"""Finds the position of each key and value in a TOML text, which tomllib doesn't report.

For invalid TOML, `Unlocatable` has the position where parsing stopped and what was expected there, which is often
closer to the mistake than tomllib's position. Offsets count characters.
"""

from __future__ import annotations

import re
import tomllib

from devboot.record import Record

Path = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t]*+")
_SKIP = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_REST = re.compile(r"[ \t]*+(?:#[^\n]*+)?\r?(?:\n|\Z)")
_KEY = re.compile(r"""[A-Za-z0-9_-]++|"(?:[^"\\\n]++|\\[^\n])*+"|'[^'\n]*+'""")
_SCALAR = re.compile(
    r""""{3}(?:[^"\\]++|\\[\s\S]|"(?!""))*+"{3,5}"""  # a multi-line string may end with two quotes of its own
    r"""|'{3}(?:[^']++|'(?!''))*+'{3,5}"""
    r"""|"(?!"")(?:[^"\\\n]++|\\[^\n])*+"|""(?!")"""
    r"""|'(?!'')[^'\n]*+'|''(?!')"""
    r"""|\d{4}-\d\d-\d\d[Tt ]\d\d:[^\s,\]}\#]*+"""
    r"""|[^\s,\[\]{}\#="']++"""
)


class Span(Record):
    """A range of characters, from `start` up to but not including `end`."""

    start: int
    end: int


class Located(Record):
    """Positions of an entry: of its key (for a list item: of the item) and its value (for a table: of the header)."""

    key: Span
    value: Span


class Unlocatable(Exception):  # noqa: N818
    """A syntax error: at `offset` `expected` is missing; `opened` is the start of an unclosed element."""

    def __init__(self, offset: int, expected: str, opened: int | None = None) -> None:
        super().__init__(f"expected {expected} at {offset}")
        self.offset = offset
        self.expected = expected
        self.opened = opened


class Twice(Record):
    """A key that is defined twice, with the positions of both."""

    path: Path
    first: Span
    second: Span


class Locator:
    """Positions of all keys and values of a TOML text.

    `entries` maps paths to positions, `headers` are tables with a header of their own, `twice` lists duplicate keys.
    Raises Unlocatable.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.entries: dict[Path, Located] = {}
        self.twice: list[Twice] = []
        self._arrays: dict[Path, int] = {}  # array of tables -> number of elements so far
        self.headers: set[Path] = set()  # tables with a header of their own
        self._read()

    def _read(self) -> None:
        table: Path = ()
        position = self._skip(0)
        while position < len(self.text):
            if self.text[position] == "[":
                table, position = self._header(position)
            else:
                position = self._pair(table, position)
            position = self._skip(self._line_end(position))

    def _skip(self, position: int) -> int:
        return _match(_SKIP, self.text, position)

    def _blank(self, position: int) -> int:
        return _match(_BLANK, self.text, position)

    def _line_end(self, position: int) -> int:
        found = _REST.match(self.text, position)
        if found is None:
            raise Unlocatable(self._blank(position), "the end of the line")
        return found.end()

    def _header(self, start: int) -> tuple[Path, int]:
        opening = "[[" if self.text.startswith("[[", start) else "["
        closing = opening.replace("[", "]")
        parts, position = self._keys(self._blank(start + len(opening)))
        if not self.text.startswith(closing, position):
            raise Unlocatable(position, f"`{closing}`", start)
        end = position + len(closing)
        return self._table(parts, Span(start, end), many=opening == "[["), end

    def _table(self, parts: list[tuple[str, Span]], header: Span, *, many: bool) -> Path:
        path: Path = ()
        for name, span in parts[:-1]:
            path = self._last_of((*path, name), span, header)
        name, span = parts[-1]
        path = (*path, name)
        if many:
            self.entries.setdefault(path, Located(span, header))
            path = (*path, self._arrays.setdefault(path, 0))
            self._arrays[path[:-1]] += 1
        elif path in self.headers or path in self._arrays:
            self.twice.append(Twice(path, self.entries[path].key, span))
        self.headers.add(path)
        self.entries[path] = Located(span, header)
        return path

    def _last_of(self, path: Path, key: Span, value: Span) -> Path:
        self.entries.setdefault(path, Located(key, value))
        return (*path, self._arrays[path] - 1) if path in self._arrays else path

    def _keys(self, position: int) -> tuple[list[tuple[str, Span]], int]:
        """Parse a dotted key at `position`; return its parts and the offset after them."""
        parts = []
        while True:
            found = _KEY.match(self.text, position)
            if found is None:
                raise Unlocatable(position, "a key")
            parts.append((_key(found.group()), Span(*found.span())))
            position = self._blank(found.end())
            if not self.text.startswith(".", position):
                return parts, position
            position = self._blank(position + 1)

    def _pair(self, table: Path, start: int) -> int:
        parts, position = self._keys(start)
        if not self.text.startswith("=", position):
            raise Unlocatable(position, "`=`")
        begin = self._blank(position + 1)
        path = table
        for name, span in parts[:-1]:
            path = (*path, name)
            self.entries.setdefault(path, Located(span, Span(parts[0][1].start, parts[-1][1].end)))
        name, span = parts[-1]
        path = (*path, name)
        if path in self.entries:
            self.twice.append(Twice(path, self.entries[path].key, span))
        end = self._value(path, begin)
        self.entries[path] = Located(span, Span(begin, end))
        return end

    def _value(self, path: Path, start: int) -> int:
        if self.text.startswith("[", start):
            return self._array(path, start)
        if self.text.startswith("{", start):
            return self._inline(path, start)
        found = _SCALAR.match(self.text, start)
        if found is None:
            quote = self.text[start : start + 1]
            raise Unlocatable(start, "a closing quote" if quote and quote in "\"'" else "a value")
        return found.end()

    def _array(self, path: Path, start: int) -> int:
        position = self._skip(start + 1)
        index = 0
        while not self.text.startswith("]", position):
            if position >= len(self.text):
                raise Unlocatable(start, "`]`", start)
            item = (*path, index)
            end = self._value(item, position)
            self.entries[item] = Located(Span(position, end), Span(position, end))
            position = self._comma(self._skip(end), "]", start)
            index += 1
        return position + 1

    def _inline(self, path: Path, start: int) -> int:
        position = self._skip(start + 1)
        while not self.text.startswith("}", position):
            if position >= len(self.text):
                raise Unlocatable(start, "`}`", start)
            position = self._comma(self._skip(self._pair(path, position)), "}", start)
        return position + 1

    def _comma(self, position: int, closing: str, opened: int) -> int:
        if self.text.startswith(",", position):
            return self._skip(position + 1)
        if not self.text.startswith(closing, position):
            raise Unlocatable(position, f"`,` or `{closing}`", opened)
        return position


def _match(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return position if found is None else found.end()


def _key(token: str) -> str:
    if token[0] == "'" or (token[0] == '"' and "\\" not in token):
        return token[1:-1]
    if token[0] != '"':
        return token
    try:
        return str(tomllib.loads(f"key = {token}")["key"])
    except tomllib.TOMLDecodeError:  # an unknown escape, for which tomllib has the better message
        return token
