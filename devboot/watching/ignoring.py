"""Applies .gitignore rules as git does: the last matching rule counts, deeper files override outer ones.

Not with pathspec, which treats folders unlike git: `docs/**` ignores `docs` itself, and after `*` and `!*/` all files
stay ignored. Git is the oracle in the tests.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from devboot.clone_reader import read_text
from devboot.paths import EARLIER_STATE
from devboot.record import Record
from devboot.watching.patterns import name_expression

# Folders that no glob matches: tools write there, and that is no edit.
NEVER = frozenset(
    {".git", ".hg", ".svn", EARLIER_STATE, ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox"}
    | {".mypy_cache", ".ruff_cache", ".pytest_cache"}
)
FILE = ".gitignore"


class Rule(Record):
    """One line of a .gitignore; `expression` matches paths relative to the file's folder."""

    expression: re.Pattern[str]
    ignores: bool
    only_folders: bool


class Rules(Record):
    """Rules of one .gitignore; `folder` is the absolute path of its folder."""

    folder: str
    rules: tuple[Rule, ...]


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Parse the text of a .gitignore into rules, in order."""
    return tuple(rule for line in text.splitlines() if (rule := _rule(line)) is not None)


def _rule(line: str) -> Rule | None:
    line = line.rstrip("\r")
    while line.endswith(" ") and not line.endswith("\\ "):
        line = line[:-1]
    if not line or line.startswith("#"):
        return None
    ignores = not line.startswith("!")
    line = line if ignores else line[1:]
    only_folders = line.endswith("/")
    line = line.rstrip("/") if only_folders else line
    if not line:
        return None
    return Rule(re.compile(_expression(line)), ignores, only_folders)


def _expression(line: str) -> str:
    if "/" not in line:
        return r"(?:.*/)?" + name_expression(line, hides=False) + r"\Z"
    parts = line.removeprefix("/").split("/")
    done = ""
    for index, part in enumerate(parts):
        is_last = index == len(parts) - 1
        if part == "**":
            done += r".+" if is_last else r"(?:.*/)?"
        else:
            done += name_expression(part, hides=False) + ("" if is_last else "/")
    return done + r"\Z"


def is_ignored(path: str, chain: Iterable[Rules], *, is_folder: bool) -> bool:
    """Return whether an absolute path is ignored by the rules in `chain`, outermost first.

    The folder that contains the path must not be ignored itself.
    """
    verdict = False
    for folder, rules in chain:
        inner = os.path.relpath(path, folder)
        for rule in rules:
            if (is_folder or not rule.only_folders) and rule.expression.match(inner):
                verdict = rule.ignores
    return verdict


def read_rules(folder: str, name: str = FILE) -> Rules | None:
    """Return the rules of the .gitignore (or file `name`) in a folder; None if it isn't readable."""
    try:
        return Rules(folder, parse_rules(read_text(os.path.join(folder, name), errors="surrogateescape")))
    except OSError:
        return None


def rules_above(root: str) -> tuple[Rules, ...]:
    """Return the rules that apply in `root` from outside: git's exclude file, and .gitignore files above `root`."""
    folders = [root]
    while not os.path.exists(os.path.join(folders[-1], ".git")):
        above = os.path.dirname(folders[-1])
        if above == folders[-1]:
            return ()  # no repository: only files in the project apply
        folders.append(above)
    excluded = read_rules(folders[-1], os.path.join(".git", "info", "exclude"))
    found = [excluded, *(read_rules(folder) for folder in reversed(folders[1:]))]
    return tuple(each for each in found if each is not None)
