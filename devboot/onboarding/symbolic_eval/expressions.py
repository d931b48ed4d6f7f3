"""Evaluates symbolically each kind of Python expression."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from typing import Any

from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.symbolic_eval import calls
from devboot.onboarding.symbolic_eval.assignment import assign
from devboot.onboarding.symbolic_eval.machine import Machine, Read
from devboot.onboarding.symbolic_eval.members import member
from devboot.onboarding.symbolic_eval.operators import binary, compare, truth
from devboot.onboarding.symbolic_eval.values import (
    HOLE,
    LONGEST,
    NOTHING,
    Call,
    Class,
    External,
    Function,
    Opaque,
    Raised,
    Scope,
    Value,
    is_known,
    size,
    union,
)


def items(m: Machine, value: Value, place: Evidence) -> list[Value] | None:
    """Return the items over which an iteration of the value would go; None if they are unknown."""
    data = value.data
    if isinstance(data, list | tuple | set):
        return [item if isinstance(item, Value) else Value(item, value.reads) for item in data]
    if isinstance(data, dict):
        return [Value(key, value.reads) for key in data]
    if isinstance(data, str):
        return [Value(char, value.reads) for char in data]
    if data is None and value.reads:
        m.fail("TypeError", value.reads, place)
    if isinstance(data, Class) and _is_enum(data):
        members = (item for name, item in data.names.items() if not name.startswith("_"))
        return [item for item in members if isinstance(item.data, str | int | float)]
    return None


def _is_enum(cls: Class) -> bool:
    return any("Enum" in name for name in cls.libraries())


def constant(m: Machine, node: ast.Constant, scope: Scope) -> Value:
    """Evaluate a literal; a text keeps its place in the code, since it may be the name of a variable."""
    return Value(node.value, frozenset(), m.place(node, scope) if isinstance(node.value, str) else None)


def name(m: Machine, node: ast.Name, scope: Scope) -> Value:
    """Evaluate a name: local, of the module, built-in, or from `from library import *`."""
    found = scope.find(node.id)
    if found is None:
        found = scope.module.names.get(node.id)
    if found is not None:
        settled = m.settle(found)
        if settled is not found and scope.names.get(node.id) is found:
            scope.names[node.id] = settled
        return settled
    if scope.module.stars and not hasattr(builtins, node.id):
        return Value(External(f"{scope.module.stars[-1]}.{node.id}"))
    return Value(External(f"builtins.{node.id}"), frozenset(), m.place(node, scope))


def attribute(m: Machine, node: ast.Attribute, scope: Scope) -> Value:
    """Evaluate `owner.attr`."""
    return member(m, m.evaluate(node.value, scope), node.attr, m.place(node, scope))


def call(m: Machine, node: ast.Call, scope: Scope) -> Value:
    """Evaluate `function(...)`."""
    function = m.evaluate(node.func, scope)
    args = _elements(m, node.args, scope)
    keywords: dict[str, Value] = {}
    for keyword in node.keywords:
        value = m.evaluate(keyword.value, scope)
        if keyword.arg is not None:
            keywords[keyword.arg] = value
        elif isinstance(value.data, dict):
            keywords.update({k: v for k, v in value.data.items() if isinstance(k, str)})
    return calls.apply(m, Call(function, tuple(args), keywords, m.place(node, scope), scope))


def subscript(m: Machine, node: ast.Subscript, scope: Scope) -> Value:
    """Evaluate `owner[key]`."""
    owner = m.evaluate(node.value, scope)
    place = m.place(node, scope)
    if isinstance(node.slice, ast.Slice):
        return _slice(m, owner, node.slice, scope)
    return item(m, owner, m.evaluate(node.slice, scope), place)


def _slice(m: Machine, owner: Value, node: ast.Slice, scope: Scope) -> Value:
    given = [m.evaluate(part, scope).data if part else None for part in (node.lower, node.upper, node.step)]
    bounds = [part for part in given if part is None or isinstance(part, int)]
    if isinstance(owner.data, str | list | tuple) and len(bounds) == len(given):
        return Value(owner.data[slice(*bounds)], owner.reads, owner.place)
    return Value(Opaque(), owner.reads, owner.place)


def item(m: Machine, owner: Value, key: Value, place: Evidence) -> Value:  # noqa: PLR0911 - one answer for each kind
    """Return the value of `owner[key]`."""
    data = owner.data
    if isinstance(data, External) and data.name == "os.environ":
        return m.read(key.data, key.place or place) if isinstance(key.data, str) else Value(Opaque())
    if isinstance(data, Opaque):
        return calls.opaque_item(m, owner, data, key, place)
    if isinstance(data, Class):
        return data.names.get(str(key.data)) or owner
    if data is None and owner.reads:
        return m.fail("TypeError", owner.reads, place)
    if not isinstance(data, dict | list | tuple | str):
        return Value(Opaque(), union(owner, key))
    try:
        found = data[key.data]  # type: ignore[index,call-overload]
    except (LookupError, TypeError):
        if isinstance(data, dict) and m.is_caught("KeyError"):
            raise Raised("KeyError", union(owner, key)) from None
        return Value(Opaque(), union(owner, key))
    if isinstance(found, Value):
        return Value(found.data, found.reads | key.reads, found.place)
    return Value(found, union(owner, key), place)


def boolean(m: Machine, node: ast.BoolOp, scope: Scope) -> Value:
    """Evaluate `and` and `or`; unknown operands count as false."""
    wanted = isinstance(node.op, ast.Or)
    reads: frozenset[str] = frozenset()
    value = NOTHING
    for index, part in enumerate(node.values):
        value = m.evaluate(part, scope)
        reads |= value.reads
        verdict = truth(value)
        last = index == len(node.values) - 1
        if last or verdict is wanted or (verdict is None and not wanted):
            break
    return Value(value.data, reads, value.place)


def unary(m: Machine, node: ast.UnaryOp, scope: Scope) -> Value:
    """Evaluate `not x` and `-x`."""
    value = m.evaluate(node.operand, scope)
    if isinstance(node.op, ast.Not):
        verdict = truth(value)
        return Value(Opaque("not"), value.reads) if verdict is None else Value(not verdict, value.reads)
    if isinstance(node.op, ast.USub) and isinstance(value.data, int | float):
        return Value(-value.data, value.reads)
    return Value(Opaque(), value.reads)


def binary_node(m: Machine, node: ast.BinOp, scope: Scope) -> Value:
    """Evaluate `a + b` and other binary operators."""
    return binary(m, m.evaluate(node.left, scope), node.op, m.evaluate(node.right, scope), m.place(node, scope))


def compared(m: Machine, node: ast.Compare, scope: Scope) -> Value:
    """Evaluate comparisons such as `a == b`, `a in b`, and chains of them."""
    left = m.evaluate(node.left, scope)
    reads = left.reads
    verdict: bool | None = True
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = m.evaluate(comparator, scope)
        reads |= right.reads
        if _is_environ(right) and isinstance(op, ast.In | ast.NotIn) and isinstance(left.data, str):
            m.found.reads.setdefault(left.data, Read(left.data, m.place(node, scope), NOTHING))
            present = left.data in m.environ
            verdict = present if isinstance(op, ast.In) else not present
            reads |= {left.data}
        else:
            verdict = compare(left, op, right)
        if verdict is not True:
            break
        left = right
    return Value(Opaque("compare"), reads) if verdict is None else Value(verdict, reads)


def _is_environ(value: Value) -> bool:
    return isinstance(value.data, External) and value.data.name == "os.environ"


def either(m: Machine, node: ast.IfExp, scope: Scope) -> Value:
    """Evaluate `a if test else b`; as `b` if the test's truth is unknown."""
    test = m.evaluate(node.test, scope)
    verdict = truth(test)
    if verdict is None:
        with m.doubting():
            value = m.evaluate(node.orelse, scope)
    else:
        value = m.evaluate(node.body if verdict else node.orelse, scope)
    return Value(value.data, value.reads | test.reads, value.place)


def text(m: Machine, node: ast.JoinedStr, scope: Scope) -> Value:
    """Evaluate an f-string."""
    parts: list[str] = []
    reads: frozenset[str] = frozenset()
    length = 0
    for part in node.values:
        value = m.evaluate(part.value if isinstance(part, ast.FormattedValue) else part, scope)
        reads |= value.reads
        known = is_known(value) and not isinstance(value.data, dict | list | tuple | set)
        length += size(value.data) if known else 0
        parts.append(str(value.data) if known and length <= LONGEST else HOLE)
    return Value("".join(parts) if length <= LONGEST else Opaque(), reads, m.place(node, scope))


def sequence(m: Machine, node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> Value:
    """Evaluate a list, tuple or set; sets become lists."""
    found = _elements(m, node.elts, scope)
    return Value(tuple(found) if isinstance(node, ast.Tuple) else found, frozenset(), m.place(node, scope))


def _elements(m: Machine, nodes: list[ast.expr], scope: Scope) -> list[Value]:
    """Return the values of expressions, including those of `*more` if it is known and not too long."""
    found: list[Value] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            more = items(m, m.evaluate(node.value, scope), m.place(node, scope)) or []
            found += more if len(found) + len(more) <= LONGEST else []
        else:
            found.append(m.evaluate(node, scope))
    return found


def mapping(m: Machine, node: ast.Dict, scope: Scope) -> Value:
    """Evaluate a dictionary; unknown keys are left out."""
    found: dict[object, Value] = {}
    for key, element in zip(node.keys, node.values, strict=True):
        value = m.evaluate(element, scope)
        if key is None:
            found.update(value.data if isinstance(value.data, dict) else {})
            continue
        known = m.evaluate(key, scope).data
        if isinstance(known, str | int | bool | None):
            place = value.place or m.place(element, scope)
            found[known] = Value(value.data, value.reads, place)
    return Value(found, frozenset(), m.place(node, scope))


def comprehension(m: Machine, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope) -> Value:
    """Evaluate a list or set comprehension or a generator expression."""
    found: list[Value] = []
    inner = Scope(scope.module, {}, scope, "function")
    known = _each(m, node.generators, inner, lambda: found.append(m.evaluate(node.elt, inner)))
    reads = frozenset().union(*(value.reads for value in found))
    return Value(found, reads, m.place(node, scope)) if known else Value(Opaque(), reads, m.place(node, scope))


def dict_comprehension(m: Machine, node: ast.DictComp, scope: Scope) -> Value:
    """Evaluate a dictionary comprehension."""
    found: dict[object, Value] = {}
    inner = Scope(scope.module, {}, scope, "function")

    def add() -> None:
        key = m.evaluate(node.key, inner).data
        value = m.evaluate(node.value, inner)
        if isinstance(key, str | int | bool | None):
            found[key] = value

    known = _each(m, node.generators, inner, add)
    return Value(found if known else Opaque(), frozenset(), m.place(node, scope))


def _each(m: Machine, generators: list[ast.comprehension], scope: Scope, act: Callable[[], None]) -> bool:
    if not generators:
        act()
        return True
    first, rest = generators[0], generators[1:]
    found = items(m, m.evaluate(first.iter, scope), m.place(first.iter, scope))
    if found is None:
        return False
    for value in found[:100]:
        assign(m, first.target, value, scope)
        if all(truth(m.evaluate(test, scope)) is not False for test in first.ifs):
            _each(m, rest, scope, act)
    return True


def function(m: Machine, node: ast.Lambda, scope: Scope) -> Value:
    """Evaluate a lambda."""
    return Value(Function(node, scope), frozenset(), m.place(node, scope))


def walrus(m: Machine, node: ast.NamedExpr, scope: Scope) -> Value:
    """Evaluate `(name := value)`."""
    value = m.evaluate(node.value, scope)
    scope.names[node.target.id] = value
    return value


def awaited(m: Machine, node: ast.Await | ast.YieldFrom, scope: Scope) -> Value:
    """Evaluate `await x` as `x`."""
    return m.evaluate(node.value, scope)


def yielded(m: Machine, node: ast.Yield, scope: Scope) -> Value:
    """Evaluate `yield`; the value sent back into the generator is unknown."""
    m.evaluate(node.value, scope)
    return Value(Opaque())


TABLE: dict[type[ast.expr], Callable[[Any, Any, Scope], Value]] = {
    ast.Constant: constant,
    ast.Name: name,
    ast.Attribute: attribute,
    ast.Call: call,
    ast.Subscript: subscript,
    ast.BoolOp: boolean,
    ast.UnaryOp: unary,
    ast.BinOp: binary_node,
    ast.Compare: compared,
    ast.IfExp: either,
    ast.JoinedStr: text,
    ast.List: sequence,
    ast.Tuple: sequence,
    ast.Set: sequence,
    ast.Dict: mapping,
    ast.ListComp: comprehension,
    ast.SetComp: comprehension,
    ast.GeneratorExp: comprehension,
    ast.DictComp: dict_comprehension,
    ast.Lambda: function,
    ast.NamedExpr: walrus,
    ast.Await: awaited,
    ast.Yield: yielded,
    ast.YieldFrom: awaited,
}
