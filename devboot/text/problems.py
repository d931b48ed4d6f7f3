"""Renders error messages (what, where, cause, help, kept) as text or JSON."""

from __future__ import annotations

from devboot.errors import Problems, WorkError, shell_word
from devboot.model.printable import counted
from devboot.text.columns import cells, expand_tabs, printable, wrap
from devboot.text.invocation import as_called, named_folder
from devboot.text.paint import paint, terminal_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from devboot.errors import DevbootError, Place


_BOLD, _FRAME = "1", "1;34"
_MARKS = {"error": "1;31", "warning": "1;33"}
_LABELS = {"cause": "1", "help": "1;32", "kept": "1;36"}
# Commands that name files of the project, and others of advice
_READS = r"(?:file|git|ls|openssl) "
_WRITES = r"(?:awk|cd|chmod|cp|echo|ln|mkdir|mv|pdm|pipenv|poetry|printf|rm|sed|touch|uv) "
_PROGRAMS = r"(?:apt-get|brew|devboot|dnf|export|git|kill|npm|pip|python3?|sudo|systemctl|yarn) "
# A path, a flag, an operator or an assignment
_OF_COMMANDS = r"(?:^| )(?:-{1,2}[A-Za-z]|&&|[|>]|[^ /]*/[^ ]|[A-Za-z_]+=)"


def render_problem(
    error: DevbootError,
    *,
    colour: bool = False,
    width: int = 0,
    mask: Callable[[str], str] = str,
    severity: str = "error",
) -> str:
    """Return the message of an error, ending with a newline; `width` is the terminal's, 0 wraps nothing.

    Several problems are separated by blank lines, with their count last.
    """
    renderer = _Renderer(colour, width, mask, severity)
    if not isinstance(error, Problems):
        return terminal_text("\n".join(renderer.message(error)) + "\n")
    blocks = ["\n".join(renderer.message(single)) for single in error.errors]
    return terminal_text("\n\n".join([*blocks, printable(mask(count(error)))]) + "\n")


def count(problems: Problems) -> str:
    """Return the summary line of several problems: their own, else `3 problems in devboot.toml`."""
    if problems.summary:
        return problems.summary
    number = len(problems.errors)
    files = sorted({single.place.file for single in problems.errors if single.place is not None})
    where = f" in {files[0]}" if len(files) == 1 else ""
    return f"{counted(number, 'problem')}{where}"


class _Renderer:
    """Renders errors as lines for one terminal: colours, width, masked secrets, and `error` or `warning` as head."""

    def __init__(self, colour: bool, width: int, mask: Callable[[str], str], severity: str) -> None:
        self._colour = colour
        self._width = width
        self._mask = mask
        self._severity = severity

    def message(self, error: DevbootError) -> Iterator[str]:
        """Yield the lines of one error: head, place, details, causes, advice."""
        head = f"{self._severity}[{error.slug}]"
        first, *more = wrap(
            self._mask(as_called(error.what, is_advice=False)), self._width, first=f"{head}: ", then="  "
        )
        yield self._paint(head, _MARKS[self._severity]) + self._paint(first[len(head) :], _BOLD)
        yield from (self._paint(line, _BOLD) for line in more)
        if error.place is not None:
            yield from self._place(error.place)
        for detail in error.details:
            yield from ("  " + expand_tabs(line) for line in self._mask(detail).split("\n"))
        helps = [_from_here(each) for each in error.help]
        for label, sentences in (("cause", error.causes), ("help", helps), ("kept", error.kept)):
            for sentence in sentences:
                yield from self._labelled(label, self._mask(as_called(sentence)))

    def _labelled(self, label: str, sentence: str) -> Iterator[str]:
        first, *more = sentence.split("\n")
        lines = wrap(first, self._width_of(label, first), first=f"{label}: ", then="      ")
        for line in map(str.strip, more):
            lines += wrap(line, self._width_of(label, line), first="      ", then="      ")
        yield self._paint(label, _LABELS[label]) + lines[0][len(label) :]
        yield from lines[1:]

    def _width_of(self, label: str, line: str) -> int:
        """Return the width for wrapping a line; 0 for a command, which must stay whole to be pasted."""
        return 0 if self._width and label == "help" and _is_command(line) else self._width

    def _place(self, place: Place) -> Iterator[str]:
        gutter = max(2, len(str(max([place.line, *(number for number, _ in place.context)]))))
        where = ":".join([printable(place.file), *(str(number) for number in (place.line, place.column) if number)])
        aside = f", {printable(self._mask(place.label))}" if place.label and place.source is None else ""
        yield " " * gutter + self._paint("-->", _FRAME) + f" {where}{aside}"
        if place.source is None or not place.line:
            return
        margin = self._paint(" " * gutter + " |", _FRAME)
        yield margin
        for number, text in (*place.context, (place.line, place.source)):
            line = expand_tabs(self._mask(text))
            yield self._paint(f"{number:>{gutter}} |", _FRAME) + (f" {line}" if line else "")
        if place.column:
            yield f"{margin} {self._caret(place)}"
        yield margin

    def _caret(self, place: Place) -> str:
        """Return the line of carets (`^^^`) under the marked characters of a source line."""
        source = place.source or ""
        start, end = place.column - 1, place.column - 1 + max(1, place.width)
        before = cells(expand_tabs(source[:start]))
        width = max(1, cells(expand_tabs(source[:end])) - before)
        label = f" {printable(self._mask(place.label))}" if place.label else ""
        return " " * before + self._paint("^" * width + label, _MARKS[self._severity])

    def _paint(self, text: str, code: str) -> str:
        return paint(text, code, on=self._colour)


def _is_command(line: str) -> bool:
    """Return whether a line of advice is a command to paste, rather than a sentence."""
    import re

    if re.match(_PROGRAMS, line) or re.match(_WRITES, line):
        return True
    return "`" not in line and re.search(_OF_COMMANDS, line) is not None


def _from_here(advice: str) -> str:
    """Return advice whose commands for files go to the folder of `-C` first, since their paths begin there."""
    import re

    folder = named_folder()
    if not folder:
        return advice
    files = rf"(?m)(?:^|(?<=`))(?=(?:{_READS}|{_WRITES}))(?!cd |uv (?:tool|cache|python) )"
    return re.sub(files, lambda _: f"cd {shell_word(folder)} && ", advice)


def in_folder(error: WorkError, folder: str) -> WorkError:
    """Return a process' error with `cd FOLDER &&` added to its commands, since file names in them are relative to it.

    Commands of devboot find the project from everywhere.
    """
    import re

    if not folder or not any(re.match(_WRITES, each) for each in error.help):
        return error
    helps = [f"cd {shell_word(folder)} && {each}" if re.match(_WRITES, each) else each for each in error.help]
    given = {"details": error.details, "causes": error.causes, "kept": error.kept}
    return WorkError(error.slug, error.what, help=helps, evidence=error.evidence, **given)


def error_as_json(error: DevbootError, mask: Callable[[str], str] = str) -> dict[str, Any]:
    """Return an error as JSON values: everything that its message shows, and the exit code."""
    if isinstance(error, Problems):
        return {
            "event": "error",
            "exit": error.exit_code,
            "summary": mask(count(error)),
            "errors": [_facts(single, mask) for single in error.errors],
        }
    return {"event": "error", "exit": error.exit_code, **_facts(error, mask)}


def _facts(error: DevbootError, mask: Callable[[str], str]) -> dict[str, Any]:
    return {
        "slug": error.slug,
        "what": mask(error.what),
        "place": _place_facts(error.place),
        "details": [mask(text) for text in error.details],
        "causes": [mask(text) for text in error.causes],
        "help": [mask(text) for text in error.help],
        "kept": [mask(text) for text in error.kept],
    }


def _place_facts(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {"file": place.file, "line": place.line or None, "column": place.column or None}
