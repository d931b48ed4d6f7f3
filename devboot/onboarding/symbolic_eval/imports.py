"""What import statements bring into scope."""

from __future__ import annotations

import ast

from devboot.onboarding.symbolic_eval.machine import Machine
from devboot.onboarding.symbolic_eval.values import External, Opaque, Raised, Scope, Value, absolute_name


def bring(m: Machine, node: ast.Import, scope: Scope) -> None:
    """`import x`."""
    for alias in node.names:
        if m.is_lacking(alias.name, m.place(node, scope)):
            raise Raised("ModuleNotFoundError", frozenset())
        ours = m.module(alias.name) if m.is_ours(alias.name) else None
        top = alias.name.split(".")[0]
        if alias.asname:
            scope.names[alias.asname] = Value(ours) if ours else Value(External(alias.name))
        else:
            first = m.modules.get(top)
            scope.names[top] = Value(first) if first else Value(External(top))


def bring_from(m: Machine, node: ast.ImportFrom, scope: Scope) -> None:
    """`from x import y`."""
    base = "." * node.level + (node.module or "")
    name = absolute_name(scope.module, base)
    if m.is_lacking(name, m.place(node, scope)):
        raise Raised("ModuleNotFoundError", frozenset())
    if node.level == 0 and not m.is_ours(name):
        _bring_external(node, name, scope)
        return
    module = m.module(name)
    if module is None:
        _absent(m, name, node, scope)
        return
    for alias in node.names:
        if alias.name == "*":
            m.load(module)
            scope.names.update({k: v for k, v in module.names.items() if not k.startswith("_")})
            scope.module.stars += module.stars
        elif m.is_lacking(f"{name}.{alias.name}", m.place(node, scope)):
            raise Raised("ImportError", frozenset())
        else:
            scope.names[alias.asname or alias.name] = m.import_name(module, alias.name)


def _bring_external(node: ast.ImportFrom, name: str, scope: Scope) -> None:
    for alias in node.names:
        if alias.name == "*":
            scope.module.stars.append(name)
        else:
            scope.names[alias.asname or alias.name] = Value(External(f"{name}.{alias.name}"))


def _absent(m: Machine, name: str, node: ast.ImportFrom, scope: Scope) -> None:
    """A module of the project that isn't in the clone."""
    if m.is_caught("ModuleNotFoundError"):
        raise Raised("ModuleNotFoundError", frozenset())
    if not m.maybe:
        m.found.absent.append((name, m.place(node, scope)))
    for alias in node.names:
        if alias.name != "*":
            scope.names[alias.asname or alias.name] = Value(Opaque(f"{name}.{alias.name}"))
