"""Finds the oldest Python that can run the application's code, by syntax and names that older ones lack."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.tree import Tree

# Modules and names of the standard library, with the minor version of Python 3 that added them
ADDED = {
    "tomllib": 11,
    "datetime.UTC": 11,
    "enum.ReprEnum": 11,
    "enum.StrEnum": 11,
    "itertools.batched": 12,
    "itertools.pairwise": 10,
    "types.NoneType": 10,
    "types.UnionType": 10,
    **dict.fromkeys(
        ("typing.Concatenate", "typing.ParamSpec", "typing.TypeAlias", "typing.TypeGuard", "typing.is_typeddict"), 10
    ),
    **dict.fromkeys(
        ("typing.LiteralString", "typing.Never", "typing.NotRequired", "typing.Required", "typing.Self"), 11
    ),
    **dict.fromkeys(("typing.assert_never", "typing.reveal_type", "typing.Unpack", "typing.TypeVarTuple"), 11),
    **dict.fromkeys(("typing.override", "typing.TypeAliasType"), 12),
    **dict.fromkeys(("typing.ReadOnly", "typing.TypeIs", "warnings.deprecated"), 13),
}
_SYNTAX: dict[str, int] = {"Match": 10, "TryStar": 11, "TypeAlias": 12}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Needed(NamedTuple):
    """The minor version of Python 3 (12 for 3.12) that a line of code needs."""

    minor: int
    evidence: Evidence


def needed_python(tree: Tree, paths: Iterable[str], above: int) -> Needed | None:
    """Return the highest minor version of Python 3 that these modules need, with its line; None if at most `above`."""
    found = max((each for path in paths for each in _of_module(tree, path)), key=lambda each: each.minor, default=None)
    return found if found is not None and found.minor > above else None


def _of_module(tree: Tree, path: str) -> Iterator[Needed]:
    parsed = tree.module(path)
    if parsed is None:
        return
    for node in parsed.body:  # without statements below a condition or in a `try`, which older versions may skip
        for name in _imported(node):
            if name in ADDED:
                yield Needed(ADDED[name], Evidence(path, node.lineno))
    has_texts = any(isinstance(each, ast.ImportFrom) and each.module == "__future__" for each in parsed.body)
    for inner in ast.walk(parsed):
        minor = _SYNTAX.get(type(inner).__name__, 0) or (12 if getattr(inner, "type_params", None) else 0)
        if minor and isinstance(inner, ast.stmt):
            yield Needed(minor, Evidence(path, inner.lineno))
    for each in () if has_texts else _annotations(parsed.body):
        union = next((part for part in ast.walk(each) if _is_union(part)), None)
        if union is not None:
            yield Needed(10, Evidence(path, each.lineno))


def _imported(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (f"{node.module}.{each.name}" for each in node.names)


def _annotations(body: Iterable[ast.stmt]) -> Iterator[ast.expr]:
    """Yield the annotations that Python evaluates at import: of functions, and of names in modules and classes."""
    for node in body:
        if isinstance(node, _FUNCTIONS):
            given = node.args
            arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
            yield from (each.annotation for each in arguments if each is not None and each.annotation is not None)
            yield from [node.returns] if node.returns is not None else []
        elif isinstance(node, ast.AnnAssign):
            yield node.annotation
        elif isinstance(node, ast.ClassDef):
            yield from _annotations(node.body)


def _is_union(node: ast.AST) -> bool:
    """Return whether an expression is `a | b`, which in annotations joins types."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)
