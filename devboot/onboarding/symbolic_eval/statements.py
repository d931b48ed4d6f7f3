"""Evaluates symbolically each kind of statement: its effect on the names in scope."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable
from typing import Any

from devboot.onboarding.symbolic_eval import calls, expressions, operators
from devboot.onboarding.symbolic_eval.assignment import assign
from devboot.onboarding.symbolic_eval.machine import Machine
from devboot.onboarding.symbolic_eval.raising import throw
from devboot.onboarding.symbolic_eval.values import (
    NOTHING,
    PERHAPS,
    RETURNED,
    Class,
    External,
    Function,
    Left,
    Opaque,
    Raised,
    Scope,
    Value,
    absolute_name,
    deep_reads,
    pushed,
    takes,
)

MAX_ROUNDS = 60


def assigned(m: Machine, node: ast.Assign, scope: Scope) -> None:
    """Evaluate `a = b`."""
    value = m.evaluate(node.value, scope)
    for target in node.targets:
        assign(m, target, value, scope)


def annotated(m: Machine, node: ast.AnnAssign, scope: Scope) -> None:
    """Evaluate `a: kind = b`."""
    if node.value is not None:
        assign(m, node.target, m.evaluate(node.value, scope), scope)


def augmented(m: Machine, node: ast.AugAssign, scope: Scope) -> None:
    """Evaluate `a += b`."""
    load = ast.copy_location(_as_load(node.target), node)
    old = m.evaluate(load, scope)
    value = operators.binary(m, old, node.op, m.evaluate(node.value, scope), m.place(node, scope))
    assign(m, node.target, value, scope)


def _as_load(target: ast.expr) -> ast.expr:
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Load(), lineno=target.lineno, col_offset=0)
    return target


def expression(m: Machine, node: ast.Expr, scope: Scope) -> None:
    """Evaluate an expression statement."""
    m.evaluate(node.value, scope)


def condition(m: Machine, node: ast.If, scope: Scope) -> None:
    """Evaluate `if`: only the branch that the test selects, or both if the test is unknown."""
    test = m.evaluate(node.test, scope)
    truth = operators.truth(test)
    if truth is None and scope.kind == "module" and _is_main_guard(node.test):
        truth = False
    if truth is None:
        _both(m, node, scope)
        return
    body = node.body if truth else node.orelse
    with pushed(m.tests, (deep_reads(test), node.test, scope)):
        m.execute(body, scope)


def _is_main_guard(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _both(m: Machine, node: ast.If, scope: Scope) -> None:
    """Evaluate both branches of an `if` with an unknown test.

    Values of the else branch count; names set only in the other branch are added.
    """
    before = dict(scope.names)
    perhaps(m, node.body, scope)
    taken = {name: value for name, value in scope.names.items() if before.get(name) is not value}
    for name in taken:
        if name in before:
            scope.names[name] = before[name]
    perhaps(m, node.orelse, scope)


def perhaps(m: Machine, body: list[ast.stmt], scope: Scope) -> None:
    """Evaluate statements that may not run: variables that they read aren't required."""
    try:
        with m.doubting(), pushed(m.handlers, PERHAPS):
            m.execute(body, scope)
    except Left as left:
        if left.kind == "return":
            scope.names[RETURNED] = left.value
    except Raised:
        pass


def loop(m: Machine, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
    """Evaluate `for`: every iteration if the items are known, otherwise one that may not run."""
    items = expressions.items(m, m.evaluate(node.iter, scope), m.place(node.iter, scope))
    if items is None:
        assign(m, node.target, Value(Opaque()), scope)
        perhaps(m, node.body, scope)
        return
    for item in items[:MAX_ROUNDS]:
        assign(m, node.target, item, scope)
        try:
            m.execute(node.body, scope)
        except Left as left:
            if left.kind == "return":
                raise
            if left.kind == "break":
                return
    m.execute(node.orelse, scope)


def repeat(m: Machine, node: ast.While, scope: Scope) -> None:
    """Evaluate `while`: one iteration, which is certain if the test is true, as in `while True`."""
    verdict = operators.truth(m.evaluate(node.test, scope))
    if verdict is None:
        perhaps(m, node.body, scope)
    elif verdict:
        try:
            m.execute(node.body, scope)
        except Left as left:
            if left.kind == "return":
                raise


def attempt(m: Machine, node: ast.Try, scope: Scope) -> None:
    """Evaluate `try`: exceptions raised in its body go to its handlers."""
    names = tuple(name for handler in node.handlers for name in _handler_names(handler))
    try:
        with pushed(m.handlers, names):
            m.execute(node.body, scope)
        m.execute(node.orelse, scope)
    except Raised as raised:
        _handle(m, node, scope, raised)
    finally:
        m.execute(node.finalbody, scope)


def _handle(m: Machine, node: ast.Try, scope: Scope, raised: Raised) -> None:
    for handler in node.handlers:
        if takes(tuple(_handler_names(handler)), raised.kind):
            if handler.name:
                scope.names[handler.name] = Value(Opaque(raised.kind), raised.reads)
            with pushed(m.causes, raised.reads):
                m.execute(handler.body, scope)
            return
    raise raised


def _handler_names(handler: ast.ExceptHandler) -> list[str]:
    if handler.type is None:
        return ["BaseException"]
    parts = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return [part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "?") for part in parts]


def give_back(m: Machine, node: ast.Return, scope: Scope) -> None:
    """Evaluate `return`."""
    value = m.evaluate(node.value, scope)
    # The tests around a return decide whether it is reached, so their variables influence the result
    reads = frozenset().union(*(reads for reads, _, where in m.tests if where is scope))
    raise Left("return", Value(value.data, value.reads | reads, value.place))


def leave_loop(_m: Machine, node: ast.Break | ast.Continue, _scope: Scope) -> None:
    """Evaluate `break` and `continue`."""
    raise Left("break" if isinstance(node, ast.Break) else "continue", NOTHING)


def check(m: Machine, node: ast.Assert, scope: Scope) -> None:
    """Evaluate `assert`."""
    test = m.evaluate(node.test, scope)
    if operators.truth(test) is False and deep_reads(test):
        m.fail("AssertionError", deep_reads(test), m.place(node, scope))


def define(m: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
    """Evaluate `def`."""
    decorators = tuple(_dotted(item) for item in node.decorator_list)
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call):
            m.evaluate(decorator, scope)
    scope.names[node.name] = Value(Function(node, scope, None, decorators), frozenset(), m.place(node, scope))


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def define_class(m: Machine, node: ast.ClassDef, scope: Scope) -> None:
    """Evaluate `class`, including its body."""
    bases = tuple(m.evaluate(base, scope) for base in node.bases)
    names: dict[str, Value] = {}
    inner = Scope(scope.module, names, scope, "class")
    with contextlib.suppress(Left):
        m.execute(node.body, inner)
    scope.names[node.name] = Value(
        Class(node.name, node, scope.module, bases, names), frozenset(), m.place(node, scope)
    )


def bring(m: Machine, node: ast.Import, scope: Scope) -> None:
    """Evaluate `import x`."""
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
    """Evaluate `from x import y`."""
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
    """Handle the import of a module of the project that isn't in the clone."""
    if m.is_caught("ModuleNotFoundError"):
        raise Raised("ModuleNotFoundError", frozenset())
    if not m.maybe:
        m.found.absent.append((name, m.place(node, scope)))
    for alias in node.names:
        if alias.name != "*":
            scope.names[alias.asname or alias.name] = Value(Opaque(f"{name}.{alias.name}"))


def within(m: Machine, node: ast.With | ast.AsyncWith, scope: Scope) -> None:
    """Evaluate `with`."""
    leave: list[Callable[[], None]] = []
    for item in node.items:
        value = m.evaluate(item.context_expr, scope)
        undo = calls.enter(m, value)
        if undo:
            leave.append(undo)
        if item.optional_vars is not None:
            assign(m, item.optional_vars, value, scope)
    suppressed = any(
        isinstance(i.context_expr, ast.Call) and _dotted(i.context_expr).endswith("suppress") for i in node.items
    )
    try:
        if suppressed:
            perhaps(m, node.body, scope)
        else:
            m.execute(node.body, scope)
    finally:
        for undo in leave:
            undo()


def reach_out(_m: Machine, node: ast.Global | ast.Nonlocal, scope: Scope) -> None:
    """Evaluate `global` and `nonlocal`: copy the current values of the names into the scope."""
    for name in node.names:
        known = scope.find(name)
        if known is not None:
            scope.names[name] = known


TABLE: dict[type[ast.stmt], Callable[[Any, Any, Scope], None]] = {
    ast.Assign: assigned,
    ast.AnnAssign: annotated,
    ast.AugAssign: augmented,
    ast.Expr: expression,
    ast.If: condition,
    ast.For: loop,
    ast.AsyncFor: loop,
    ast.While: repeat,
    ast.Try: attempt,
    ast.TryStar: attempt,
    ast.Raise: throw,
    ast.Return: give_back,
    ast.Break: leave_loop,
    ast.Continue: leave_loop,
    ast.Assert: check,
    ast.FunctionDef: define,
    ast.AsyncFunctionDef: define,
    ast.ClassDef: define_class,
    ast.Import: bring,
    ast.ImportFrom: bring_from,
    ast.With: within,
    ast.AsyncWith: within,
    ast.Global: reach_out,
    ast.Nonlocal: reach_out,
}
