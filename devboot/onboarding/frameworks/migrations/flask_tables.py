"""A Flask project's own command that creates its tables, if it has no migrations."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Sequence
from shlex import quote

from devboot.onboarding.frameworks.framework import Clone, Framework
from devboot.onboarding.frameworks.web.flask import Flask, flask_command
from devboot.onboarding.proposal_values import Evidence, Task
from devboot.onboarding.reading.layout import ASIDE, cwd_of
from devboot.onboarding.symbolic_eval.evaluate import Run

_MAKES = ("create_all(",)
# Decorators that make a function a command: Flask's, click's, and Flask-Script's
_FLASK = re.compile(r"^(?:\w*app\w*\.cli|click)\.command\b")
_SCRIPT = re.compile(r"^\w*manager\.command\b")
_ASKS = re.compile(r"\bprompt=|\bconfirmation_prompt=|\bargument\(|required=True")
_LIKELY = re.compile(r"init|create|setup|db|table", re.IGNORECASE)

Function = ast.FunctionDef | ast.AsyncFunctionDef


class FlaskTables(Framework):
    """Proposes a Flask project's own command that creates its tables."""

    name = "flask-tables"

    def tasks(self, clone: Clone, run: Run, databases: tuple[str, ...]) -> Sequence[Task]:  # noqa: ARG002 - the text shows it
        """Return a task for the command, run once per database; commands that drop tables unasked are excluded."""
        tree, found = clone.tree, list[tuple[tuple[bool, int, str], str, Evidence]]()
        for path in tree.python_files() if isinstance(clone.framework, Flask) else ():
            parsed = tree.module(path) if not ASIDE.search(path) and tree.mentions(path, _MAKES) else None
            for function, decorator in _commands(parsed) if parsed else ():
                if _makes_tables(function):
                    name, command = _command(clone, path, function, decorator)
                    rank = (_LIKELY.search(name) is None, len(function.body), name)
                    found.append((rank, command, Evidence(path, function.lineno)))
        if not found:
            return ()
        _, command, where = min(found, key=lambda each: each[0])
        return [Task("tables", command, cwd_of(clone.app), depends_on=databases, evidence=where, once=True)]


def _commands(parsed: ast.Module) -> Iterator[tuple[Function, str]]:
    """Yield (function, decorator) of functions that are commands without required arguments."""
    for node in ast.walk(parsed):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        decorators = [ast.unparse(each) for each in node.decorator_list]
        makes = next((each for each in decorators if _FLASK.search(each) or _SCRIPT.search(each)), None)
        if makes and not any(_ASKS.search(each) for each in decorators):
            yield node, makes


def _makes_tables(function: Function) -> bool:
    """Return whether a function creates tables, and drops none unless an option demands it."""
    drops = (statement for statement in function.body if not isinstance(statement, ast.If))
    return _calls(function, "create_all") and not any(_calls(each, "drop_all") for each in drops)


def _calls(node: ast.AST, name: str) -> bool:
    return any(
        isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == name
        for each in ast.walk(node)
    )


def _command(clone: Clone, path: str, function: Function, decorator: str) -> tuple[str, str]:
    if _SCRIPT.search(decorator):
        return function.name, f"python {quote(posixpath.relpath(path, clone.app.folder))} {function.name}"
    given = re.search(r"command\((?:name=)?['\"]([\w-]+)['\"]", decorator)
    name = given[1] if given else function.name.lower().replace("_", "-")
    return name, flask_command(clone, name)
