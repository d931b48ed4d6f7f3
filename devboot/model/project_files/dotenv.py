"""Parses env files in the full dotenv grammar: export, quotes, escapes, multi-line values, comments, `${NAME}`.

Values never appear in errors or notes: the place shows the line with its value masked.
"""

from __future__ import annotations

import re

from devboot.errors import ManifestError, Place, Problems
from devboot.model.printable import counted, printable
from devboot.model.project_files.encoding import EncodingError, decode
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MASK = "***"
LONGEST = 1024 * 1024  # most characters of a value: systems allow less, and references can double it line by line
MOST = 16 * LONGEST  # most characters of all values of a file
_UNCHANGED = "nothing was started, running processes unchanged"
_FORM = "write it as NAME=value, or with blanks and special characters as NAME='a value'"

_BLANK = re.compile(r"[^\S\n]*+")
_HEAD = re.compile(r"(?:export[^\S\n]++)?(?:'([^'\n]++)'|([^=\#\s]++))[^\S\n]*+=")
_SINGLE = re.compile(r"'((?:[^'\\]++|\\[\s\S])*+)'")
_DOUBLE = re.compile(r'"((?:[^"\\]++|\\[\s\S])*+)"')
_UNQUOTED_END = re.compile(r"[^\S\n]++#|\n|\Z")
_TAIL = re.compile(r"[^\S\n]*+(?:#[^\n]*+)?(?:\n|\Z)")
_REFERENCE = re.compile(r"\$(?:\{([^}:]*)(?::-([^}]*))?\}|([A-Za-z_][A-Za-z0-9_]+))")
_ESCAPE = re.compile(r"\\([\s\S])")
_SINGLE_ESCAPES = {"\\": "\\", "'": "'"}
_DOUBLE_ESCAPES = {
    **_SINGLE_ESCAPES,
    '"': '"',
    "$": "$",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}


class Part(Record):
    """A piece of a value in an env file: plain `text`, or a reference to the variable `name`.

    For an unset variable it is `default`, or `text` if that is None.
    """

    text: str
    name: str = ""
    default: str | None = None


class Entry(Record):
    """One assignment `NAME=value` of an env file. `line` counts from 1."""

    name: str
    parts: tuple[Part, ...]
    line: int


class Note(Record):
    """A warning about a line of an env file; `slug` is env/duplicate or env/skipped-line."""

    slug: str
    text: str
    line: int


class EnvFile(Record):
    """Assignments of an env file in order; the last one of a name counts."""

    file: str
    entries: tuple[Entry, ...]
    notes: tuple[Note, ...] = ()


class EnvValue(Record):
    """A variable of an env file with its final value and its line."""

    name: str
    value: str
    line: int


def parse_dotenv(data: bytes | str, file: str) -> EnvFile:
    """Parse an env file; `file` is its name in messages.

    Raises Problems with every line that can't be parsed: `env/bad-line`, `env/encoding`.
    """
    scanner = _Scanner(_text(data, file), file)
    scanner.run()
    if scanner.errors:
        count = counted(len(scanner.errors), "problem")
        raise Problems(scanner.errors, summary=f"{count} in {file}; {_UNCHANGED}")
    last = {entry.name: entry for entry in scanner.entries}
    notes = [*scanner.notes, *_duplicates(scanner.entries, last)]
    return EnvFile(file, tuple(scanner.entries), tuple(sorted(notes, key=lambda note: note.line)))


def resolve_dotenv(env_file: EnvFile, scope: Mapping[str, str]) -> tuple[EnvValue, ...]:
    """Return the variables of an env file with references replaced, each name once.

    A reference means an earlier line of the file, else `scope`. `${NAME}` without a value is empty, as in
    python-dotenv; `$NAME` is replaced only if NAME has a value, since keys and passwords often contain dollar signs.
    Raises Problems if values become too long for any program.
    """
    total = 0
    known: dict[str, str] = {}
    values: dict[str, EnvValue] = {}
    for entry in env_file.entries:
        pieces = [_filled_in(part, known, scope) for part in entry.parts]
        length = sum(map(len, pieces))  # checked before a huge string is built
        total += length
        if length > LONGEST or total > MOST:
            raise _too_long(env_file.file, entry)
        value = "".join(pieces)
        known[entry.name] = value
        values[entry.name] = EnvValue(entry.name, value, entry.line)
    return tuple(values.values())


def _too_long(file: str, entry: Entry) -> Problems:
    what = f"the value of `{printable(entry.name)}` is longer than a program can be given"
    failure = ManifestError("env/bad-line", what, place=Place(file, entry.line), help=("keep it in a file of its own",))
    return Problems([failure], summary=f"1 problem in {file}; {_UNCHANGED}")


def _filled_in(part: Part, known: Mapping[str, str], scope: Mapping[str, str]) -> str:
    if not part.name:
        return part.text
    value = known.get(part.name, scope.get(part.name))
    if value or (value is not None and part.default in (None, "")):
        return value
    return part.text if part.default is None else part.default


def _duplicates(entries: Iterable[Entry], last: Mapping[str, Entry]) -> Iterator[Note]:
    for entry in entries:
        if last[entry.name] is not entry:
            yield Note("env/duplicate", f"`{entry.name}` is set again in line {last[entry.name].line}", entry.line)


def _text(data: bytes | str, file: str) -> str:
    text = data if isinstance(data, str) else _decoded(data, file)
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _decoded(data: bytes, file: str) -> str:
    try:
        return decode(data)
    except EncodingError as error:
        place = Place(file, error.line, error.column)
        failure = ManifestError("env/encoding", error.what, place=place, help=("save the file as UTF-8",))
        raise Problems([failure], summary=f"1 problem in {file}; {_UNCHANGED}") from None


class _Scanner:
    """Parses an env file line by line, and continues after a line that can't be parsed."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.entries: list[Entry] = []
        self.notes: list[Note] = []
        self.errors: list[ManifestError] = []

    def run(self) -> None:
        position = 0
        while position < len(self.text):
            begin = self._after_blank(position)
            end = self._line_end(begin)
            if begin == end or self.text[begin] == "#":
                position = end + 1
                continue
            try:
                position = self._assignment(begin)
            except ManifestError as error:
                self.errors.append(error)
                position = end + 1

    def _assignment(self, begin: int) -> int:
        """Parse the assignment at `begin`; return the offset of the next line. Raises ManifestError."""
        head = _HEAD.match(self.text, begin)
        if head is None:
            return self._no_assignment(begin)
        name = head[1] or head[2]
        start = self._after_blank(head.end())
        quote = self.text[start : start + 1]
        if quote in ("'", '"'):
            parts, end = self._quoted(name, quote, begin, start)
        else:
            # A comment directly after the blanks means an empty value, as in a shell.
            is_empty = quote == "#" and start > head.end()
            end = start if is_empty else self._unquoted_end(start)
            parts = tuple(_references(self.text[start:end].rstrip()))
        if any("\0" in part.text for part in parts):
            raise self._bad(
                f"the value of `{printable(name)}` holds a NUL character", begin, start, "no variable can", "remove it"
            )
        self.entries.append(Entry(name, parts, self._line(begin)))
        return self._line_end(end) + 1

    def _quoted(self, name: str, quote: str, begin: int, start: int) -> tuple[tuple[Part, ...], int]:
        found = (_SINGLE if quote == "'" else _DOUBLE).match(self.text, start)
        if found is None:
            raise self._bad(
                f"the quote of `{printable(name)}` is never closed", begin, start, f"opened by {quote} here"
            )
        if not _TAIL.match(self.text, found.end()):
            if "\n" in found[0]:
                # The quote found belongs to a later value: the closing one before it is missing.
                label = f"opened by {quote} here, next one in line {self._line(found.end())}"
                raise self._bad(f"the quote of `{printable(name)}` is never closed", begin, start, label)
            raise self._bad(
                f"there is text after the quoted value of `{printable(name)}`", begin, start, "quote all of it"
            )
        if quote == "'":
            return (Part(_unescaped(found[1], _SINGLE_ESCAPES)),), found.end()
        return tuple(_double_quoted(found[1])), found.end()

    def _no_assignment(self, begin: int) -> int:
        line = self.text[begin : self._line_end(begin)]
        word = line.split(None, 1)[0]
        if line.startswith("="):
            raise self._bad("the variable has no name", begin, begin, "expected a name before `=`")
        if word.endswith(":") and len(word) > 1:
            name = printable(word[:-1])
            help_line = f"write `{name}=…`"
            raise self._bad(f"expected `=` after `{name}`", begin, begin + len(word), "found a colon", help_line)
        # Its text isn't shown: it may be the second line of an unquoted key.
        self.notes.append(Note("env/skipped-line", "a line that sets no variable is skipped", self._line(begin)))
        return self._line_end(begin) + 1

    def _bad(self, what: str, begin: int, value: int, label: str, help_line: str = _FORM) -> ManifestError:
        start = self.text.rfind("\n", 0, begin) + 1
        source = self.text[start:value] + MASK
        place = Place(self.file, self._line(begin), value - start + 1, width=len(MASK), label=label, source=source)
        return ManifestError("env/bad-line", what, place=place, help=(help_line,))

    def _unquoted_end(self, start: int) -> int:
        found = _UNQUOTED_END.search(self.text, start)
        return len(self.text) if found is None else found.start()

    def _after_blank(self, position: int) -> int:
        found = _BLANK.match(self.text, position)
        return position if found is None else found.end()

    def _line_end(self, position: int) -> int:
        end = self.text.find("\n", position)
        return len(self.text) if end < 0 else end

    def _line(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1


def _references(text: str) -> Iterator[Part]:
    """Yield the parts of an unquoted value: plain text and references."""
    done = 0
    for found in _REFERENCE.finditer(text):
        if found.start() > done:
            yield Part(text[done : found.start()])
        # `$NAME` without braces stays unchanged if there is no such variable.
        yield Part("", found[1], found[2] or "") if found[3] is None else Part(found[0], found[3])
        done = found.end()
    if done < len(text):
        yield Part(text[done:])


def _double_quoted(text: str) -> Iterator[Part]:
    r"""Yield the parts of a double-quoted value: text and references; `\$` never starts a reference."""
    done = 0
    for found in _ESCAPE.finditer(text):
        yield from _references(text[done : found.start()])
        yield Part(_DOUBLE_ESCAPES.get(found[1], found[0]))
        done = found.end()
    yield from _references(text[done:])


def _unescaped(text: str, escapes: Mapping[str, str]) -> str:
    return _ESCAPE.sub(lambda found: escapes.get(found[1], found[0]), text)
