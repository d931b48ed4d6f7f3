"""Reads the clone's shell scripts that start images or containers, down to the commands that they run."""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Iterator, Sequence
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
_CASE = re.compile(
    r"""^[ \t]*case[ \t]+["']?\$\{?(?P<word>[1@*])(?::?-[^}\n]*)?\}?["']?[ \t]+in\b(?P<arms>.*?)^[ \t]*esac\b""",
    re.MULTILINE | re.DOTALL,
)
_ARM = re.compile(r"\s*+\(?[ \t]*+(?P<patterns>[^\n()]++)\)(?P<body>.*?)(?:;;|\Z)", re.DOTALL)
_HEREDOC = re.compile(r"""[^#]*<<-?[ \t]*["']?(?P<end>\w+)""")
_END = "\x04"  # marks the end of a script that `exec` has replaced
_USES = re.compile(r"\$\{?[@*1]")
_IF = re.compile(
    r"""^[ \t]*if[ \t]+\[\[?[ \t]+["']?\$\{?(?P<word>[1@*])(?::?-[^}\n]*)?\}?["']?[ \t]+"""
    r"""==?[ \t]+["']?(?P<value>[^\s"'\]]+)["']?"""
    r"[ \t]+\]\]?[ \t]*;?\s*then\b(?P<yes>(?:(?!^[ \t]*(?:if|elif)\b).)*?)"
    r"(?:^[ \t]*else\b(?P<no>(?:(?!^[ \t]*if\b).)*?))?^[ \t]*fi\b",
    re.MULTILINE | re.DOTALL,
)
_ARGUMENTS = re.compile(
    r"""(?P<quote>["']?)\$(?:\{(?:(?P<all>[@*])(?::(?P<from>\d))?|(?P<number>[1-9])(?::?-(?P<default>[^}]*))?)\}"""
    r"""|(?P<bare>[@*1-9]))(?P=quote)"""
)


@dataclass(frozen=True, slots=True)
class Script:
    """A shell script of the clone: its commands by line number, without control statements."""

    path: str
    lines: tuple[tuple[int, str], ...]
    hands_over: bool  # True if it uses its arguments

    @property
    def last(self) -> tuple[tuple[int, str], ...]:
        """The commands after `exec`, the last first; without `exec` the last command."""
        become = tuple(each for each in reversed(self.lines) if each[1].startswith("exec "))
        return become or self.lines[-1:]


# Cache per clone, by path and arguments: compose files may use a script many times
_KNOWN: WeakKeyDictionary[Tree, dict[tuple[str, tuple[str, ...]], Script]] = WeakKeyDictionary()


def read_script(tree: Tree, path: str, arguments: Sequence[str]) -> Script | None:
    """Read a script as it runs with these arguments, which replace `"$@"`; None if it isn't a shell script."""
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
    """Keep the branch that the first argument selects; other lines keep their line numbers."""

    def word(match: re.Match[str]) -> str:
        return " ".join(arguments) if match["word"] in "@*" else (arguments[0] if arguments else "")

    def arm(match: re.Match[str]) -> str:
        for each in _ARM.finditer(match["arms"]):
            patterns = [pattern.strip(" \t\"'") for pattern in each["patterns"].split("|")]
            if any(fnmatch.fnmatchcase(word(match), pattern) for pattern in patterns):
                start = match.start("arms") - match.start() + each.start("body")
                return _alone(match[0], start, start + len(each["body"]))
        return _alone(match[0], 0, 0)

    def branch(match: re.Match[str]) -> str:
        group = "yes" if word(match) == match["value"] else "no"
        start, end = match.start(group) - match.start(), match.end(group) - match.start()
        return _alone(match[0], start, end) if match[group] else _alone(match[0], 0, 0)

    return _IF.sub(branch, _CASE.sub(arm, _without_heredocs(text)))


def _without_heredocs(text: str) -> str:
    """Empty the lines of here-documents; one without its end mark is left alone."""
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
    """Return a part of a text at its line numbers, with everything else emptied; an `exec` ends the script."""
    last = f"\n{_END}" if re.search(r"^[ \t]*exec[ \t]", text[start:end], re.MULTILINE) else "\n"
    return "\n" * text.count("\n", 0, start) + text[start:end] + last + "\n" * (text.count("\n", end) - 1)
