"""Reads the clone's shell scripts that start images or containers, into the commands that they run."""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from devboot.onboarding.reading.tree import Tree

_LONGEST = 10_000  # characters; start scripts are shorter
_MOST = 200  # scripts per clone; the same script with other arguments counts again
_SHEBANG = re.compile(r"#!\s*\S*(?:/|\s)(?:ba|da|z|a)?sh\b")
_COMMAND = re.compile(r"(?:[^\n\\]|\\\n|\\.)+")
_CONTROLS = re.compile(
    r"(?:#|set\b|if\b|then$|else$|elif\b|fi$|for\b|while\b|until\b|do$|done\b|case\b|esac|echo\b|printf\b|exit\b|exec$"
    r"|;;$|[{}]$|trap\b|export\b|source\b|\.\s|sleep\b|\w+\s*\(\)|[\w.*|\"' -]+\)$|[A-Za-z_]\w*=\S*$)"
)
_WORD = r"""["']?\$\{?(?P<word>[1@*])(?::?-[^}\n]*)?\}?["']?[ \t]+"""
_CASE = re.compile(rf"^[ \t]*case[ \t]+{_WORD}in\b", re.MULTILINE)
_ESAC = re.compile(r"^[ \t]*esac\b", re.MULTILINE)
_ARM = re.compile(r"\s*+\(?[ \t]*+(?P<patterns>[^\n()]++)\)(?P<body>.*?)(?:;;|\Z)", re.DOTALL)
_BEFORE_ARM = re.compile(r"[\n()]")  # what may stand before an arm, if none begins here
_HEREDOC = re.compile(r"""[^#]*<<-?[ \t]*["']?(?P<end>\w+)""")
_END = "\x04"  # marks the end of a script that `exec` has replaced
_USES = re.compile(r"\$\{?[@*1]")
_IF = re.compile(
    rf"^[ \t]*if[ \t]+\[\[?[ \t]+{_WORD}"
    r"""==?[ \t]+["']?(?P<value>[^\s"'\]]+)["']?[ \t]+\]\]?[ \t]*;?\s*then\b""",
    re.MULTILINE,
)
_BRANCH = re.compile(r"^[ \t]*(if|elif|else|fi)\b", re.MULTILINE)
_ARGUMENTS = re.compile(
    r"""(?P<quote>["']?)\$(?:\{(?:(?P<all>[@*])(?::(?P<from>\d))?|(?P<number>[1-9])(?::?-(?P<default>[^}]*))?)\}"""
    r"""|(?P<bare>[@*1-9]))(?P=quote)"""
)


# Start and end of the lines that are kept of a statement, and its own end; None if it can't be read
Choose = Callable[[str, re.Match[str], str], tuple[int, int, int] | None]


@dataclass(frozen=True, slots=True)
class Script:
    """A shell script of the clone: its commands by line number, without control statements."""

    path: str
    lines: tuple[tuple[int, str], ...]
    hands_over: bool  # True if it uses its arguments

    @property
    def last(self) -> tuple[tuple[int, str], ...]:
        """The script's final commands: those after `exec`, last first; without `exec` the last command."""
        become = tuple(each for each in reversed(self.lines) if each[1].startswith("exec "))
        return become or self.lines[-1:]


# Cache per clone, by path and arguments: compose files may use a script many times
_KNOWN: WeakKeyDictionary[Tree, dict[tuple[str, tuple[str, ...]], Script]] = WeakKeyDictionary()


def read_script(tree: Tree, path: str, arguments: Sequence[str]) -> Script | None:
    """Read a shell script as it runs with these arguments in place of `"$@"`; None if it isn't one."""
    text = tree.text(path) or "" if path and tree.exists(path) else ""
    if len(text) > _LONGEST:
        return None
    if not _SHEBANG.match(text) and not (text and path.endswith(".sh")):
        return None
    known, key = _KNOWN.setdefault(tree, {}), (path, tuple(arguments))
    if key not in known and len(known) < _MOST:
        found = tuple(_commands(_with_choices(text, arguments), list(arguments)))
        known[key] = Script(path, found, _USES.search(text) is not None)
    return known.get(key)


def _commands(text: str, arguments: list[str]) -> Iterator[tuple[int, str]]:
    for match in _COMMAND.finditer(text):
        if match[0] == _END:
            return
        line = " ".join(match[0].replace("\\\n", " ").split())
        if re.match(r"shift(?:\s+1)?$", line):
            arguments = arguments[1:]
            continue
        line = _ARGUMENTS.sub(lambda found: _given(found, arguments), line).strip()  # noqa: B023 - used at once
        if line and not _CONTROLS.match(line):
            yield text.count("\n", 0, match.start()) + 1, line


def _given(found: re.Match[str], arguments: list[str]) -> str:
    if found["all"] or found["bare"] in ("@", "*"):
        return shlex.join(arguments[int(found["from"] or 1) - 1 :])
    number = int(found["number"] or found["bare"])
    return arguments[number - 1] if len(arguments) >= number else found["default"] or ""


def _with_choices(text: str, arguments: Sequence[str]) -> str:
    """Return a script with only the branches that the first argument selects; line numbers stay the same."""
    text = _without_heredocs(text)
    last = max((each.end() for each in _ESAC.finditer(text)), default=0)
    text = _replaced(text[:last], _CASE, _arm, arguments) + text[last:]
    return _replaced(text, _IF, _branch, arguments)


def _replaced(text: str, head: re.Pattern[str], choose: Choose, arguments: Sequence[str]) -> str:
    """Replace each statement that begins with a match of `head` by the part that `choose` keeps of it.

    A statement without an end is kept whole.
    """
    kept, start = "", 0
    for match in head.finditer(text):
        if match.start() < start:  # inside of another one
            continue
        word = " ".join(arguments) if match["word"] in "@*" else (arguments[0] if arguments else "")
        if (found := choose(text, match, word)) is not None:
            begin, end, statement_end = found
            kept += text[start : match.start()]
            whole = text[match.start() : statement_end]
            kept += _alone(whole, begin - match.start(), end - match.start()) if end else _alone(whole, 0, 0)
            start = statement_end
    return kept + text[start:]


def _arm(text: str, head: re.Match[str], word: str) -> tuple[int, int, int] | None:
    """Return start and end of the arm of a `case` that `word` selects (0 for none), and the statement's end."""
    last = _ESAC.search(text, head.end())
    if last is None:
        return None
    for each in _arms(text, head.end(), last.start()):
        patterns = [pattern.strip(" \t\"'") for pattern in each["patterns"].split("|")]
        if any(fnmatch.fnmatchcase(word, pattern) for pattern in patterns):
            return each.start("body"), each.end("body"), last.end()
    return 0, 0, last.end()


def _arms(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """Yield the arms of a `case` in a part of a text."""
    while start < end:
        found = _ARM.match(text, start, end)
        if found is None:
            ahead = _BEFORE_ARM.search(text, start, end)
            start = end if ahead is None else ahead.end()
        else:
            yield found
            start = found.end()


def _branch(text: str, head: re.Match[str], word: str) -> tuple[int, int, int] | None:
    """Return start and end of the branch of an `if` that `word` selects (0 for none), and the statement's end.

    None for an `if` with other conditions in it.
    """
    marks = _BRANCH.finditer(text, head.end())
    first = next(marks, None)
    last = (
        first
        if first is None or first[1] != "else"
        else next((each for each in marks if each[1] in ("if", "fi")), None)
    )
    if first is None or last is None or last[1] != "fi":
        return None
    if word == head["value"]:
        return head.end(), first.start(), last.end()
    return (first.end(), last.start(), last.end()) if first is not last else (0, 0, last.end())


def _without_heredocs(text: str) -> str:
    """Return a script with the lines of here-documents emptied; one without an end mark is left alone."""
    lines = text.split("\n")
    below: dict[str, int] = {}  # the nearest line of each text
    ends: dict[int, int] = {}
    for number in range(len(lines) - 1, -1, -1):
        head = _HEREDOC.match(lines[number])
        ends[number] = below.get(head["end"], number) if head else number
        below[lines[number].strip(" \t")] = number
    number = 0
    while number < len(lines):
        end = ends[number]
        lines[number + 1 : end + 1] = [""] * (end - number)
        number = end + 1
    return "\n".join(lines)


def _alone(text: str, start: int, end: int) -> str:
    """Return a script in which only the part from `start` to `end` is kept, at the same line numbers.

    If that part contains `exec`, the script ends there.
    """
    last = f"\n{_END}" if re.search(r"^[ \t]*exec[ \t]", text[start:end], re.MULTILINE) else "\n"
    return "\n" * text.count("\n", 0, start) + text[start:end] + last + "\n" * (text.count("\n", end) - 1)
