"""Reads env files and their templates: names, values, and which values are placeholders."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from devboot.git import is_untracked
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.tables import is_called, load_table

LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=[ \t]*(.*)$")
REFERENCE = re.compile(r"\$\{([A-Za-z_]\w*)\}")
_TABLE = load_table("variables")
PLACEHOLDER = re.compile("|".join(_TABLE["placeholders"]), re.IGNORECASE)
TEMPLATES = re.compile("|".join(_TABLE["templates"]), re.IGNORECASE)
ENV_FOLDERS: tuple[str, ...] = tuple(_TABLE["folders"])
_LONGEST = 4_096  # characters of a text with its references expanded
_MOST_ADDED = 256 * 1024  # characters that the expansions in one file may add
_COMMENT = re.compile(r"(?<!\s)\s+#")
_REFERS = r"\$\{[\w.-]+\}"
_LOGIN = re.compile(rf"://(?!(?:{_REFERS}:?)*@)[^@/\s]*@")  # a user or password that isn't a reference
_QUERY = re.compile(r"[?&]([\w.-]+)=(?=[^&\s])")
_PATH = re.compile(rf"://[^/\s?]*(?:/(?:{_REFERS}|[A-Za-z_%-]{{0,31}}\w{{0,3}})(?=[/?,\s]|$))*(?P<more>/[^\s?,]*)?")


@dataclass(frozen=True, slots=True)
class Variable:
    """An assignment in an env file."""

    name: str
    text: str
    path: str
    line: int

    @property
    def is_placeholder(self) -> bool:
        """True if the value is only a placeholder."""
        return bool(PLACEHOLDER.search(self.text.strip()) or REFERENCE.search(self.text))

    @property
    def shareable(self) -> str:
        """The value, if neither its name makes it secret nor it is an address; else a reference to the variable."""
        return f"${{{self.name}}}" if is_called("secret", self.name) and "://" not in self.text else self.text


def parse_variables(text: str, path: str = "") -> dict[str, Variable]:
    """Parse the variables of an env file; the last assignment of a name counts, other lines are ignored.

    A reference (`${HOST}`) to an earlier variable is replaced by its value, unless the text gets too long.
    """
    found: dict[str, Variable] = {}
    room = _MOST_ADDED
    for number, line in enumerate(text.splitlines(), 1):
        match = LINE.match(line)
        if match:
            raw = match[2].strip()
            value = given = _unquoted(raw)
            if not raw.startswith("'"):
                value = filled(REFERENCE, given, partial(_value, found), min(_LONGEST, room))
                room -= max(0, len(value) - len(given))
            found[match[1]] = Variable(match[1], value, path, number)
    return found


def _value(known: Mapping[str, Variable], match: re.Match[str]) -> str:
    return known[match[1]].text if match[1] in known else match[0]


def filled(pattern: re.Pattern[str], text: str, value: Callable[[re.Match[str]], str], longest: int = _LONGEST) -> str:
    """Return a text with matches replaced by `value(match)`; unchanged if the result is longer than `longest`.

    Values may contain references, so a few lines could double to any size.
    """
    parts: list[str] = []
    length = end = 0
    for match in pattern.finditer(text):
        parts += text[end : match.start()], value(match)
        end = match.end()
        length += len(parts[-2]) + len(parts[-1])
        if length > longest:
            return text
    return "".join([*parts, text[end:]]) if length + len(text) - end <= longest else text


def _unquoted(raw: str) -> str:
    quote = raw[:1]
    if quote in ("'", '"'):
        end = raw.find(quote, 1)
        if end > 0:
            return raw[1:end]
    # An unquoted value ends where a comment begins
    return _COMMENT.split(raw, maxsplit=1)[0].strip() if not raw.startswith("#") else ""


def may_be_secret(name: str, text: str) -> bool:
    """Return True if the value of an env file may be secret: by its variable's name, or by a part of its address."""
    if "://" not in text:
        return is_called("secret", name)
    return (
        _LOGIN.search(text) is not None
        or any(is_called("secret", each[1]) for each in _QUERY.finditer(text))
        or any(each["more"] for each in _PATH.finditer(text))
    )


@dataclass(frozen=True, slots=True)
class EnvFiles:
    """Variables of the clone's env files, by name.

    `committed` are those of `.env` and `.env.local` (the first file counts), `examples` those of templates. `local` are
    the names among `committed` whose value is from a file that git doesn't track: the next clone lacks them.
    """

    committed: dict[str, Variable]
    examples: dict[str, Variable]
    example_paths: tuple[str, ...]
    local: frozenset[str] = frozenset()


def read_env_files(tree: Tree, folders: tuple[str, ...], environ: Mapping[str, str]) -> EnvFiles:
    """Read `.env` and `.env.local`, and every template next to them; `environ` is for git."""
    committed: dict[str, Variable] = {}
    examples: dict[str, Variable] = {}
    paths: list[str] = []
    templates: list[str] = []
    for folder in folders:
        for name in (".env", ".env.local"):
            path = posixpath.normpath(posixpath.join(folder, name))
            if path not in paths and tree.exists(path):
                paths.append(path)
                for variable in parse_variables(tree.text(path) or "", path).values():
                    committed.setdefault(variable.name, variable)
    for path in _templates(tree, folders):
        if path in templates or path in paths:
            continue
        templates.append(path)
        for variable in parse_variables(tree.text(path) or "", path).values():
            known = examples.get(variable.name)
            if known is None or (known.is_placeholder and not variable.is_placeholder):
                examples[variable.name] = variable
    untracked = {path for path in paths if _is_untracked(tree, path, environ)}
    local = frozenset(name for name, variable in committed.items() if variable.path in untracked)
    return EnvFiles(committed, examples, tuple(templates), local)


def _is_untracked(tree: Tree, path: str, environ: Mapping[str, str]) -> bool:
    """Return True if a file is in a git repository that doesn't track it."""
    return is_untracked(str(tree.root / path), str(tree.root), environ)


def _templates(tree: Tree, folders: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for folder in folders:
        inner = [posixpath.join(folder, name) for name in ENV_FOLDERS]
        for place in map(posixpath.normpath, (folder, *inner)):
            for name in tree.in_folder(place):
                local = place.endswith(".envs/.local")
                if TEMPLATES.search(name) or local:
                    found.append(posixpath.normpath(posixpath.join(place, name)))
    return [path for path in dict.fromkeys(found) if not re.search(r"prod|staging|test\b", posixpath.basename(path))]
