"""Servers of Python's standard library (http.server, wsgiref, socketserver): a script that serves when it is run."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from devboot.onboarding.frameworks.framework import Candidate, Clone
from devboot.onboarding.frameworks.serving_script import Listens, ServingScript
from devboot.onboarding.proposal_values import Process
from devboot.onboarding.reading.tree import Tree

_MADE = r"\b(?:(?:Threading)?(?:HTTP|TCP)Server|WSGIServer|make_server)\("
_AT_TOP = re.compile(rf"^(?:with\b|\w+[ \t]*=)[^\n#]*{_MADE}", re.MULTILINE)


class StandardServer(ServingScript):
    """Recognises scripts that start a server of Python's standard library, and proposes to run them."""

    name = "http.server"
    marks = (".serve_forever(",)
    serves = re.compile(r"\.serve_forever\(")
    listens = Listens("serve_forever")

    def applications(self, tree: Tree) -> Iterator[Candidate]:
        """Yield the scripts to run, without modules that a bot imports to answer health checks."""
        for candidate in super().applications(tree):
            text = tree.text(candidate.app.path) or ""
            if re.search(_MADE, text) and (self.is_run(candidate.app.path, text) or _AT_TOP.search(text)):
                yield candidate

    def web(self, clone: Clone) -> Process | None:
        """Return the process that runs the script, with the port of its server."""
        process = super().web(clone)
        module = clone.tree.module(clone.app.path)
        return replace(process, port=_port(module)) if process is not None and module is not None else process


def _port(module: ast.Module) -> int | None:
    """Return the port in the call that creates the server, a number or a constant; None if unknown."""
    constants = {
        target.id: node.value.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module):
        if not isinstance(node, ast.Call) or not re.match(_MADE, f"{ast.unparse(node.func).rpartition('.')[2]}("):
            continue
        # make_server takes host and port as two arguments, the others as a pair
        pair = node.args[0].elts if node.args and isinstance(node.args[0], ast.Tuple) else node.args[:2]
        given = pair[1] if len(pair) > 1 else None
        value = constants.get(given.id) if isinstance(given, ast.Name) else getattr(given, "value", None)
        return value if type(value) is int and 0 < value < 1 << 16 else None
    return None
