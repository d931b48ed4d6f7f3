"""Recognises frameworks whose scripts start a server when they are run."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from shlex import quote
from typing import NamedTuple

from devboot.onboarding.frameworks.application_object import ENTRY_NAMES
from devboot.onboarding.frameworks.framework import Candidate, Clone, Framework
from devboot.onboarding.proposal_values import Evidence, Process
from devboot.onboarding.reading.layout import Application, application_at, cwd_of, import_folder, own_modules
from devboot.onboarding.reading.tree import Tree

RUNS = re.compile(r"""^if __name__ == ["']__main__["']|^\w+(?:\.\w+)*\.(?:run|start|\w*polling)\(""", re.MULTILINE)
_RUN_OTHERS = ("asyncio", "subprocess", "anyio", "typer")  # their `run` doesn't start a server


class Listens(NamedTuple):
    """How a framework's scripts listen: the call, keyword and position of its port, and the default port."""

    call: str
    word: str = "port"
    place: int | None = None
    usual: int | None = None


class ServingScript(Framework):
    """A framework whose script starts a server; `serves` matches such a script, `listens` describes its port.

    `marks` are words of which each match of `serves` has one; modules without any needn't be searched.
    """

    marks: tuple[str, ...] = ("",)
    serves: re.Pattern[str]
    listens: Listens | None = None

    def applications(self, tree: Tree) -> Iterator[Candidate]:
        """Yield the scripts that start a server: those highest in the tree first, among them those with entry names."""
        for path in own_modules(tree):
            match = self.serves.search(tree.text(path) or "") if tree.mentions(path, self.marks) else None
            if match is not None and ("/" not in path or self.is_run(path, match.string)):
                rank = (path.count("/"), (*ENTRY_NAMES, name := posixpath.basename(path)).index(name), path)
                yield Candidate(rank, application_at(tree, self.name, Evidence.at(path, match)))

    def is_run(self, path: str, text: str) -> bool:
        """Return whether a module below the root is a script to run, not only imported."""
        begins = re.escape(self.listens.call) if self.listens else r"(?!)"
        at_its_end = re.search(rf"^\w+(?:\.\w+|\([^)\n]*\))*\.?{begins}\(", text, re.MULTILINE)
        return path.endswith("/__main__.py") or bool(at_its_end or RUNS.search(text))

    def web(self, clone: Clone) -> Process | None:
        """Return the process that runs the script, with its port if that is fixed in the code."""
        app = clone.app
        module = app.entry.removesuffix(".__main__")
        script = quote(posixpath.relpath(app.path, app.folder))
        command = f"python -m {module}" if "." in app.entry else f"python {script}"
        port = fixed_port(self.listens, clone.tree.module(app.path)) if self.listens else None
        return Process("web", command, cwd_of(app), port, app.evidence)


def script_command(tree: Tree, app: Application, path: str) -> str:
    """Return the command that runs a module of the clone: as a file, or with `-m` if its imports need that."""
    inner = posixpath.relpath(path, app.folder)
    module = inner.removesuffix(".py").replace("/", ".").removesuffix(".__main__")
    if "/" not in inner:
        return f"python {quote(inner)}"
    is_relative = re.search(r"^[ \t]*from\s+\.", tree.text(path) or "", re.MULTILINE)
    is_inside = is_relative or import_folder(tree, path) != posixpath.dirname(path)
    return f"python -m {module}" if inner.endswith("/__main__.py") or is_inside else f"python {quote(inner)}"


def fixed_port(listens: Listens, module: ast.Module | None) -> int | None:
    """Return the port that a script always listens on, whatever its environment; None if the code doesn't show one."""
    for node in ast.walk(module) if module is not None else ():
        if not isinstance(node, ast.Call) or not _is_called(node, listens.call):
            continue
        given = [each.value for each in node.keywords if each.arg in (listens.word, None)]
        given += [each for each in node.args if isinstance(each, ast.Starred)]
        given += node.args[listens.place : listens.place + 1] if listens.place is not None else []
        return _number(given[0]) if given else listens.usual
    return None


def _number(node: ast.expr) -> int | None:
    """Return the port number that an expression is; None if it is unknown, or 0 (chosen by the system)."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if type(value) is int and 0 < value < 1 << 16 else None


def _is_called(node: ast.Call, name: str) -> bool:
    called = ast.unparse(node.func)
    return f".{called}".endswith(f".{name}") and called.rpartition(".")[0] not in _RUN_OTHERS
