"""The object that Flask's configuration is taken from, where nothing but a variable names it."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.proposal_values import Evidence, Variable
from devboot.onboarding.reading.layout import ASIDE, module_name
from devboot.onboarding.symbolic_eval.calls import FROM_OBJECT
from devboot.onboarding.symbolic_eval.evaluate import Run

_FILES = re.compile(r"(?:^|/)(?:\w*config(?:s|uration)?|\w*settings)(?:/\w+)?\.py$")
_MODULES = ("development.py", "dev.py", "local.py")
_DEVELOPMENT = re.compile(r"Dev|Local")
_PLAIN = re.compile(r"(?:Base|Default)?(?:Config|Configuration|Settings)$")


def find_configuration(clone: Clone, base: Run) -> dict[str, Variable]:
    """The variable that names it, with what the clone has for development: without it nothing else can be known."""
    for event in base.found.events:
        value = event.argument(0, "obj") if event.name == FROM_OBJECT else None
        if value is None or len(value.reads) != 1:
            continue
        chosen = min(_candidates(clone), default=None)
        if chosen is not None:
            _, path, line, text = chosen
            (name,) = value.reads
            return {name: Variable(name, value=text, evidence=Evidence(path, line))}
    return {}


def _candidates(clone: Clone) -> Iterator[tuple[int, str, int, str]]:
    """How far it is from what is looked for, the file, the line and the dotted name of each that will do."""
    for path in clone.tree.python_files():
        name = module_name(path, clone.app.sources) if _FILES.search(path) and not ASIDE.search(path) else None
        if name is None:
            continue
        parsed = clone.tree.module(path)
        classes = [node for node in (parsed.body if parsed else ()) if isinstance(node, ast.ClassDef)]
        for node in classes:
            if _DEVELOPMENT.match(node.name) or _PLAIN.match(node.name):
                yield int(not _DEVELOPMENT.match(node.name)), path, node.lineno, f"{name}.{node.name}"
        if not classes and posixpath.basename(path) in _MODULES:
            yield 0, path, 1, name
