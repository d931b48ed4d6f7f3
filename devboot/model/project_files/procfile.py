"""Parses a Procfile, one `name: command` per line; strictly, since honcho silently drops lines it can't parse.

In a clone without a manifest it is parsed leniently, like other runners do, and ignored lines are reported.
"""

from __future__ import annotations

from devboot.errors import ManifestError, Place, Problems, shell_word
from devboot.model.printable import counted, printable
from devboot.model.project_files.encoding import EncodingError, decode
from devboot.record import Record

_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_NAME = _LETTERS | {"-", "."}
RELEASE = "release"
# Programs with which people begin a line whose name they forgot
_PROGRAMS = frozenset(
    {
        *("bash", "bundle", "celery", "daphne", "flask", "gunicorn", "honcho", "hypercorn", "java", "make", "node"),
        *("npm", "npx", "php", "poetry", "python", "python3", "ruby", "sh", "streamlit", "uv", "uvicorn", "yarn"),
    }
)
_UNCHANGED = "nothing was started, running processes unchanged"


class ProcfileLine(Record):
    """One process of a Procfile: `command` is for the shell, `line` counts from 1."""

    name: str
    command: str
    line: int


class Procfile(Record):
    """The processes of a Procfile in order. `release` is the command that runs before them.

    `left_out` has a message for each line that was ignored by lenient parsing.
    """

    file: str
    lines: tuple[ProcfileLine, ...]
    release: ProcfileLine | None = None
    left_out: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the processes, without `release`."""
        return tuple(line.name for line in self.lines)


def join_lines(text: str) -> str:
    """Join a Procfile's line `name:` with the command on the lines below; blank lines replace these."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        name, colon, command = line.partition(":")
        if not colon or command.strip() or not name or not _NAME.issuperset(name):
            continue
        end = next((each for each in range(at + 1, len(lines)) if not _continues(lines[each])), len(lines))
        lines[at] = " ".join([line.strip(), *(each.strip() for each in lines[at + 1 : end])])
        lines[at + 1 : end] = [""] * (end - at - 1)
    return "\n".join(lines)


def _continues(line: str) -> bool:
    """Return whether a line can continue the command above: neither blank, nor a comment, nor `name: command`."""
    name, colon, command = line.partition(":")
    is_named = bool(colon) and _NAME.issuperset(name.strip()) and command[:1].strip() == ""
    return bool(line.strip()) and not line.lstrip().startswith("#") and not is_named


def parse_procfile(data: bytes | str, file: str, *, is_lenient: bool = False) -> Procfile:
    """Parse a Procfile; `file` is its name in messages.

    With `is_lenient`, lines that define no process are ignored if others do, the last line of a name counts, as in
    other runners, and a command may stand on the lines below its name. Raises Problems with all mistakes.
    """
    mistakes: list[ManifestError] = []
    left_out: list[str] = []
    lines: dict[str, ProcfileLine] = {}
    text = _text(data, file)
    for number, source in enumerate((join_lines(text) if is_lenient else text).split("\n"), 1):
        try:
            line = _line(source, number, file)
        except ManifestError as error:
            left_out.append(f"{file}:{number} is ignored: {error.what}")
            mistakes.append(error)
            continue
        if line is None:
            continue
        if line.name in lines:
            first = lines[line.name]
            left_out.append(f"{file}:{first.line} is ignored: line {number} defines `{line.name}` again")
            mistakes += [] if is_lenient else [_twice(line, first, source, file)]
        if is_lenient:
            lines.pop(line.name, None)
        lines.setdefault(line.name, line)
    errors = [] if is_lenient and lines else mistakes
    if not lines and not errors:
        help_line = "a line names a process and its command: `web: python app.py`"
        errors.append(ManifestError("procfile/empty", "no process in it", place=Place(file), help=(help_line,)))
    if errors:
        count = counted(len(errors), "problem")
        raise Problems(errors, summary=f"{count} in {file}; {_UNCHANGED}")
    release = lines.pop(RELEASE, None)
    return Procfile(file, tuple(lines.values()), release, tuple(left_out))


def _text(data: bytes | str, file: str) -> str:
    r"""Decode a Procfile, and convert its line ends to `\n`. Raises Problems `procfile/encoding`."""
    if isinstance(data, str):
        text = data.removeprefix("\ufeff")
    else:
        try:
            text = decode(data, takes_utf_16=True)
        except EncodingError as error:
            place, helps = Place(file, error.line, error.column), ("save the file as UTF-8",)
            failure = ManifestError("procfile/encoding", error.what, place=place, help=helps)
            raise Problems([failure], summary=f"1 problem in {file}; {_UNCHANGED}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _line(source: str, number: int, file: str) -> ProcfileLine | None:
    """Parse one line of a Procfile; None for blank lines and comments. Raises ManifestError."""
    stripped = source.strip()
    if not stripped or stripped.startswith("#"):
        return None
    name, colon, command = source.partition(":")
    start = len(name) - len(name.lstrip())
    name = name.strip()

    def bad(what: str, column: int, width: int, label: str, *helps: str) -> ManifestError:
        place = Place(file, number, column, width=max(width, 1), label=label, source=source)
        return ManifestError("procfile/bad-line", what, place=place, help=helps)

    if "\0" in source:
        raise bad("the line has a NUL character", source.index("\0") + 1, 1, "no command can", "remove it")
    is_in_word = " " in name and command[:1].strip() != ""  # `web gunicorn shop:app`
    if not colon or is_in_word:
        label = "no colon behind a name" if colon else "no colon"
        raise bad("expected `name: command`", start + 1, len(stripped), label, *_with_colon(stripped, number, file))
    if not name:
        helps = [f"write `web{stripped}`, with a name that fits"] if command.strip() else []
        raise bad("the process has no name", source.index(":") + 1, 1, "expected a name before it", *helps)
    for offset, letter in enumerate(name):
        if letter not in _NAME or (offset == 0 and letter not in _LETTERS):
            label = "letters, digits, `_`, `-` and `.`, not `-` or `.` first"
            fitting = _fitting(name)
            helps = [f"write `{printable(fitting + ': ' + command.strip())}`"] if fitting and command.strip() else []
            raise bad(f"`{printable(name)}` can't be used as a name", start + 1, len(name), label, *helps)
    if not command.strip():
        what, label = f"`{printable(name)}` has no command", "expected a command after it"
        raise bad(what, source.index(":") + 1, 1, label, "add a command, or remove the line")
    return ProcfileLine(name, command.strip(), number)


def _with_colon(text: str, number: int, file: str) -> tuple[str, ...]:
    """Return the command that repairs a line without a colon: makes it a process, or a comment.

    The first word becomes the process' name if it can be a name and isn't a program.
    """
    name, _, command = text.partition(" ")
    as_process, change = "", ""
    if command and name in _PROGRAMS:
        as_process, change = f"web: {text}", "s/^/web: /"
    elif command and _fitting(name) == name:
        as_process, change = f"{name}: {command.strip()}", f"s/{name} */{name}: /"
    if change:
        as_process = f"sed -i.bak '{number}{change}' {shell_word(file)}   # `{printable(as_process)}`"
    as_comment = f"write `# {printable(text)}` if it is a comment"
    return (as_process, as_comment) if as_process else (as_comment,)


def _fitting(name: str) -> str:
    """Return `name` with each letter that a name can't have replaced by `-`; "" if no letter is left."""
    return "".join(letter if letter in _NAME else "-" for letter in name).lstrip("-.")


def _twice(line: ProcfileLine, first: ProcfileLine, source: str, file: str) -> ManifestError:
    place = Place(
        file,
        line.line,
        source.index(line.name) + 1,
        width=len(line.name),
        label=f"first in line {first.line}",
        source=source,
    )
    what = f"`{printable(line.name)}` is there twice"
    return ManifestError("procfile/duplicate-name", what, place=place, help=("rename or remove one of the lines",))
