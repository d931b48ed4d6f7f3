"""Evaluates operators on values that may be only partly known."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.symbolic_eval.machine import Machine
from devboot.onboarding.symbolic_eval.values import (
    HOLE,
    LONGEST,
    Class,
    External,
    Function,
    Instance,
    Method,
    Module,
    Opaque,
    Value,
    deep_reads,
    is_known,
    plain,
    size,
    total_size,
    union,
)

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.BitOr: operator.or_,
}
_WIDE = re.compile(r"%(?:\(\w*\))?[-#0 +]*(?:\d*\.)?(?:\d{4}|\*)")


def truth(value: Value) -> bool | None:
    """Return whether a value is true in Python's sense; None if that is unknown."""
    data = value.data
    if isinstance(data, Opaque):
        return None
    if isinstance(data, External | Function | Class | Instance | Module | Method):
        return True
    if isinstance(data, str) and data == HOLE:
        return None
    return bool(data)


def binary(m: Machine, left: Value, op: ast.operator, right: Value, place: Evidence) -> Value:
    """Evaluate `left op right`."""
    reads = union(left, right)
    if _is_too_long(left.data, op, right.data):
        return Value(Opaque(), reads, place)
    if isinstance(op, ast.Add) and isinstance(left.data, str) != isinstance(right.data, str):
        return _join_unlike(m, left, right, place)
    if isinstance(op, ast.Mod) and isinstance(left.data, str):
        return _percent(left, right, place)
    function = BINARY.get(type(op))
    if function is None or not is_known(left) or not is_known(right):
        return Value(Opaque(), reads, place)
    try:
        return Value(function(left.data, right.data), reads, place)
    except (TypeError, ValueError, ArithmeticError, MemoryError, OverflowError):
        return Value(Opaque(), reads, place)


def _is_too_long(left: object, op: ast.operator, right: object) -> bool:
    if isinstance(op, ast.Mult) and isinstance(left, int) != isinstance(right, int):
        count, repeated = (left, right) if isinstance(left, int) else (right, left)
        return isinstance(count, int) and size(repeated) * count > LONGEST
    return size(left) + size(right) > LONGEST


def _join_unlike(m: Machine, left: Value, right: Value, place: Evidence) -> Value:
    for side in (left, right):
        if side.data is None and side.reads:
            return m.fail("TypeError", side.reads, place)
    if any(isinstance(side.data, Opaque | External) for side in (left, right)):
        parts = [side.data if isinstance(side.data, str) else HOLE for side in (left, right)]
        return Value("".join(parts), union(left, right), place)
    return Value(Opaque(), union(left, right), place)


def _percent(left: Value, right: Value, place: Evidence) -> Value:
    reads = left.reads | deep_reads(right)
    known = plain(right)
    if isinstance(known, tuple):
        known = tuple(part if isinstance(part, str | int | float) else HOLE for part in known)
    template = str(left.data)
    if _WIDE.search(template) or template.count("%") * total_size(known) > LONGEST:
        return Value(Opaque(), reads, place)
    try:
        return Value(template % known, reads, place)
    except (TypeError, ValueError, KeyError):
        return Value(Opaque(), reads, place)


def compare(left: Value, op: ast.cmpop, right: Value) -> bool | None:
    """Return whether `left op right` is true; None if the result is unknown."""
    a, b = plain(left), plain(right)
    if isinstance(op, ast.Is | ast.IsNot) and (a is None or b is None):
        other = b if a is None else a
        if isinstance(other, Opaque):
            return None
        return (other is None) == isinstance(op, ast.Is)
    if not is_known(left) or not is_known(right):
        return _compare_named(left, op, right)
    checks: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
        ast.Eq: operator.eq,
        ast.NotEq: operator.ne,
        ast.Is: operator.eq,
        ast.IsNot: operator.ne,
        ast.Lt: operator.lt,
        ast.LtE: operator.le,
        ast.Gt: operator.gt,
        ast.GtE: operator.ge,
        ast.In: lambda x, y: x in y,
        ast.NotIn: lambda x, y: x not in y,
    }
    try:
        return bool(checks[type(op)](a, b))
    except (TypeError, ValueError):
        return None


def _compare_named(left: Value, op: ast.cmpop, right: Value) -> bool | None:
    same = left.data is right.data
    named = isinstance(left.data, Class | Instance) and isinstance(right.data, Class | Instance)
    if named and isinstance(op, ast.Eq | ast.Is):
        return same
    return None
