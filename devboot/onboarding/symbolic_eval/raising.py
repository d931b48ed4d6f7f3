"""Handles exceptions that evaluated code raises: handlers that catch them, variables that cause them."""

from __future__ import annotations

import ast

from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.symbolic_eval.machine import Machine
from devboot.onboarding.symbolic_eval.values import NOTHING, RETURNED, Left, Opaque, Raised, Scope, Value, deep_reads


def throw(m: Machine, node: ast.Raise, scope: Scope) -> None:
    """Evaluate a `raise` statement."""
    kind = exception_name(node.exc)
    value = m.evaluate(node.exc, scope) if node.exc is not None else NOTHING
    stop(m, kind, value, m.place(node, scope), scope)


def stop(m: Machine, kind: str, value: Value, place: Evidence, scope: Scope) -> None:
    """Pass the exception `kind` to a handler in the evaluated code.

    Without one, record its unset variables as needed.
    """
    if RETURNED in scope.names:
        raise Left("return", Value(Opaque("returned"), deep_reads(scope.names[RETURNED]), place))
    reads = m.causes[-1] if m.causes else frozenset()
    if not reads and m.tests:
        reads = m.tests[-1][0]
    reads = reads or deep_reads(value)
    unset = decisive(m, reads | _further_reasons(m))
    if m.is_caught(kind):
        raise Raised(kind, unset)
    if m.maybe:
        return
    is_presence = bool(m.tests) and _asks_presence(m.tests[-1][1])
    result = m.fail(kind, unset, place, is_presence=is_presence)
    tested_here = bool(m.tests) and m.tests[-1][2] is scope
    # After a test in the same function, evaluation continues as if the variable were set
    if scope.kind == "function" and not tested_here:
        raise Left("return", result)


def _further_reasons(m: Machine) -> frozenset[str]:
    """Return the environment variables behind every True operand of the innermost `a or b` test being evaluated."""
    _, test, scope = m.tests[-1] if m.tests else (None, None, None)
    if not isinstance(test, ast.BoolOp) or not isinstance(test.op, ast.Or) or scope is None:
        return frozenset()
    found: frozenset[str] = frozenset()
    for each in test.values:
        try:
            value = m.evaluate(each, scope)
        except (Raised, Left):  # the program itself never evaluates it
            continue
        if value.data is True:
            found |= deep_reads(value)
    return found


def decisive(m: Machine, reads: frozenset[str]) -> frozenset[str]:
    """Return the unset variables among `reads`; if the test accepts any of several (`a or b`), only the first read."""
    unset = sorted(name for name in reads if name not in m.environ)
    if len(unset) > 1 and m.tests and _is_either_or(m.tests[-1][1]):
        first = min(unset, key=lambda name: _read_line(m, name))
        return frozenset({first})
    return frozenset(unset)


def _asks_presence(test: ast.expr) -> bool:
    """Return whether a test such as `not a`, `a is None` or `not a or not b` only checks for the presence of values."""
    if isinstance(test, ast.BoolOp):
        return all(_asks_presence(each) for each in test.values)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return not isinstance(test.operand, ast.Compare) and "(" not in ast.unparse(test.operand)
    if isinstance(test, ast.Compare) and isinstance(test.comparators[0], ast.Constant):
        return isinstance(test.ops[0], ast.Is | ast.Eq) and test.comparators[0].value in (None, "")
    return False


def _read_line(m: Machine, name: str) -> int:
    read = m.found.reads.get(name)
    return read.place.line if read and read.place else 0


def _is_either_or(test: ast.expr) -> bool:
    """Return whether one variable of a test is enough, as in `not (a or b)`, `not a and not b`, `not any(...)`."""
    if isinstance(test, ast.BoolOp):
        return isinstance(test.op, ast.And)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = test.operand
        if isinstance(inner, ast.Call):
            return isinstance(inner.func, ast.Name) and inner.func.id == "any"
        return isinstance(inner, ast.Name | ast.Attribute) or (
            isinstance(inner, ast.BoolOp) and isinstance(inner.op, ast.Or)
        )
    return False


def exception_name(node: ast.expr | None) -> str:
    """Return the name of the exception class in a `raise`."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else "Exception"
