"""Recognises code that is written for Python 2, which no Python 3 can parse."""

from __future__ import annotations

import posixpath
import re

from devboot.environment.python.versions import PYTHON_2
from devboot.onboarding.proposal_values import Evidence, Program
from devboot.onboarding.reading.layout import ASIDE, Application
from devboot.onboarding.reading.tree import Tree

_STATEMENTS = re.compile(
    r"""^[ \t]*(?:print[ \t]+[\w"']|exec[ \t]+["'\w]|except[ \t]+[\w.]+[ \t]*,[ \t]*\w+[ \t]*:"""
    r"""|except[ \t]*\([^()\n]+\)[ \t]*,[ \t]*\w+[ \t]*:|raise[ \t]+[\w.]+[ \t]*,"""
    r"""|def[ \t]+\w+\((?:[^()\n]*,[ \t]*)?\(\w)[^\n]*""",
    re.MULTILINE,
)
_SHOWN = 60  # characters of a statement in a message


def python_2(tree: Tree, app: Application) -> Program | None:
    """Return the application's program if its module, or half of all modules, is for Python 2; else None."""
    inside = [path for path in tree.python_files() if (posixpath.dirname(path) or ".") == app.folder]
    paths = [app.path] if app.path else [path for path in inside if not ASIDE.search(path)]
    found = [match for path in paths if (match := _statement(tree, path))]
    if not found or len(found) * 2 < len(paths):
        return None
    text, where = found[0]
    return Program(kind=f"{PYTHON_2}: `{text}` in {where}")


def _statement(tree: Tree, path: str) -> tuple[str, Evidence] | None:
    match = _STATEMENTS.search(tree.text(path) or "")
    if match is None or tree.module(path) is not None:
        return None
    return match[0].strip()[:_SHOWN], Evidence.at(path, match)
