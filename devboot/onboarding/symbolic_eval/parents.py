"""`super()`: an object as its class's next base sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devboot.onboarding.symbolic_eval.values import Class, Instance, Scope, Value

if TYPE_CHECKING:
    from devboot.onboarding.symbolic_eval.calls import Call
    from devboot.onboarding.symbolic_eval.machine import Machine


def parent(_: Machine, call: Call) -> Value | None:
    """The object, to be asked for what the base has; None where that is a library's, or nothing is known of it."""
    own = call.argument(1)
    named = call.argument(0)
    body = _class_body(call.scope)
    values = [own] if own is not None else list(call.scope.names.values())
    for value in values:
        if not isinstance(value.data, Instance):
            continue
        line = value.data.cls.line()
        here = next((n for n, each in enumerate(line) if _is_meant(each, named, body)), None)
        if here is not None:
            rest = line[here + 1 :]
            # The names are the object's own, so that what the base sets is set
            return Value(Instance(rest[0], value.data.names), value.reads, value.place) if rest else None
    return None


def _is_meant(cls: Class, named: Value | None, body: dict[str, Value] | None) -> bool:
    return cls is named.data if named is not None else cls.names is body


def _class_body(scope: Scope | None) -> dict[str, Value] | None:
    while scope is not None and scope.kind != "class":
        scope = scope.parent
    return scope.names if scope is not None else None
