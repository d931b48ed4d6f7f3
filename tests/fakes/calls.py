"""Calls in devboot's source, each with the function that it stands in: for contracts about who may call what."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def calls(tree: ast.AST, wanted: Callable[[ast.Call], bool], scope: str = "") -> Iterator[tuple[str, ast.Call]]:
    """Yield (`Class.method`, call) of each call that is `wanted`; the scope of a module's own statements is empty."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and wanted(node):
            yield scope, node
        inner = node.name if isinstance(node, _SCOPES) else ""
        yield from calls(node, wanted, ".".join(filter(None, (scope, inner))))
