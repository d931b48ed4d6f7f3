"""Env files and their templates: names, values and whether a value is meant."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from devboot.git import is_untracked
from devboot.onboarding.reading.tree import Tree

LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=[ \t]*(.*)$")
REFERENCE = re.compile(r"\$\{([A-Za-z_]\w*)\}")
# What people write where a value belongs
PLACEHOLDER = re.compile(
    r"^$|<[^>]*>|^\[.*\]$|^x{3,}|\bx{4,}\b|\byour[-_ ]|^your[a-z]*(?:key|token|secret|pass|id|name|user|host|url)$|"
    r"[-_ ]here$|change[-_ ]?(?:me|this|it)|"
    r"^enter[-_ ]|replace|placeholder|"
    r"^todo|^insert|^set[-_ ]?me|^not[-_ ]set$|\.\.\.|^\*+$|^(?:none|null|changeit|fixme|tbd|redacted|secret|example)$|"
    # a choice, and what explains one
    r"^\w+(?:\s*\|\s*\w+)+$|^(?:true|false) ?/ ?(?:true|false)$|^\?+$|^-+$|"
    r"^(?:true|false|yes|no|on|off|dev|development|prod|production|local) (?:or|for|if|in|when) |"
    r"^(?:db|database|user|host)_?name$|"
    r"^put[-_ ]|^ask[-_ ]|^my[-_ ]?(?:secret|key|token|api)|^(?:some|a)[-_ ](?:secret|key|token|thing)|^\{\{|^generate",
    re.IGNORECASE,
)
TEMPLATES = re.compile(
    r"^\.?(?:env|dev\.env|local\.env|dotenv|envs?)?[._-]?(?:example|sample|template|dist|defaults?)(?:[._-]env)?$"
    r"|^\.?env[._-](?:[\w.-]*[._-])?(?:example|sample|template|dist|default|tpl|tmpl)s?(?:[._-]\w+)?$"
    r"|^(?:example|sample|template)[._-]env$|^[\w-]*\.?env\.(?:example|sample|template|dist|tpl)$|^\.env-(?:dist|example|sample|template)$"
    r"|^(?:dev|development|local)\.env$|template\.env$|^\.env\.(?:dev|development|local)$|^\.flaskenv$",
    re.IGNORECASE,
)
ENV_FOLDERS = (
    ".envs/.local", "env", "envs", "config", "docker", "docker/config", "docker/env", "conf", "deploy",
    ".devcontainer",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Variable:
    """A line of an env file."""

    name: str
    text: str
    path: str
    line: int

    @property
    def is_placeholder(self) -> bool:
        """Whether the value only holds the place of one."""
        return bool(PLACEHOLDER.search(self.text.strip()) or REFERENCE.search(self.text))


def parse_variables(text: str, path: str = "") -> dict[str, Variable]:
    """The variables of an env file; the last of a name counts. Lines that set none are passed over.

    A reference (`${HOST}`) to a variable of a line before stands for that one's value.
    """
    found: dict[str, Variable] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = LINE.match(line)
        if match:
            raw = match[2].strip()
            value = _unquoted(raw) if raw.startswith("'") else _filled(_unquoted(raw), found)
            found[match[1]] = Variable(match[1], value, path, number)
    return found


def _filled(text: str, known: Mapping[str, Variable]) -> str:
    return REFERENCE.sub(lambda match: known[match[1]].text if match[1] in known else match[0], text)


def _unquoted(raw: str) -> str:
    quote = raw[:1]
    if quote in ("'", '"'):
        end = raw.find(quote, 1)
        if end > 0:
            return raw[1:end]
    # An unquoted value ends where a comment begins
    return re.split(r"\s+#", raw, maxsplit=1)[0].strip() if not raw.startswith("#") else ""


@dataclass(frozen=True, slots=True)
class EnvFiles:
    """Env files of the clone: those that count as they are, and templates.

    `local` are the variables that only files on this machine set: git doesn't track them, so the next clone lacks them.
    """

    committed: dict[str, Variable]
    examples: dict[str, Variable]
    example_paths: tuple[str, ...]
    local: frozenset[str] = frozenset()


def read_env_files(tree: Tree, folders: tuple[str, ...], environ: Mapping[str, str]) -> EnvFiles:
    """Read `.env` and `.env.local` where they are, and every template beside them; git gets `environ`."""
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
    """Whether a file lies in a repository of git that doesn't have it."""
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
